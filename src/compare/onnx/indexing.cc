// Elements by their place.
#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

at::Tensor from_begin(const at::Tensor& indices, std::int64_t size) {
  const at::Tensor wide = indices.to(at::kLong);
  const Sizes values = integers_of(wide);
  if (std::ranges::none_of(values, [](std::int64_t i) { return i < 0; })) return wide;
  return at::where(wide.lt(0), at::add(wide, size), wide);
}

// Rows of a table are what an embedding looks up.
Tensors gather(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  const at::Tensor indices = from_begin(call.in(1), x.size(axis));
  if (indices.dim() == 0) return {at::select(x, axis, integers_of(indices)[0])};
  if (axis == 0 && x.dim() == 2 && x.is_floating_point()) return {at::embedding(x, indices)};
  Sizes shape = x.sizes().slice(0, static_cast<std::size_t>(axis)).vec();
  shape.insert(shape.end(), indices.sizes().begin(), indices.sizes().end());
  const auto rest = x.sizes().slice(static_cast<std::size_t>(axis) + 1);
  shape.insert(shape.end(), rest.begin(), rest.end());
  const at::Tensor rows = at::index_select(x, axis, indices.reshape({-1}));
  return {indices.dim() == 1 ? rows : rows.reshape(shape)};
}

Tensors gather_elements(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  return {at::gather(x, axis, from_begin(call.in(1), x.size(axis)))};
}

// One index a column of the last dimension, for index() and index_put().
c10::List<c10::optional<at::Tensor>> columns(const at::Tensor& indices, const at::Tensor& x, std::int64_t first,
                                             c10::List<c10::optional<at::Tensor>> list) {
  for (std::int64_t i = 0; i < indices.size(-1); ++i)
    list.push_back(from_begin(indices.select(-1, i), x.size(first + i)));
  return list;
}

Tensors gather_nd(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor& indices = call.in(1);
  const std::int64_t batch = call.integer("batch_dims", 0);
  c10::List<c10::optional<at::Tensor>> list;
  for (std::int64_t d = 0; d < batch; ++d) {  // every batch its own
    Sizes shape(static_cast<std::size_t>(indices.dim()) - 1, 1);
    shape[static_cast<std::size_t>(d)] = -1;
    list.push_back(at::arange(x.size(d), at::kLong).reshape(shape));
  }
  return {at::index(x, columns(indices, x, batch, list))};
}

at::Tensor combined(const Call& call, const at::Tensor& before, const at::Tensor& update, const std::string& how) {
  if (how == "add") return at::add(before, update);
  if (how == "mul") return at::mul(before, update);
  if (how == "max") return at::maximum(before, update);
  if (how == "min") return at::minimum(before, update);
  call.fail("a reduction by \"" + how + "\"");
}

Tensors scatter_nd(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor& indices = call.in(1);
  const std::string how = call.text("reduction", "none");
  if (how == "none" || how == "add")
    return {at::index_put(x, columns(indices, x, 0, c10::List<c10::optional<at::Tensor>>()), call.in(2), how == "add")};
  // One index after the other, because the same may come twice.
  at::Tensor y = x.clone();
  const std::int64_t depth = indices.size(-1);
  const at::Tensor rows = indices.reshape({-1, depth});
  Sizes shape = x.sizes().slice(static_cast<std::size_t>(depth)).vec();
  shape.insert(shape.begin(), rows.size(0));
  const at::Tensor updates = call.in(2).reshape(shape);
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    at::Tensor place = y;
    for (const std::int64_t index : integers_of(rows[i]))
      place = place.select(0, index < 0 ? index + place.size(0) : index);
    place.copy_(combined(call, place, updates[i], how));
  }
  return {y};
}

Tensors scatter_elements(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  const at::Tensor indices = from_begin(call.in(1), x.size(axis));
  const std::string how = call.text("reduction", "none");
  if (how == "none") return {at::scatter(x, axis, indices, call.in(2))};
  if (how == "add") return {at::scatter_add(x, axis, indices, call.in(2))};
  const std::string reduce = how == "mul" ? "prod" : how == "max" ? "amax" : how == "min" ? "amin" : "";
  if (reduce.empty()) call.fail("a reduction by \"" + how + "\"");
  return {at::scatter_reduce(x, axis, indices, call.in(2), reduce)};
}

