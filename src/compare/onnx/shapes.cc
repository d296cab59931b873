// What moves elements without computing with them.
#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

Tensors reshape(const Call& call) {
  const at::Tensor& x = call.in(0);
  Sizes shape = call.integers("shape", 1).value_or(Sizes{});
  if (!call.flag("allowzero")) {
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] != 0) continue;
      if (static_cast<std::int64_t>(d) >= x.dim())
        call.fail("dimension " + std::to_string(d) + " is to be kept, but there is none");
      shape[d] = x.size(static_cast<std::int64_t>(d));
    }
  }
  return {at::reshape(x, shape)};
}

Tensors transpose(const Call& call) {
  const at::Tensor& x = call.in(0);
  Sizes order(static_cast<std::size_t>(x.dim()));
  std::iota(order.rbegin(), order.rend(), 0);
  return {at::permute(x, call.integers("perm", order))};
}

Tensors flatten(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t given = call.integer("axis", 1);
  const std::int64_t axis = given == x.dim() ? given : call.axis(given, x.dim());
  if (axis == 1 && x.dim() >= 2) return {at::flatten(x, 1)};
  std::int64_t rows = 1;
  for (std::int64_t d = 0; d < axis; ++d) rows *= x.size(d);
  return {at::reshape(x, {rows, rows > 0 ? x.numel() / rows : 0})};
}

Tensors squeeze(const Call& call) {
  at::Tensor x = call.in(0);
  const auto given = call.integers("axes", 1);
  if (!given) return {at::squeeze(x)};
  Sizes axes = call.axes(*given, x.dim());
  std::ranges::sort(axes, std::greater());
  for (const std::int64_t axis : axes) {
    if (x.size(axis) != 1)
      call.fail("dimension " + std::to_string(axis) + " has " + std::to_string(x.size(axis)) +
                " elements, wanted 1 to squeeze it");
    x = at::squeeze(x, axis);
  }
  return {x};
}

Tensors unsqueeze(const Call& call) {
  at::Tensor x = call.in(0);
  Sizes axes = call.integers("axes", 1).value_or(Sizes{});
  axes = call.axes(axes, x.dim() + static_cast<std::int64_t>(axes.size()));
  std::ranges::sort(axes);
  for (const std::int64_t axis : axes) x = at::unsqueeze(x, axis);
  return {x};
}

Tensors concat(const Call& call) {
  const at::Tensor& first = call.in(0);
  return {at::cat(call.inputs(), call.axis(call.integer("axis", 1), first.dim()))};
}

Tensors split(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  const auto sizes = call.integers("split", 1);
  if (sizes) return at::split_with_sizes(x, *sizes, axis);
  const auto parts = call.integer("num_outputs", static_cast<std::int64_t>(call.outputs()));
  if (parts < 1) call.fail("a split into no parts");
  const std::int64_t part = (x.size(axis) + parts - 1) / parts;
  return at::split(x, std::max<std::int64_t>(part, 1), axis);
}

Tensors expand(const Call& call) {
  const at::Tensor& x = call.in(0);
  Sizes shape = integers_of(call.in(1));
  // Both ways: a size of 1 keeps the tensor's.
  const std::size_t rank = static_cast<std::size_t>(x.dim());
  if (shape.size() < rank) shape.insert(shape.begin(), rank - shape.size(), 1);
  for (std::size_t d = 0; d < rank; ++d) {
    std::int64_t& size = shape[shape.size() - rank + d];
    if (size == 1) size = x.size(static_cast<std::int64_t>(d));
  }
  return {x.expand(shape)};
}

Tensors tile(const Call& call) { return {call.in(0).repeat(integers_of(call.in(1)))}; }

Tensors shape(const Call& call) {
  const at::Tensor& x = call.in(0);
  const auto clamped = [&x](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + x.dim() : at, 0, x.dim());
  };
  const std::int64_t begin = clamped(call.integer("start", 0));
  const std::int64_t end = std::max(clamped(call.integer("end", x.dim())), begin);
  return {
      at::tensor(x.sizes().slice(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)), at::kLong)};
}

Tensors size(const Call& call) { return {at::scalar_tensor(call.in(0).numel(), at::kLong)}; }

Tensors depth_to_space(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t block = call.integer("blocksize");
  if (call.text("mode", "DCR") == "CRD") return {at::pixel_shuffle(x, block)};
  const std::int64_t channels = x.size(1) / (block * block);
  return {x.reshape({x.size(0), block, block, channels, x.size(2), x.size(3)})
              .permute({0, 3, 4, 1, 5, 2})
              .reshape({x.size(0), channels, x.size(2) * block, x.size(3) * block})};
}

Tensors space_to_depth(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t block = call.integer("blocksize");
  if (call.text("mode", "DCR") == "CRD") return {at::pixel_unshuffle(x, block)};
  return {x.reshape({x.size(0), x.size(1), x.size(2) / block, block, x.size(3) / block, block})
              .permute({0, 3, 5, 1, 2, 4})
              .reshape({x.size(0), x.size(1) * block * block, x.size(2) / block, x.size(3) / block})};
}

// Pads from the begin and end of `axes`; ATen's are from the last dimension on.
Tensors pad(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Sizes pads = call.integers(call.given("paddings") ? "paddings" : "pads", 1).value_or(Sizes{});
  Sizes axes(static_cast<std::size_t>(x.dim()));
  std::iota(axes.begin(), axes.end(), 0);
  if (call.has(3)) axes = call.axes(integers_of(call.in(3)), x.dim());
  if (pads.size() != 2 * axes.size())
    call.fail(std::to_string(pads.size()) + " pads for " + std::to_string(axes.size()) + " dimensions");
  Sizes all(2 * static_cast<std::size_t>(x.dim()), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t at = 2 * static_cast<std::size_t>(x.dim() - 1 - axes[i]);
    all[at] = pads[i];
    all[at + 1] = pads[axes.size() + i];
  }
  const std::string mode = call.text("mode", "constant");
  if (mode == "constant") {
    const double value = call.has(2) ? reals_of(call.in(2)).at(0) : call.real("value", 0);
    if (x.scalar_type() == at::kBool) return {at::constant_pad_nd(x.to(at::kByte), all, value).to(at::kBool)};
    return {at::constant_pad_nd(x, all, value)};
  }
  // A dimension after the other: where an index lies outside, the one that is repeated or mirrored.
  at::Tensor y = x;
  for (std::int64_t d = 0; d < x.dim(); ++d) {
    const std::size_t at = 2 * static_cast<std::size_t>(x.dim() - 1 - d);
    const std::int64_t n = x.size(d);
    if (all[at] == 0 && all[at + 1] == 0) continue;
    Sizes from;
    for (std::int64_t i = -all[at]; i < n + all[at + 1]; ++i) {
      const std::int64_t period = 2 * (n - 1);
      if (mode == "edge") {
        from.push_back(std::clamp<std::int64_t>(i, 0, n - 1));
      } else if (mode == "wrap") {
        from.push_back(((i % n) + n) % n);
      } else if (mode == "reflect") {
        const std::int64_t folded = period > 0 ? ((i % period) + period) % period : 0;
        from.push_back(std::min(folded, period - folded));
      } else {
        call.fail("padding by \"" + mode + "\"");
      }
    }
    y = at::index_select(y, d, at::tensor(from, at::kLong));
  }
  return {y};
}

constexpr Operator kOperators[] = {
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Pad", pad},
    {"Reshape", reshape},
    {"Shape", shape},
    {"Size", size},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const Operator> shapes() { return kOperators; }

}  // namespace sonde::compare::onnx
