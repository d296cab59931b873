#include <algorithm>
#include <cctype>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/onnx/recurrent.h"

namespace sonde::compare::onnx {
namespace {

namespace input = recurrent_input;

std::vector<std::string> default_activations(Cell cell, std::size_t directions) {
  std::vector<std::string> one = {"tanh"};
  if (cell == Cell::lstm) one = {"sigmoid", "tanh", "tanh"};
  if (cell == Cell::gru) one = {"sigmoid", "tanh"};
  std::vector<std::string> all;
  for (std::size_t d = 0; d < directions; ++d) all.insert(all.end(), one.begin(), one.end());
  return all;
}

bool whole_sequences(const Call& call, std::int64_t time) {
  if (!call.has(input::lengths)) return true;
  return std::ranges::all_of(integers_of(call.in(input::lengths)),
                             [time](std::int64_t length) { return length == time; });
}

bool all_are(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::all_of(names, [name](const std::string& one) { return one == name; });
}

// Whether ATen's layer computes it.
bool is_atens(const Call& call, const RecurrentLayer& layer, std::int64_t time) {
  const bool usual = layer.activations == default_activations(layer.cell, layer.reversed.size()) ||
                     (layer.cell == Cell::rnn && all_are(layer.activations, "relu"));
  return usual && layer.clip == 0 && !layer.input_forget && !call.has(input::p) && whole_sequences(call, time) &&
         (layer.cell != Cell::gru || layer.linear_before_reset);
}

// Rows by gates: from ONNX's order (LSTM i o f c, GRU z r h) to ATen's (i f c o, r z h).
at::Tensor reordered(const at::Tensor& rows, Cell cell) {
  if (cell == Cell::rnn) return rows;
  const auto gates = rows.chunk(cell == Cell::lstm ? 4 : 3);
  if (cell == Cell::lstm) return at::cat({gates[0], gates[2], gates[3], gates[1]});
  return at::cat({gates[1], gates[0], gates[2]});
}

// For each direction weight_ih, weight_hh and, if there are biases, bias_ih, bias_hh.
Tensors atens_weights(const Call& call, Cell cell) {
  Tensors weights;
  const bool biases = call.has(input::b);
  for (std::int64_t d = 0; d < call.in(input::w).size(0); ++d) {
    weights.push_back(reordered(call.in(input::w)[d], cell));
    weights.push_back(reordered(call.in(input::r)[d], cell));
    if (!biases) continue;
    const auto halves = call.in(input::b)[d].chunk(2);
    weights.push_back(reordered(halves[0], cell));
    weights.push_back(reordered(halves[1], cell));
  }
  return weights;
}

at::Tensor first_state(const Call& call, const RecurrentLayer& layer, std::size_t which, const at::Tensor& x) {
  if (call.has(which)) return layer.batch_first ? call.in(which).transpose(0, 1) : call.in(which);
  return at::zeros({static_cast<std::int64_t>(layer.reversed.size()), x.size(1), layer.hidden}, x.options());
}

Tensors run_atens(const Call& call, const RecurrentLayer& layer, at::Tensor x) {
  const Tensors weights = call.prepared().empty() ? atens_weights(call, layer.cell) : call.prepared();
  const bool biases = call.has(input::b);
  const bool both = layer.reversed.size() == 2;
  const bool backwards = !both && layer.reversed[0];
  if (backwards) x = at::flip(x, 0);
  const at::Tensor h = first_state(call, layer, input::h, x);
  at::Tensor y;
  Tensors last;
  if (layer.cell == Cell::lstm) {
    const at::Tensor c = first_state(call, layer, input::c, x);
    auto [output, h_n, c_n] = at::lstm(x, {h, c}, weights, biases, 1, 0.0, false, both, false);
    y = output;
    last = {h_n, c_n};
  } else {
    const auto [output, h_n] = layer.cell == Cell::gru ? at::gru(x, h, weights, biases, 1, 0.0, false, both, false)
                               : layer.activations[0] == "relu"
                                   ? at::rnn_relu(x, h, weights, biases, 1, 0.0, false, both, false)
                                   : at::rnn_tanh(x, h, weights, biases, 1, 0.0, false, both, false);
    y = output;
    last = {h_n};
  }
  if (backwards) y = at::flip(y, 0);
  // (time, batch, directions * hidden) to (time, directions, batch, hidden)
  y = y.reshape({y.size(0), y.size(1), static_cast<std::int64_t>(layer.reversed.size()), layer.hidden}).transpose(1, 2);
  last.insert(last.begin(), y);
  return last;
}

template <Cell kCell>
Tensors recurrent(const Call& call) {
  const RecurrentLayer layer = layer_of(call, kCell);
  at::Tensor x = call.in(input::x);
  if (x.dim() != 3) call.fail("an input of " + std::to_string(x.dim()) + " dimensions, wanted 3");
  if (layer.batch_first) x = x.transpose(0, 1);
  Tensors outputs = is_atens(call, layer, x.size(0)) ? run_atens(call, layer, x) : run_stepwise(call, layer, x);
  if (!layer.batch_first) return outputs;
  outputs[0] = outputs[0].permute({2, 0, 1, 3});
  for (std::size_t i = 1; i < outputs.size(); ++i) outputs[i] = outputs[i].transpose(0, 1);
  return outputs;
}

template <Cell kCell>
Tensors prepare(const Call& call) {
  const bool all = call.has(input::w) && call.has(input::r) && call.has(input::b) == call.names_input(input::b);
  if (!all || (kCell == Cell::gru && !call.flag("linear_before_reset"))) return {};
  return atens_weights(call, kCell);
}

std::vector<std::string> names(const Call& call) {
  const std::string layer = call.name().empty() ? call.input_name(input::w) : call.name();
  std::vector<std::string> result;
  for (std::int64_t d = 0; d < call.in(input::w).size(0); ++d) {
    for (const char* name : {".weight_ih_l0", ".weight_hh_l0", ".bias_ih_l0", ".bias_hh_l0"}) {
      if (name[1] == 'b' && !call.has(input::b)) continue;
      result.push_back(layer + name + (d == 1 ? "_reverse" : ""));
    }
  }
  return result;
}

constexpr Operator kOperators[] = {
    {"GRU", recurrent<Cell::gru>, prepare<Cell::gru>, names},
    {"LSTM", recurrent<Cell::lstm>, prepare<Cell::lstm>, names},
    {"RNN", recurrent<Cell::rnn>, prepare<Cell::rnn>, names},
};

}  // namespace

RecurrentLayer layer_of(const Call& call, Cell cell) {
  RecurrentLayer layer{.cell = cell, .hidden = call.in(input::r).size(-1)};
  const std::string direction = call.text("direction", "forward");
  if (direction == "bidirectional") {
    layer.reversed = {false, true};
  } else if (direction == "forward" || direction == "reverse") {
    layer.reversed = {direction == "reverse"};
  } else {
    call.fail("the direction \"" + direction + "\"");
  }
  if (call.in(input::w).size(0) != static_cast<std::int64_t>(layer.reversed.size()))
    call.fail("weights are not for the directions");
  layer.activations = call.texts("activations");
  for (std::string& name : layer.activations)
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (layer.activations.empty()) layer.activations = default_activations(cell, layer.reversed.size());
  layer.alpha = call.reals("activation_alpha");
  layer.beta = call.reals("activation_beta");
  layer.clip = call.real("clip", 0);
  layer.linear_before_reset = call.flag("linear_before_reset");
  layer.input_forget = call.flag("input_forget");
  layer.batch_first = call.flag("layout");
  return layer;
}

std::span<const Operator> recurrent_layers() { return kOperators; }

}  // namespace sonde::compare::onnx
