#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

// Axes are an input of ReduceSum since operator set 13, of the others since 18.
struct Reduction {
  const at::Tensor& x;
  Sizes axes;
  bool keep;
  bool nothing;  // to be done
};

Reduction reduction_of(const Call& call) {
  const at::Tensor& x = call.in(0);
  Sizes axes = call.axes(call.integers("axes", 1).value_or(Sizes{}), x.dim());
  const bool nothing = axes.empty() && call.flag("noop_with_empty_axes");
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(x.dim()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  return {x, axes, call.flag("keepdims", true), nothing};
}

at::Tensor sum(const at::Tensor& x, const Sizes& axes, bool keep) { return at::sum(x, axes, keep, x.scalar_type()); }

at::Tensor mean(const at::Tensor& x, const Sizes& axes, bool keep) {
  if (x.is_floating_point()) return at::mean(x, axes, keep);
  return at::mean(x.to(at::kDouble), axes, keep).to(x.scalar_type());
}

at::Tensor product(const at::Tensor& x, const Sizes& axes, bool keep) {
  at::Tensor y = x;
  for (const std::int64_t axis : axes) y = at::prod(y, axis, true, x.scalar_type());
  if (keep) return y;
  Sizes shape;
  for (std::int64_t d = 0; d < x.dim(); ++d)
    if (std::ranges::find(axes, d) == axes.end()) shape.push_back(y.size(d));
  return y.reshape(shape);
}

// Of no elements: the least, or the greatest, value.
template <bool kMax>
at::Tensor extreme(const at::Tensor& x, const Sizes& axes, bool keep) {
  const bool logical = x.scalar_type() == at::kBool;
  if (x.numel() == 0) {
    const double worst = logical ? (kMax ? 0 : 1) : (kMax ? -INFINITY : INFINITY);
    return at::full_like(at::sum(x, axes, keep), worst, at::TensorOptions(x.scalar_type()));
  }
  if (logical) return extreme<kMax>(x.to(at::kByte), axes, keep).to(at::kBool);
  return kMax ? at::amax(x, axes, keep) : at::amin(x, axes, keep);
}

at::Tensor norm1(const at::Tensor& x, const Sizes& axes, bool keep) { return sum(at::abs(x), axes, keep); }
at::Tensor norm2(const at::Tensor& x, const Sizes& axes, bool keep) { return at::norm(x, 2, axes, keep); }
at::Tensor log_sum(const at::Tensor& x, const Sizes& axes, bool keep) { return at::log(sum(x, axes, keep)); }
at::Tensor log_sum_exp(const at::Tensor& x, const Sizes& axes, bool keep) { return at::logsumexp(x, axes, keep); }
at::Tensor sum_of_squares(const at::Tensor& x, const Sizes& axes, bool keep) { return sum(at::mul(x, x), axes, keep); }

template <at::Tensor (*F)(const at::Tensor&, const Sizes&, bool)>
Tensors reduce(const Call& call) {
  const Reduction what = reduction_of(call);
  // Without axes to go over, what is left of it works on single elements.
  if (what.nothing) return {F(what.x.unsqueeze(-1), {what.x.dim()}, false)};
  if (what.axes.empty()) return {F(what.x.reshape({1}), {0}, false)};
  return {F(what.x, what.axes, what.keep)};
}

template <bool kMax>
Tensors arg(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  const bool keep = call.flag("keepdims", true);
  if (!call.flag("select_last_index")) return {kMax ? at::argmax(x, axis, keep) : at::argmin(x, axis, keep)};
  const at::Tensor flipped = at::flip(x, axis);
  const at::Tensor index = kMax ? at::argmax(flipped, axis, keep) : at::argmin(flipped, axis, keep);
  return {at::sub(at::scalar_tensor(x.size(axis) - 1, at::kLong), index)};
}

constexpr Operator kOperators[] = {
    {"ArgMax", arg<true>},
    {"ArgMin", arg<false>},
    {"ReduceL1", reduce<norm1>},
    {"ReduceL2", reduce<norm2>},
    {"ReduceLogSum", reduce<log_sum>},
    {"ReduceLogSumExp", reduce<log_sum_exp>},
    {"ReduceMax", reduce<extreme<true>>},
    {"ReduceMean", reduce<mean>},
    {"ReduceMin", reduce<extreme<false>>},
    {"ReduceProd", reduce<product>},
    {"ReduceSum", reduce<sum>},
    {"ReduceSumSquare", reduce<sum_of_squares>},
};

}  // namespace

std::span<const Operator> reductions() { return kOperators; }

}  // namespace sonde::compare::onnx