// ATen's slices have positive steps: with a negative one, a range of indices.
at::Tensor sliced(const at::Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step) {
  const std::int64_t n = x.size(axis);
  const auto from_front = [n](std::int64_t at) { return at < 0 ? std::max<std::int64_t>(at, -n - 1) + n : at; };
  if (step > 0) {
    begin = std::clamp<std::int64_t>(from_front(begin), 0, n);
    end = std::clamp<std::int64_t>(from_front(end), begin, n);
    return at::slice(x, axis, begin, end, step);
  }
  begin = std::clamp<std::int64_t>(from_front(begin), -1, n - 1);
  end = std::clamp<std::int64_t>(from_front(end), -1, n - 1);
  Sizes from;
  for (std::int64_t i = begin; i > end; i += std::max(step, -n - 1)) from.push_back(i);
  return at::index_select(x, axis, at::tensor(from, at::kLong));
}

Tensors slice(const Call& call) {
  at::Tensor x = call.in(0);
  const Sizes starts = call.integers("starts", 1).value_or(Sizes{});
  const Sizes ends = call.integers("ends", 2).value_or(Sizes{});
  Sizes axes(starts.size());
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
  axes = call.axes(call.integers("axes", 3).value_or(axes), x.dim());
  const Sizes steps = call.has(4) ? integers_of(call.in(4)) : Sizes(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    call.fail("starts, ends, axes and steps are not equally many");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (steps[i] == 0) call.fail("a step of 0");
    x = sliced(x, axes[i], starts[i], ends[i], steps[i]);
  }
  return {x};
}

Tensors one_hot(const Call& call) {
  const std::int64_t depth = static_cast<std::int64_t>(reals_of(call.in(1)).at(0));
  const at::Tensor& indices = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", -1), indices.dim() + 1);
  Sizes shape(static_cast<std::size_t>(indices.dim()) + 1, 1);
  shape[static_cast<std::size_t>(axis)] = depth;
  const at::Tensor hot = from_begin(indices, depth).unsqueeze(axis).eq(at::arange(depth, at::kLong).reshape(shape));
  return {at::where(hot, call.in(2).select(0, 1), call.in(2).select(0, 0))};
}

Tensors non_zero(const Call& call) { return {at::nonzero(call.in(0)).t()}; }

Tensors top_k(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t count = call.has(1) ? integers_of(call.in(1)).at(0) : call.integer("k");
  const std::int64_t axis = call.axis(call.integer("axis", -1), x.dim());
  // Equal values in the order of their places, which topk does not promise.
  const auto [values, indices] = at::sort(x, true, axis, call.flag("largest", true));
  return {values.narrow(axis, 0, count), indices.narrow(axis, 0, count)};
}

Tensors cumulative_sum(const Call& call) {
  at::Tensor x = call.in(0);
  const std::int64_t axis = call.axis(integers_of(call.in(1)).at(0), x.dim());
  const bool reverse = call.flag("reverse");
  if (reverse) x = at::flip(x, axis);
  at::Tensor sums = at::cumsum(x, axis, x.scalar_type());
  if (call.flag("exclusive")) {
    Sizes pads(2 * static_cast<std::size_t>(x.dim()), 0);
    pads[2 * static_cast<std::size_t>(x.dim() - 1 - axis)] = 1;
    sums = at::constant_pad_nd(sums, pads).narrow(axis, 0, x.size(axis));
  }
  return {reverse ? at::flip(sums, axis) : sums};
}

Tensors triangle(const Call& call) {
  const std::int64_t k = call.has(1) ? integers_of(call.in(1)).at(0) : 0;
  return {call.flag("upper", true) ? at::triu(call.in(0), k) : at::tril(call.in(0), k)};
}

Tensors reverse_sequence(const Call& call) {
  const std::int64_t batch = call.integer("batch_axis", 1);
  const std::int64_t time = call.integer("time_axis", 0);
  at::Tensor y = call.in(0).clone();
  const Sizes lengths = integers_of(call.in(1));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const at::Tensor one = y.narrow(batch, static_cast<std::int64_t>(i), 1).narrow(time, 0, lengths[i]);
    one.copy_(at::flip(one, time));
  }
  return {y};
}

constexpr Operator kOperators[] = {
    {"CumSum", cumulative_sum},
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"NonZero", non_zero},
    {"OneHot", one_hot},
    {"ReverseSequence", reverse_sequence},
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"Slice", slice},
    {"TopK", top_k},
    {"Trilu", triangle},
};

}  // namespace

std::span<const Operator> indexing() { return kOperators; }

}  // namespace sonde::compare::onnx
