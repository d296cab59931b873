#include <ATen/ATen.h>

#include "compare/onnx/recurrent.h"

namespace sonde::compare::onnx {
namespace {

namespace input = recurrent_input;

at::Tensor activate(const Call& call, const std::string& name, const at::Tensor& x, double alpha, double beta) {
  if (name == "sigmoid") return at::sigmoid(x);
  if (name == "tanh") return at::tanh(x);
  if (name == "relu") return at::relu(x);
  if (name == "affine") return at::add(at::mul(x, alpha), beta);
  if (name == "leakyrelu") return at::leaky_relu(x, alpha);
  if (name == "thresholdedrelu") return at::threshold(x, alpha, 0);
  if (name == "scaledtanh") return at::mul(at::tanh(at::mul(x, beta)), alpha);
  if (name == "hardsigmoid") return at::clamp(at::add(at::mul(x, alpha), beta), 0, 1);
  if (name == "elu") return at::elu(x, alpha);
  if (name == "softsign") return at::div(x, at::add(at::abs(x), 1));
  if (name == "softplus") return at::softplus(x);
  call.fail("the activation " + name + " of a recurrent layer");
}

double default_alpha(const std::string& name) {
  if (name == "leakyrelu") return 0.01;
  if (name == "hardsigmoid") return 0.2;
  return 1;
}

double default_beta(const std::string& name) { return name == "hardsigmoid" ? 0.5 : name == "affine" ? 0 : 1; }

// One direction.
class Steps {
 public:
  Steps(const Call& call, const RecurrentLayer& layer, std::int64_t direction, std::int64_t batch)
      : call_(call),
        layer_(layer),
        w_(call.in(input::w)[direction]),
        r_(call.in(input::r)[direction]),
        direction_(static_cast<std::size_t>(direction)) {
    const std::int64_t rows = w_.size(0);
    const at::Tensor b = call.has(input::b) ? call.in(input::b)[direction] : at::zeros({2 * rows}, w_.options());
    wb_ = b.narrow(0, 0, rows);
    rb_ = b.narrow(0, rows, rows);
    h_ = call.has(input::h) ? state(input::h, direction) : at::zeros({batch, layer.hidden}, w_.options());
    if (layer.cell != Cell::lstm) return;
    c_ = call.has(input::c) ? state(input::c, direction) : at::zeros({batch, layer.hidden}, w_.options());
    if (call.has(input::p)) p_ = call.in(input::p)[direction].chunk(3);
  }

  // `running`: (batch, 1) whether the sequence still goes on; undefined: all do.
  at::Tensor step(const at::Tensor& x, const at::Tensor& running) {
    const at::Tensor h_before = h_;
    const at::Tensor c_before = c_;
    switch (layer_.cell) {
      case Cell::lstm:
        lstm(x);
        break;
      case Cell::gru:
        gru(x);
        break;
      case Cell::rnn:
        h_ = f(0, clipped(at::add(at::linear(x, w_, wb_), at::linear(h_, r_, rb_))));
        break;
    }
    if (!running.defined()) return h_;
    const at::Tensor y = at::where(running, h_, at::zeros_like(h_));
    h_ = at::where(running, h_, h_before);
    if (c_.defined()) c_ = at::where(running, c_, c_before);
    return y;
  }
  [[nodiscard]] const at::Tensor& h() const { return h_; }
  [[nodiscard]] const at::Tensor& c() const { return c_; }

 private:
  [[nodiscard]] at::Tensor state(std::size_t which, std::int64_t direction) const {
    return layer_.batch_first ? call_.in(which).select(1, direction) : call_.in(which)[direction];
  }
  [[nodiscard]] at::Tensor clipped(const at::Tensor& x) const {
    return layer_.clip > 0 ? at::clamp(x, -layer_.clip, layer_.clip) : x;
  }
  [[nodiscard]] at::Tensor f(std::size_t which, const at::Tensor& x) const {
    const std::size_t per_direction = layer_.activations.size() / layer_.reversed.size();
    const std::size_t at = direction_ * per_direction + which;
    const std::string& name = layer_.activations.at(at);
    return activate(call_, name, x, at < layer_.alpha.size() ? layer_.alpha[at] : default_alpha(name),
                    at < layer_.beta.size() ? layer_.beta[at] : default_beta(name));
  }

