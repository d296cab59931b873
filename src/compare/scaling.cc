#include "compare/scaling.h"

#include <cmath>
#include <vector>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "report/text.h"

namespace sonde::compare {
namespace {

// Elements that may differ in so many units of rounding: of the product, of the factor, of both sides stored.
constexpr double kUnits = 4;

// Whether ours = factor * theirs, row by row of (rows, rest) tensors; how many elements would tell otherwise.
struct Rows {
  bool holds = true;
  std::int64_t told = 0;
  std::vector<double> factors;
};

Rows factors_of(const at::Tensor& theirs, const at::Tensor& ours, double epsilon) {
  Rows rows;
  for (std::int64_t r = 0; r < ours.size(0); ++r) {
    std::int64_t used = 0;
    double xy = 0, xx = 0;
    in_pieces(theirs[r], ours[r], [&](const at::Tensor& a, const at::Tensor& b) {
      xy += a.dot(b).item<double>();
      xx += a.dot(a).item<double>();
      used += at::count_nonzero(a).item<std::int64_t>();
      return true;
    });
    const double factor = xx > 0 ? xy / xx : 1;
    in_pieces(theirs[r], ours[r], [&](const at::Tensor& a, const at::Tensor& b) {
      return rows.holds = (b - factor * a).abs_().le(kUnits * epsilon * b.abs()).all().item<bool>();
    });
    if (!rows.holds) return rows;
    rows.told += std::max<std::int64_t>(0, used - 1);
    rows.factors.push_back(factor);
  }
  return rows;
}

bool is_plain_factor(double factor, double whole, double epsilon) {
  return std::abs(factor - whole) <= kUnits * epsilon * std::abs(whole);
}

std::string factor_in_words(double factor, double epsilon) {
  if (is_plain_factor(factor, -1, epsilon)) return "-1 (its sign is the other one)";
  if (is_plain_factor(factor, 1 / 255.0, epsilon)) return "1/255";
  return report::number(factor);
}

}  // namespace

std::optional<Scaling> find_scaling(const PlainPair& pair, const Figures& figures, double epsilon) {
  if (!pair.target.is_floating_point() || pair.target.numel() < 2) return std::nullopt;
  // Each element that fits one factor tells as many bits as the precision has.
  const auto enough = static_cast<std::int64_t>(std::ceil(24 / -std::log2(kUnits * epsilon)));
  if (!std::isfinite(figures.correlation) || figures.factor == 0) return std::nullopt;  // constant, or all zero

  // What is scaled or shifted as a whole is equal nowhere but where it is zero.
  if (figures.equal_nonzero == 0 && std::abs(figures.correlation) > 1 - 64 * epsilon) {
    const auto whole = factors_of(pair.reference.reshape({1, -1}), pair.target.reshape({1, -1}), epsilon);
    if (whole.holds && whole.told >= enough)
      return Scaling{Cause::parameter_scaled,
                     "it is the reference times " + factor_in_words(whole.factors.front(), epsilon)};
    bool shifted = true;
    in_pieces(pair.reference, pair.target, [&](const at::Tensor& a, const at::Tensor& b) {
      const auto size = at::maximum(a.abs(), b.abs()).add_(std::abs(figures.offset));
      return shifted = (b - a - figures.offset).abs_().le(kUnits * epsilon * size).all().item<bool>();
    });
    if (shifted && pair.target.numel() > enough)
      return Scaling{Cause::parameter_value,
                     "it is the reference plus " + report::number(figures.offset) +
                         " in every element: zero-centred against one-centred, where that is 1"};
  }
  if (pair.target.dim() < 2 || 2 * figures.equal_nonzero > figures.elements) return std::nullopt;
  for (std::int64_t d = 0; d < 2; ++d) {
    const auto rows =
        factors_of(pair.reference.transpose(0, d).flatten(1), pair.target.transpose(0, d).flatten(1), epsilon);
    if (!rows.holds || rows.told < enough) continue;
    const auto [least, most] = std::minmax_element(rows.factors.begin(), rows.factors.end());
    return Scaling{Cause::parameter_scaled,
                   "each of the " + std::to_string(rows.factors.size()) + " slices of dimension " + std::to_string(d) +
                       " is the reference's times a factor of its own (" + report::number(*least) + " to " +
                       report::number(*most) + "), as where a batch normalisation was folded into it"};
  }
  return std::nullopt;
}

}  // namespace sonde::compare
