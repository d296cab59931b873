// Resize and Upsample. Where ATen's interpolation means the same, it is called; else each dimension is a product with a
// matrix of weights.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/onnx/resize_weights.h"

namespace sonde::compare::onnx {
namespace {

// A dimension that changes.
struct Resized {
  std::int64_t axis = 0;
  std::int64_t size = 0;  // afterwards
  double scale = 1;
};

struct Request {
  std::vector<Resized> dimensions = {};
  bool by_scales = false;
};

Request request_of(const Call& call, const at::Tensor& x, std::size_t scales_input, std::size_t sizes_input) {
  Sizes axes(static_cast<std::size_t>(x.dim()));
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = call.integers("axes")) axes = call.axes(*given, x.dim());
  std::vector<double> scales = call.has(scales_input) ? reals_of(call.in(scales_input)) : call.reals("scales");
  Sizes sizes = call.has(sizes_input) ? integers_of(call.in(sizes_input)) : Sizes();
  Request request{.by_scales = !scales.empty()};
  if (scales.size() != axes.size() && sizes.size() != axes.size())
    call.fail("scales or sizes are not of " + std::to_string(axes.size()) + " dimensions");
  if (!request.by_scales) {
    for (std::size_t i = 0; i < axes.size(); ++i)
      scales.push_back(static_cast<double>(sizes[i]) / static_cast<double>(x.size(axes[i])));
    const std::string policy = call.text("keep_aspect_ratio_policy", "stretch");
    if (policy != "stretch") {
      const double one = policy == "not_larger" ? *std::ranges::min_element(scales) : *std::ranges::max_element(scales);
      for (std::size_t i = 0; i < axes.size(); ++i) {
        scales[i] = one;
        sizes[i] = static_cast<std::int64_t>(std::floor(one * static_cast<double>(x.size(axes[i])) + 0.5));
      }
    }
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t size =
        request.by_scales ? static_cast<std::int64_t>(std::floor(static_cast<double>(x.size(axes[i])) * scales[i]))
                          : sizes[i];
    if (size < 1) call.fail("a size of " + std::to_string(size) + " in dimension " + std::to_string(axes[i]));
    if (size != x.size(axes[i]) || scales[i] != 1) request.dimensions.push_back({axes[i], size, scales[i]});
  }
  return request;
}

// ATen's interpolation of images, if it computes the same. Undefined if it does not.
at::Tensor by_aten(const at::Tensor& x, const Request& request, const ResizeRule& rule) {
  const bool image = x.dim() == 4 && request.dimensions.size() == 2 && request.dimensions[0].axis == 2 &&
                     request.dimensions[1].axis == 3;
  if (!image || rule.antialias || rule.exclude_outside || !x.is_floating_point()) return {};
  const Resized& h = request.dimensions[0];
  const Resized& w = request.dimensions[1];
  const Sizes size = {h.size, w.size};
  const c10::optional<double> scale_h = request.by_scales ? c10::optional<double>(h.scale) : c10::nullopt;
  const c10::optional<double> scale_w = request.by_scales ? c10::optional<double>(w.scale) : c10::nullopt;
  const bool corners = rule.coordinates == "align_corners";
  const bool half =
      rule.coordinates == "half_pixel" || (rule.coordinates == "pytorch_half_pixel" && h.size > 1 && w.size > 1);
  if (rule.mode == "linear" && (corners || half)) return at::upsample_bilinear2d(x, size, corners, scale_h, scale_w);
  if (rule.mode == "cubic" && (corners || half) && rule.cubic_a == -0.75)
    return at::upsample_bicubic2d(x, size, corners, scale_h, scale_w);
  if (rule.mode == "nearest" && rule.coordinates == "asymmetric" && rule.nearest == "floor")
    return at::upsample_nearest2d(x, size, scale_h, scale_w);
  return {};
}

at::Tensor resized(const Call& call, const Request& request, ResizeRule rule, const std::vector<double>& region) {
  const at::Tensor& x = call.in(0);
  if (const at::Tensor y = by_aten(x, request, rule); y.defined()) return y;
  at::Tensor y = x.is_floating_point() ? x : x.to(at::kFloat);
  for (const Resized& one : request.dimensions) {
    const std::size_t rank = static_cast<std::size_t>(x.dim());
    if (region.size() == 2 * rank) {
      rule.begin = region[static_cast<std::size_t>(one.axis)];
      rule.end = region[rank + static_cast<std::size_t>(one.axis)];
    }
    const at::Tensor weights = resize_weights(x.size(one.axis), one.size, one.scale, rule).to(y.scalar_type());
    y = at::matmul(y.transpose(one.axis, -1), weights.t()).transpose(one.axis, -1);
    if (rule.coordinates == "tf_crop_and_resize") {
      const at::Tensor inside = resize_inside(x.size(one.axis), one.size, one.scale, rule);
      Sizes shape(rank, 1);
      shape[static_cast<std::size_t>(one.axis)] = -1;
      y = at::where(inside.reshape(shape), y, at::full({}, call.real("extrapolation_value", 0), y.options()));
    }
  }
  return y.to(x.scalar_type());
}

// Before operator set 11: coordinates asymmetric, nearest by floor.
Tensors resize(const Call& call) {
  const bool early = call.opset() < 11;
  const std::string mode = call.text("mode", "nearest");
  ResizeRule rule{.mode = mode == "bilinear" ? "linear" : mode,
                  .coordinates = early ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel"),
                  .nearest = early ? "floor" : call.text("nearest_mode", "round_prefer_floor"),
                  .cubic_a = call.real("cubic_coeff_a", -0.75),
                  .exclude_outside = call.flag("exclude_outside"),
                  .antialias = call.flag("antialias")};
  if (rule.mode != "nearest" && rule.mode != "linear" && rule.mode != "cubic") call.fail("the mode \"" + mode + "\"");
  std::vector<double> region;
  if (!early && rule.coordinates == "tf_crop_and_resize") {
    const std::vector<double> given = reals_of(call.in(1));
    const std::size_t rank = static_cast<std::size_t>(call.in(0).dim());
    Sizes axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    if (const auto some = call.integers("axes")) axes = call.axes(*some, call.in(0).dim());
    region.assign(2 * rank, 0);
    std::fill(region.begin() + static_cast<std::ptrdiff_t>(rank), region.end(), 1);
    if (given.size() != 2 * axes.size()) call.fail("a region of " + std::to_string(given.size()) + " numbers");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      region[static_cast<std::size_t>(axes[i])] = given[i];
      region[rank + static_cast<std::size_t>(axes[i])] = given[axes.size() + i];
    }
  }
  const Request request = early ? request_of(call, call.in(0), 1, 9) : request_of(call, call.in(0), 2, 3);
  return {resized(call, request, rule, region)};
}

constexpr Operator kOperators[] = {
    {"Resize", resize},
    {"Upsample", resize},
};

}  // namespace

std::span<const Operator> resizing() { return kOperators; }

}  // namespace sonde::compare::onnx