  // Gates i, o, f, c.
  void lstm(const at::Tensor& x) {
    const auto gates = at::add(at::linear(x, w_, wb_), at::linear(h_, r_, rb_)).chunk(4, 1);
    const auto peep = [this](std::size_t gate, const at::Tensor& c) {
      return p_.empty() ? at::zeros({1}, c.options()) : at::mul(p_[gate], c);
    };
    const at::Tensor in = f(0, clipped(at::add(gates[0], peep(0, c_))));
    const at::Tensor forget =
        layer_.input_forget ? at::sub(at::ones_like(in), in) : f(0, clipped(at::add(gates[2], peep(2, c_))));
    c_ = at::add(at::mul(forget, c_), at::mul(in, f(1, clipped(gates[3]))));
    h_ = at::mul(f(0, clipped(at::add(gates[1], peep(1, c_)))), f(2, c_));
  }

  // Gates z, r, h. Before operator set 3 and by default the reset gate acts before the product with R.
  void gru(const at::Tensor& x) {
    const std::int64_t n = layer_.hidden;
    const auto of_x = at::linear(x, w_, wb_).chunk(3, 1);
    const auto of_h = at::linear(h_, r_.narrow(0, 0, 2 * n), rb_.narrow(0, 0, 2 * n)).chunk(2, 1);
    const at::Tensor z = f(0, clipped(at::add(of_x[0], of_h[0])));
    const at::Tensor r = f(0, clipped(at::add(of_x[1], of_h[1])));
    const at::Tensor rh = r_.narrow(0, 2 * n, n);
    const at::Tensor bh = rb_.narrow(0, 2 * n, n);
    const at::Tensor recurrent =
        layer_.linear_before_reset ? at::mul(r, at::linear(h_, rh, bh)) : at::linear(at::mul(r, h_), rh, bh);
    const at::Tensor candidate = f(1, clipped(at::add(of_x[2], recurrent)));
    h_ = at::add(at::mul(at::sub(at::ones_like(z), z), candidate), at::mul(z, h_));
  }

  const Call& call_;
  const RecurrentLayer& layer_;
  const at::Tensor w_;
  const at::Tensor r_;
  const std::size_t direction_;
  at::Tensor wb_;
  at::Tensor rb_;
  at::Tensor h_;
  at::Tensor c_;
  std::vector<at::Tensor> p_;
};

// (time, batch): where the element of each step comes from. Reversed, each sequence within its own length.
at::Tensor order_of(std::int64_t time, const Sizes& lengths) {
  at::Tensor order = at::arange(time, at::kLong).unsqueeze(1).repeat({1, static_cast<std::int64_t>(lengths.size())});
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    const at::Tensor column = order.select(1, static_cast<std::int64_t>(b)).narrow(0, 0, lengths[b]);
    column.copy_(at::flip(column, 0));
  }
  return order;
}

}  // namespace

Tensors run_stepwise(const Call& call, const RecurrentLayer& layer, const at::Tensor& x) {
  const std::int64_t time = x.size(0);
  const std::int64_t batch = x.size(1);
  const bool given = call.has(input::lengths);
  const Sizes lengths = given ? integers_of(call.in(input::lengths)) : Sizes(static_cast<std::size_t>(batch), time);
  for (const std::int64_t length : lengths)
    if (length < 0 || length > time)
      call.fail("a sequence of length " + std::to_string(length) + " in " + std::to_string(time) + " steps");
  Tensors y;
  Tensors last_h;
  Tensors last_c;
  for (std::size_t d = 0; d < layer.reversed.size(); ++d) {
    Steps steps(call, layer, static_cast<std::int64_t>(d), batch);
    at::Tensor order;
    at::Tensor in = x;
    if (layer.reversed[d]) {
      order = order_of(time, lengths).unsqueeze(2);
      in = at::gather(x, 0, order.expand(x.sizes()));
    }
    Tensors out;
    for (std::int64_t t = 0; t < time; ++t) {
      const at::Tensor running = given ? at::tensor(lengths, at::kLong).gt(t).unsqueeze(1) : at::Tensor();
      out.push_back(steps.step(in[t], running));
    }
    at::Tensor all = at::stack(out);
    if (layer.reversed[d]) all = at::gather(all, 0, order.expand(all.sizes()));
    y.push_back(all);
    last_h.push_back(steps.h());
    if (steps.c().defined()) last_c.push_back(steps.c());
  }
  Tensors outputs = {at::stack(y, 1), at::stack(last_h)};
  if (!last_c.empty()) outputs.push_back(at::stack(last_c));
  return outputs;
}

}  // namespace sonde::compare::onnx
