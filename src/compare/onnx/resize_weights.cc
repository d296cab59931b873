#include "compare/onnx/resize_weights.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace sonde::compare::onnx {
namespace {

// Where element i of the result lies among the elements there were.
double source(std::int64_t i, std::int64_t from, std::int64_t size, double scale, const ResizeRule& rule) {
  const double x = static_cast<double>(i);
  const double last = static_cast<double>(from - 1);
  const double length = static_cast<double>(size);
  if (rule.coordinates == "asymmetric") return x / scale;
  if (rule.coordinates == "align_corners") return size > 1 ? x * last / (length - 1) : 0;
  if (rule.coordinates == "pytorch_half_pixel") return size > 1 ? (x + 0.5) / scale - 0.5 : 0;
  if (rule.coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / scale;
  if (rule.coordinates == "tf_crop_and_resize")
    return size > 1 ? rule.begin * last + x * (rule.end - rule.begin) * last / (length - 1)
                    : 0.5 * (rule.begin + rule.end) * last;
  if (rule.coordinates == "half_pixel_symmetric") {
    const double adjustment = length / (scale * static_cast<double>(from));
    const double center = static_cast<double>(from) / 2;
    return center * (1 - adjustment) + (x + 0.5) / scale - 0.5;
  }
  return (x + 0.5) / scale - 0.5;
}

double nearest(double at, const std::string& how) {
  if (how == "floor") return std::floor(at);
  if (how == "ceil") return std::ceil(at);
  return how == "round_prefer_ceil" ? std::floor(at + 0.5) : std::ceil(at - 0.5);
}

// Weight of an element at a distance.
double kernel(double distance, const ResizeRule& rule) {
  const double x = std::abs(distance);
  if (rule.mode == "linear") return std::max(0.0, 1 - x);
  const double a = rule.cubic_a;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

}  // namespace

at::Tensor resize_weights(std::int64_t from, std::int64_t size, double scale, const ResizeRule& rule) {
  at::Tensor weights = at::zeros({size, from}, at::kDouble);
  double* row = weights.data_ptr<double>();
  // Antialiasing stretches the kernel where the result is smaller.
  const double stretch = rule.antialias && scale < 1 ? scale : 1;
  for (std::int64_t i = 0; i < size; ++i, row += from) {
    const double at = source(i, from, size, scale, rule);
    if (rule.mode == "nearest") {
      row[std::clamp<std::int64_t>(static_cast<std::int64_t>(nearest(at, rule.nearest)), 0, from - 1)] = 1;
      continue;
    }
    const double reach = (rule.mode == "linear" ? 1 : 2) / stretch;
    double sum = 0;
    for (auto j = static_cast<std::int64_t>(std::ceil(at - reach));
         j <= static_cast<std::int64_t>(std::floor(at + reach)); ++j) {
      const bool outside = j < 0 || j >= from;
      if (outside && rule.exclude_outside) continue;
      const double weight = kernel((at - static_cast<double>(j)) * stretch, rule);
      row[std::clamp<std::int64_t>(j, 0, from - 1)] += weight;
      sum += weight;
    }
    if (sum != 0)
      for (std::int64_t j = 0; j < from; ++j) row[j] /= sum;
  }
  return weights;
}

at::Tensor resize_inside(std::int64_t from, std::int64_t size, double scale, const ResizeRule& rule) {
  at::Tensor inside = at::empty({size}, at::kBool);
  for (std::int64_t i = 0; i < size; ++i) {
    const double at = source(i, from, size, scale, rule);
    inside.data_ptr<bool>()[i] = at >= 0 && at <= static_cast<double>(from - 1);
  }
  return inside;
}

}  // namespace sonde::compare::onnx
