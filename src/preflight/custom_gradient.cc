// Do the backward passes of torch::autograd::Function subclasses agree with their forward passes?
//
// A function cannot be called from its node in the graph, so the whole program runs again with the function's input
// moved by +-e d, and what the function put out is read where the next operation takes it: central differences of the
// function alone, whatever else the program does (stop-gradients elsewhere do not disturb). They are compared, projected
// on a random v, with what its backward pass makes of v. Sums are in double; two sizes of e that disagree with each other
// (kinks, steps) prove nothing. The comparison is that of torch::autograd::gradcheck.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/record_function.h>

#include "preflight/kinds.h"
#include "preflight/trial.h"
#include "probes/call_site.h"
#include "probes/torch_version.h"

namespace sonde::preflights {
namespace {

using torch::autograd::Node;

constexpr int kDirections = 3;
constexpr double kWrong = 0.05;     // relative error that rounding and curvature do not explain
constexpr double kSteady = 0.2;     // of the error: how far the two estimates may lie apart
constexpr double kRelative = 1e-2;  // e d against the input
constexpr const char* kQuestion = "the gradients of custom functions";

// The n-th tensor that the i-th operation takes or puts out.
struct Slot {
  std::size_t operation = 0;
  std::size_t index = 0;
};
using Output = std::pair<const Node*, std::uint32_t>;  // of a node: what autograd calls an edge

Output output_of(const at::Tensor& tensor) {
  const auto* impl = tensor.unsafeGetTensorImpl();
  const auto* node = probes::grad_fn_of(impl);
  return {node, node ? torch::autograd::impl::get_autograd_meta(tensor)->output_nr_ : 0};
}

// Where tensors of the graph are made and taken, in operations counted from the start of the forward pass.
struct Map {
  std::map<Output, Slot> made, taken;
  std::vector<TapedOp> places;  // without outputs
};

struct CustomFunction {
  Node* node;  // alive as long as the loss is
  std::string name;
  std::optional<Slot> taken;  // its output, as an input of this operation; none: it is the loss
  std::uint32_t output = 0;
};

std::string name_of(const Node& node) {
  constexpr std::string_view kPrefix = "torch::autograd::CppNode<";
  const auto name = node.name();
  return name.rfind(kPrefix, 0) == 0 ? name.substr(kPrefix.size(), name.size() - kPrefix.size() - 1) : "";
}

Map map_of(Trial& trial, at::Tensor& loss) {
  Map map;
  std::size_t count = 0;
  trial.state().begin();
  OpTap tap(
      [&](std::string_view operation, const OpTap::Tensors& inputs) {
        for (std::size_t i = 0; i < inputs.size(); ++i) map.taken.try_emplace(output_of(inputs[i]), Slot{count, i});
        TapedOp place;
        place.operation = operation;
        place.frame_count = probes::capture_user_frames(place.frames);
        map.places.push_back(std::move(place));
      },
      [&](const OpTap::Tensors& outputs) {
        for (std::size_t i = 0; i < outputs.size(); ++i) map.made.try_emplace(output_of(outputs[i]), Slot{count, i});
        ++count;
      });
  loss = trial.loss();
  tap.rethrow();
  return map;
}

std::vector<Node*> custom_nodes(const at::Tensor& loss) {
  std::vector<Node*> found, todo;
  std::set<const Node*> seen;
  if (loss.grad_fn()) todo.push_back(loss.grad_fn().get());
  while (!todo.empty()) {
    auto* node = todo.back();
    todo.pop_back();
    if (!seen.insert(node).second) continue;
    if (!name_of(*node).empty()) found.push_back(node);
    for (const auto& edge : node->next_edges())
      if (edge.function) todo.push_back(edge.function.get());
  }
  return found;
}

// What a custom function puts out when one of its inputs is moved.
class Probe {
 public:
  Probe(Trial& trial, const CustomFunction& function, Slot input, at::Tensor leaf)
      : trial_(trial), function_(function), input_(input), leaf_(std::move(leaf)) {}

