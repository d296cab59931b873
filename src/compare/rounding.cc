#include "compare/rounding.h"

#include <cmath>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

namespace sonde::compare {
namespace {

at::Tensor cut_off(const at::Tensor& values) {
  return values.to(at::kFloat).view(at::kInt).bitwise_and(static_cast<std::int64_t>(~0xFFFF)).view(at::kFloat);
}

// Whether the target is what `round` makes of the reference, piece by piece.
template <typename Round>
bool is_rounded(const PlainPair& pair, const Round& round) {
  bool holds = true;
  in_pieces(pair.reference, pair.target, [&](const at::Tensor& a, const at::Tensor& b) {
    // NaN is a large number here: it stays what it is.
    const auto kept = a.eq(b).logical_and_(a.abs().gt(1e37));
    return holds = at::equal(at::where(kept, b, round(a)), b);
  });
  return holds;
}

std::optional<Rounding> decimals(const PlainPair& pair) {
  for (int digits = 2; digits <= 8; ++digits) {
    const double scale = std::pow(10.0, digits);
    const bool holds = is_rounded(pair, [&](const at::Tensor& a) {
      auto rounded = (a * scale).round_().div_(scale);
      return pair.target.scalar_type() == at::kFloat ? rounded.to(at::kFloat).to(at::kDouble) : rounded;
    });
    if (holds) return Rounding{"rounded to " + std::to_string(digits) + " decimals, as if written as text"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Rounding> find_rounding(const PlainPair& pair) {
  if (!pair.target.is_floating_point()) return std::nullopt;
  const auto through = [](at::ScalarType type) {
    return [type](const at::Tensor& a) { return a.to(type).to(at::kDouble); };
  };
  if (is_rounded(pair, through(at::kHalf))) return Rounding{"rounded to half precision", true};
  if (is_rounded(pair, through(at::kBFloat16))) return Rounding{"rounded to bfloat16", true};
  if (is_rounded(pair, [](const at::Tensor& a) { return cut_off(a).to(at::kDouble); }))
    return Rounding{"cut off to bfloat16 (not rounded)", true};
  if (pair.target.scalar_type() == at::kDouble && is_rounded(pair, through(at::kFloat)))
    return Rounding{"rounded to single precision"};
  return decimals(pair);
}

}  // namespace sonde::compare
