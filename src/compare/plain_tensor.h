// Two stored tensors made alike: on the CPU, dense, contiguous, of one type, so that their elements can be compared.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace sonde::compare {

struct PlainPair {
  at::Tensor reference;  // as the target would hold it: rounded to the target's type, then as `target`
  at::Tensor target;     // float, double or int64; NaN replaced by one number in both, so that NaN equals NaN
  std::int64_t reference_not_finite = 0;
  std::int64_t target_not_finite = 0;
};

// Both defined. Half, bfloat16 and quantised tensors become float, which holds them exactly; complex ones get a last
// dimension of two; integers stay so if both are.
[[nodiscard]] PlainPair plain_pair(const at::Tensor& reference, const at::Tensor& target);

// Applies `look(a, b)` to pieces of at most 2^20 elements of two contiguous tensors of one size, in double precision;
// stops where it returns false.
template <typename Look>
void in_pieces(const at::Tensor& a, const at::Tensor& b, const Look& look) {
  constexpr std::int64_t kPiece = std::int64_t{1} << 20;
  const auto flat_a = a.reshape({-1});
  const auto flat_b = b.reshape({-1});
  for (std::int64_t begin = 0; begin < flat_a.numel(); begin += kPiece) {
    const auto length = std::min(kPiece, flat_a.numel() - begin);
    if (!look(flat_a.narrow(0, begin, length).to(at::kDouble), flat_b.narrow(0, begin, length).to(at::kDouble))) return;
  }
}

// Elements that agree, sums over those that are finite in both. One pass, pieces only in memory.
struct Figures {
  std::int64_t elements = 0;
  std::int64_t equal = 0;
  std::int64_t equal_nonzero = 0;
  double mean = 0, deviation = 0;                      // of the target
  double reference_mean = 0, reference_deviation = 0;  // standard deviations of all elements
  double correlation = 0;                              // NaN if either is constant
  double relative_error = 0;                           // infinite if the target alone has non-finite elements
  double factor = 0;                                   // least squares: target = factor * reference
  double offset = 0;                                   // mean difference
};

// `a` and `b` as plain_pair() gives them. Their non-finite elements are left out of all sums.
[[nodiscard]] Figures figures_of(const PlainPair& pair);

}  // namespace sonde::compare