  // The output, in double on the CPU; the input is moved by `change` (undefined: not at all).
  at::Tensor output(const at::Tensor& change) {
    std::size_t count = 0;
    at::Tensor result;
    const auto read = [&](const at::Tensor& tensor) {
      result = tensor.detach().to(at::kCPU, at::kDouble, false, /*copy=*/true);
    };
    trial_.state().begin();
    const Moved moved(*this);
    if (leaf_.defined()) move(leaf_, change);
    OpTap tap(
        [&](std::string_view, const OpTap::Tensors& inputs) {
          const auto& taken = function_.taken;
          if (taken && count == taken->operation && taken->index < inputs.size()) read(inputs[taken->index]);
        },
        [&](const OpTap::Tensors& outputs) {
          if (!leaf_.defined() && count == input_.operation && input_.index < outputs.size())
            move(outputs[input_.index], change);
          ++count;
        });
    const auto loss = trial_.loss();
    tap.rethrow();
    if (!function_.taken) read(loss);
    return result;
  }
  // The input as the function got it, of the last output().
  [[nodiscard]] const at::Tensor& input() const { return value_; }

 private:
  // What was moved may be memory of the user's (a view of the batch): it goes back when the run is over.
  struct Moved {
    explicit Moved(Probe& probe) : probe_(probe) {}
    ~Moved() {
      if (!probe_.moved_.defined()) return;
      const at::DisableRecordFunctionGuard unobserved;
      probe_.moved_.copy_(probe_.value_);
      probe_.moved_ = at::Tensor();
    }
    Moved(const Moved&) = delete;
    Moved& operator=(const Moved&) = delete;

   private:
    Probe& probe_;
  };

  void move(const at::Tensor& tensor, const at::Tensor& change) {
    const at::DisableRecordFunctionGuard unobserved;
    value_ = tensor.detach().clone();
    if (!change.defined()) return;
    moved_ = tensor.variable_data();
    moved_.add_(change.to(tensor.options()));
  }

