#include "compare/error.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

namespace sonde::compare {

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined()) return std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (a.sizes() != b.sizes()) return infinity;
  const at::NoGradGuard no_grad;
  const at::DisableRecordFunctionGuard unobserved;
  // In pieces, so that copies in double precision stay small.
  constexpr std::int64_t kPiece = std::int64_t{1} << 22;
  const auto x = a.detach().to(at::kCPU).reshape({-1}), y = b.detach().to(at::kCPU).reshape({-1});
  double difference = 0, size = 0;
  for (std::int64_t begin = 0; begin < x.numel(); begin += kPiece) {
    const std::int64_t count = std::min(kPiece, x.numel() - begin);
    const auto p = x.narrow(0, begin, count).to(at::kDouble), q = y.narrow(0, begin, count).to(at::kDouble);
    const double d = (p - q).norm().item<double>();
    if (std::isfinite(d)) {
      const double s = q.norm().item<double>();
      difference += d * d, size += s * s;
      continue;
    }
    const auto finite = q.isfinite();
    const auto same = at::logical_or(p.eq(q), at::logical_and(p.isnan(), q.isnan()));
    if (!at::logical_or(finite, same).all().item<bool>() || !p.isfinite().eq(finite).all().item<bool>())
      return infinity;
    const double d2 = (p - q).masked_fill(finite.logical_not(), 0).norm().item<double>();
    const double s = q.masked_fill(finite.logical_not(), 0).norm().item<double>();
    difference += d2 * d2, size += s * s;
  }
  if (difference == 0) return 0;
  return size == 0 ? infinity : std::sqrt(difference / size);
}

double relative_error_in_any_shape(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined()) return std::numeric_limits<double>::infinity();
  return relative_error(a.numel() == b.numel() ? a.reshape(b.sizes()) : a, b);
}

}  // namespace sonde::compare
