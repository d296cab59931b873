#include "compare/plain_tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

namespace sonde::compare {
namespace {

// In the place of NaN: a number that no weight has, and that float holds exactly.
constexpr double kInPlaceOfNan = 0x1.8c4d2ap+126;

at::Tensor dense(const at::Tensor& tensor) {
  auto plain = tensor.detach();
  if (plain.is_quantized()) plain = plain.dequantize();
  if (plain.layout() != at::kStrided) plain = plain.to_dense();
  if (plain.is_complex()) plain = at::view_as_real(plain.resolve_conj());
  return plain.cpu().contiguous();
}

at::ScalarType common_type(at::ScalarType a, at::ScalarType b) {
  if (c10::isIntegralType(a, true) && c10::isIntegralType(b, true)) return at::kLong;
  return a == at::kDouble || b == at::kDouble ? at::kDouble : at::kFloat;
}

std::int64_t count_not_finite(const at::Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return 0;
  if (std::isfinite(tensor.sum().item<double>())) return 0;  // a sum shows NaN and infinity, and costs little
  return tensor.numel() - at::count_nonzero(at::isfinite(tensor)).item<std::int64_t>();
}

at::Tensor without_nan(const at::Tensor& tensor) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return at::nan_to_num(tensor, kInPlaceOfNan, infinity, -infinity);
}

}  // namespace

PlainPair plain_pair(const at::Tensor& reference, const at::Tensor& target) {
  const at::NoGradGuard no_grad;
  auto theirs = dense(reference);
  auto ours = dense(target);
  const auto type = common_type(theirs.scalar_type(), ours.scalar_type());
  if (ours.is_floating_point()) theirs = theirs.to(ours.scalar_type());
  PlainPair pair{theirs.to(type), ours.to(type)};
  pair.reference_not_finite = count_not_finite(pair.reference);
  pair.target_not_finite = count_not_finite(pair.target);
  if (pair.reference_not_finite > 0) pair.reference = without_nan(pair.reference);
  if (pair.target_not_finite > 0) pair.target = without_nan(pair.target);
  return pair;
}

Figures figures_of(const PlainPair& pair) {
  const at::NoGradGuard no_grad;
  Figures figures;
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0, dd = 0;
  in_pieces(pair.reference, pair.target, [&](at::Tensor a, at::Tensor b) {
    const auto equal = a.eq(b);
    figures.equal += at::count_nonzero(equal).item<std::int64_t>();
    figures.equal_nonzero += at::count_nonzero(equal.logical_and(a.ne(0))).item<std::int64_t>();
    figures.elements += a.numel();
    if (pair.reference_not_finite + pair.target_not_finite > 0) {
      const auto fine = (at::isfinite(a).logical_and_(a.ne(kInPlaceOfNan)))
                            .logical_and_(at::isfinite(b))
                            .logical_and_(b.ne(kInPlaceOfNan));
      a = a.masked_select(fine);
      b = b.masked_select(fine);
    }
    n += static_cast<double>(a.numel());
    x += a.sum().item<double>();
    y += b.sum().item<double>();
    xx += a.dot(a).item<double>();
    yy += b.dot(b).item<double>();
    xy += a.dot(b).item<double>();
    const auto d = b - a;
    dd += d.dot(d).item<double>();
    return true;
  });
  if (n > 0) {
    figures.reference_mean = x / n;
    figures.mean = y / n;
    const double var_x = std::max(0.0, xx / n - figures.reference_mean * figures.reference_mean);
    const double var_y = std::max(0.0, yy / n - figures.mean * figures.mean);
    figures.reference_deviation = std::sqrt(var_x);
    figures.deviation = std::sqrt(var_y);
    figures.offset = figures.mean - figures.reference_mean;
    figures.factor = xx > 0 ? xy / xx : 0;
    // What is left of a constant's variance is rounding.
    const auto constant = [](double variance, double mean) { return variance <= 1e-14 * mean * mean; };
    figures.correlation = constant(var_x, figures.reference_mean) || constant(var_y, figures.mean)
                              ? std::numeric_limits<double>::quiet_NaN()
                              : (xy / n - figures.reference_mean * figures.mean) / std::sqrt(var_x * var_y);
    figures.relative_error = xx > 0 ? std::sqrt(dd / xx) : dd > 0 ? std::numeric_limits<double>::infinity() : 0;
  }
  if (pair.target_not_finite > pair.reference_not_finite)
    figures.relative_error = std::numeric_limits<double>::infinity();
  return figures;
}

}  // namespace sonde::compare