  Trial& trial_;
  const CustomFunction& function_;
  Slot input_;
  at::Tensor leaf_;   // the input, if no operation makes it
  at::Tensor value_;  // of the input, before it was moved
  at::Tensor moved_;  // its memory
};

struct Comparison {
  double analytic = 0, coarse = 0, fine = 0;  // derivatives along one direction
  double size = 0;                            // what such a derivative comes to, typically
  [[nodiscard]] double error() const { return std::abs(analytic - fine); }
  [[nodiscard]] bool wrong() const { return error() > kWrong * std::max(size, std::abs(fine)) && steady(); }
  [[nodiscard]] bool steady() const { return std::abs(coarse - fine) <= kSteady * error(); }
};

// Empty if the function's output or gradient is not to be had.
std::vector<Comparison> compare(Probe& probe, const CustomFunction& function, std::size_t edge) {
  auto generator = at::detail::createCPUGenerator(/*seed_val=*/11);
  const auto random = [&](at::IntArrayRef sizes) {
    return at::randn(sizes, generator, at::TensorOptions().dtype(at::kDouble));
  };
  const auto output = probe.output({});
  if (!output.defined() || !probe.input().defined() || probe.input().is_complex()) return {};
  const auto v = random(output.sizes());
  std::vector<at::Tensor> incoming(function.node->num_inputs());
  incoming[function.output] = v.to(function.node->input_metadata(function.output).options());
  const auto gradients = (*function.node)(std::move(incoming));
  if (edge >= gradients.size() || !gradients[edge].defined()) return {};
  const auto gradient = gradients[edge].detach().to(at::kCPU, at::kDouble);
  const double scale =
      std::max(std::sqrt(probe.input().to(at::kDouble).square().mean().item<double>()), 1e-3) * kRelative;
  std::vector<Comparison> comparisons;
  for (int i = 0; i < kDirections; ++i) {
    const auto d = random(gradient.sizes());
    const auto slope = [&](double e) {
      const auto ahead = probe.output(d * e), behind = probe.output(d * -e);
      return ((ahead - behind) * v).sum().item<double>() / (2 * e);
    };
    Comparison comparison;
    comparison.analytic = (gradient * d).sum().item<double>();
    comparison.coarse = slope(scale);
    comparison.fine = slope(scale / 2);
    comparison.size = gradient.norm().item<double>();
    comparisons.push_back(comparison);
  }
  return comparisons;
}

void judge(Trial& trial, const CustomFunction& function, const Map& map, std::size_t edge,
           const std::vector<Comparison>& comparisons) {
  const auto wrong = std::count_if(comparisons.begin(), comparisons.end(), [](const auto& c) { return c.wrong(); });
  // A forward pass in steps (rounding, signs) has no slope; a backward pass that makes one up is meant.
  const bool in_steps = std::all_of(comparisons.begin(), comparisons.end(), [](const auto& c) { return c.fine == 0; });
  if (wrong * 2 <= kDirections || in_steps) return;
  const auto& first = comparisons[0];
  const double factor = first.analytic / first.fine;
  const bool multiple = std::all_of(comparisons.begin(), comparisons.end(), [&](const Comparison& c) {
    return std::abs(c.analytic - factor * c.fine) <= kWrong * std::max(std::abs(c.analytic), c.size);
  });
  auto where = function.taken ? map.places[function.taken->operation].where(Phase::backward) : Location();
  where.phase = Phase::backward;
  where.part = "model";
  where.operation = function.name;
  const auto input = "input " + std::to_string(edge) + " of " + function.name;
  const auto measured =
      "along a random direction it is " + number(first.analytic) + ", finite differences give " + number(first.fine);
  if (multiple)
    return trial.found(
        Severity::advice, kCustomGradient, where,
        "the gradient for " + input + " is " + number(factor) + " times the true one: " + measured,
        because(Cause::unknown, 0.5, "right if it is meant (a reversed or scaled gradient); else correct backward()"));
  trial.found(Severity::warning, kCustomGradient, where, "the gradient for " + input + " is wrong: " + measured,
              because(Cause::unknown, 0.9, "correct backward() of " + function.name));
}

}  // namespace

void custom_gradients(Trial& trial) {
  at::Tensor loss;
  const auto map = map_of(trial, loss);
  std::set<std::string> seen;
  for (auto* node : custom_nodes(loss)) {
    CustomFunction function{node, name_of(*node), std::nullopt, 0};
    if (!seen.insert(function.name).second) continue;  // one call of each function is enough
    bool read = loss.grad_fn().get() == node;
    for (std::uint32_t output = 0; !read && output < node->num_inputs(); ++output) {
      const auto taken = map.taken.find({node, output});
      if (taken == map.taken.end()) continue;
      read = true;
      function.taken = taken->second;
      function.output = output;
    }
    bool compared = false;
    for (std::size_t edge = 0; read && edge < node->num_outputs(); ++edge) {
      const auto& next = node->next_edge(edge);
      if (!next.function) continue;
      const auto* leaf = probes::as_accumulator(next.function.get());
      const auto made = map.made.find({next.function.get(), next.input_nr});
      if (leaf == nullptr && made == map.made.end()) continue;
      Probe probe(trial, function, leaf ? Slot{} : made->second, leaf ? leaf->variable : at::Tensor());
      const auto comparisons = compare(probe, function, edge);
      if (comparisons.empty()) continue;
      compared = true;
      judge(trial, function, map, edge, comparisons);
    }
    if (!compared)
      trial.not_observed("the gradient of " + function.name, "no operation makes its input or takes its output");
  }
}

}  // namespace sonde::preflights
