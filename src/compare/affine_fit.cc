#include "compare/affine_fit.h"

#include <cmath>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "report/text.h"

namespace sonde::compare {
namespace {

constexpr double kUnits = 16;         // of rounding, for maps computed in several steps
constexpr double kRangeOfWhole = 32;  // below it, rounding to whole numbers fits anything
constexpr std::int64_t kFewest = 8;   // elements that can tell a line from none

bool is_whole(const at::Tensor& values) {
  return at::equal(values, values.round()) && (values.max() - values.min()).item<double>() >= kRangeOfWhole;
}

}  // namespace

bool Affine::is_identity(double epsilon) const {
  return std::abs(factor - 1) <= kUnits * epsilon && std::abs(offset) <= kUnits * epsilon && !whole_numbers;
}

std::string to_string(const Affine& map) {
  std::string text = "x' = ";
  if (std::abs(map.factor * 255 - 1) < 1e-4) {
    text += "x / 255";
  } else {
    text += (map.factor == 1 ? "" : report::number(map.factor) + " ") + "x";
  }
  if (map.offset != 0) text += (map.offset < 0 ? " - " : " + ") + report::number(std::abs(map.offset));
  return text + (map.whole_numbers ? ", rounded to whole numbers" : "");
}

std::string inverse_of(const Affine& map) {
  std::string text = "x = ";
  const bool by_255 = std::abs(map.factor * 255 - 1) < 1e-4;
  if (by_255) text += "255 ";
  if (map.offset == 0) {
    text += "x'";
  } else {
    text += map.offset < 0 ? "(x' + " : "(x' - ";
    text += report::number(std::abs(map.offset)) + ")";
  }
  if (!by_255 && map.factor != 1) text += " / " + report::number(map.factor);
  return text;
}

std::optional<Affine> fit_affine(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  const auto x = reference.reshape({-1}).to(at::kDouble);
  const auto y = target.reshape({-1}).to(at::kDouble);
  if (x.numel() < kFewest) return std::nullopt;
  const auto mean_x = x.mean().item<double>();
  const auto mean_y = y.mean().item<double>();
  const auto dx = x - mean_x;
  const auto dy = y - mean_y;
  const auto xx = dx.dot(dx).item<double>();
  const auto xy = dx.dot(dy).item<double>();
  const auto yy = dy.dot(dy).item<double>();
  const auto tiny = [&](double sum, double mean) {
    return sum <= 1e-14 * mean * mean * static_cast<double>(x.numel());
  };
  if (tiny(xx, mean_x) || tiny(yy, mean_y) || xy == 0) return std::nullopt;

  Affine map{xy / xx, mean_y - xy / xx * mean_x};
  const double size = x.abs().max().item<double>() * std::abs(map.factor) + y.abs().max().item<double>();
  const double rounding = kUnits * epsilon * size;
  if (std::abs(map.factor - 1) <= kUnits * epsilon) map.factor = 1;
  if (std::abs(map.offset) <= rounding) map.offset = 0;
  const double off = (y - map.factor * x - map.offset).abs_().max().item<double>();
  if (off <= rounding) return map;
  // Half a unit, and a little for the fit itself.
  map.whole_numbers = (is_whole(y) && off <= 0.55) || (is_whole(x) && off <= 0.55 * std::abs(map.factor));
  if (!map.whole_numbers) return std::nullopt;
  if (std::abs(map.offset) < 0.5) map.offset = 0;  // the fit is no better than the rounding
  return map;
}

std::optional<std::vector<Affine>> fit_affine_slices(const at::Tensor& reference, const at::Tensor& target,
                                                     std::int64_t dimension, double epsilon) {
  std::vector<Affine> maps;
  bool told = false;
  for (std::int64_t i = 0; i < reference.size(dimension); ++i) {
    const auto theirs = reference.select(dimension, i);
    const auto ours = target.select(dimension, i);
    if (auto map = fit_affine(theirs, ours, epsilon)) {
      told = true;
      maps.push_back(*map);
      continue;
    }
    const auto shift = (ours - theirs).to(at::kDouble);
    const auto size = ours.abs().max().item<double>() + theirs.abs().max().item<double>();
    if ((shift.max() - shift.min()).item<double>() > kUnits * epsilon * size) return std::nullopt;
    const auto offset = shift.mean().item<double>();
    maps.push_back({1, std::abs(offset) <= kUnits * epsilon * size ? 0 : offset});
  }
  if (!told) return std::nullopt;
  return maps;
}

}  // namespace sonde::compare
