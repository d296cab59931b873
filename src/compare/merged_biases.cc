#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include "compare/parameter_diagnosis.h"
#include "compare/plain_tensor.h"

namespace sonde::compare {
namespace {

constexpr double kUnits = 4;  // of rounding, of the sum and what it was made of

bool is_close(const at::Tensor& a, const at::Tensor& b, const at::Tensor& size, double epsilon) {
  return (a - b).abs().le(kUnits * epsilon * size).all().item<bool>();
}

}  // namespace

std::optional<ParameterDifference> diagnose_merged_biases(const at::Tensor& reference_ih,
                                                          const at::Tensor& reference_hh, const at::Tensor& target_ih,
                                                          const at::Tensor& target_hh, const ParameterRole& role) {
  const at::NoGradGuard no_grad;
  for (const auto* bias : {&reference_ih, &reference_hh, &target_ih, &target_hh})
    if (!bias->defined() || bias->dim() != 1 || bias->sizes() != reference_ih.sizes() || bias->numel() == 0)
      return std::nullopt;
  const auto ih = plain_pair(reference_ih, target_ih), hh = plain_pair(reference_hh, target_hh);
  if (at::equal(ih.reference, ih.target) && at::equal(hh.reference, hh.target)) return std::nullopt;
  const double epsilon = target_ih.scalar_type() == at::kHalf       ? 0x1p-11
                         : target_ih.scalar_type() == at::kBFloat16 ? 0x1p-8
                                                                    : 0x1p-24;
  const auto size = at::maximum(ih.reference.abs(), ih.target.abs()) + at::maximum(hh.reference.abs(), hh.target.abs());
  if (!is_close(ih.reference + hh.reference, ih.target + hh.target, size, epsilon)) return std::nullopt;

  ParameterDifference found;
  found.cause = Cause::parameter_value;
  found.message = "the two biases are distributed otherwise over b_ih and b_hh; the sum of both is the reference's";
  found.relative_error = figures_of(ih).relative_error;
  found.repair = "copy both biases of the reference";
  if (role.operation.find("gru") != std::string::npos && hh.target.numel() % 3 == 0) {
    const auto gate = hh.target.numel() / 3;
    const auto of_n = [&](const at::Tensor& bias) { return bias.narrow(0, 2 * gate, gate); };
    found.benign = is_close(of_n(hh.reference), of_n(hh.target), of_n(size), epsilon);
    if (!found.benign) found.message += ", but b_hn is multiplied by the reset gate, and cannot be merged";
  } else {
    found.benign = true;
    found.repair.clear();
  }
  if (at::count_nonzero(hh.target).item<std::int64_t>() == 0) found.evidence.emplace_back("b_hh is zero");
  return found;
}

}  // namespace sonde::compare
