#include "faults/losses.h"

#include <stdexcept>

namespace sonde::faults {
namespace {

namespace F = torch::nn::functional;
using torch::Tensor;

constexpr double kClamp = 1e-7;

Tensor reduce(const LossSpec& loss, const Tensor& values) { return loss.sum ? values.sum() : values.mean(); }

// Keras' treatment of probabilities: rows divided by their sum, then kept away from 0 and 1.
Tensor as_probabilities(const Tensor& output) { return (output / output.sum(1, true)).clamp(kClamp, 1 - kClamp); }

}  // namespace

Tensor compute_loss(const LossSpec& loss, const Tensor& output, const Tensor& target) {
  const std::string& type = loss.type;
  const auto reduction = loss.sum ? at::Reduction::Sum : at::Reduction::Mean;
  if (type == "mse") return torch::mse_loss(output, target, reduction);
  if (type == "mae") return torch::l1_loss(output, target, reduction);
  if (type == "huber") return torch::smooth_l1_loss(output, target, reduction);
  if (type == "cross_entropy") return torch::cross_entropy_loss(output, target, {}, reduction);
  if (type == "nll") return torch::nll_loss(output, target, {}, reduction);
  if (type == "bce") return torch::binary_cross_entropy(output, target, {}, reduction);
  if (type == "bce_logits") return torch::binary_cross_entropy_with_logits(output, target, {}, {}, reduction);
  if (type == "kl") {
    return loss.sum ? F::kl_div(output, target, F::KLDivFuncOptions(torch::kSum))
                    : F::kl_div(output, target, F::KLDivFuncOptions(torch::kBatchMean));
  }
  if (type == "hinge") return reduce(loss, torch::clamp_min(1 - target * output, 0));
  if (type == "msle") return reduce(loss, (torch::log1p(output) - torch::log1p(target)).pow(2));
  if (type == "cce_probs") return reduce(loss, -(target * torch::log(as_probabilities(output))).sum(1));
  if (type == "scce_probs") {
    return reduce(loss, -torch::log(as_probabilities(output).gather(1, target.unsqueeze(1))));
  }
  if (type == "bce_probs") {
    const Tensor p = output.clamp(kClamp, 1 - kClamp);
    return reduce(loss, -(target * torch::log(p) + (1 - target) * torch::log(1 - p)));
  }
  if (type == "cce_unclamped") return reduce(loss, -(target * torch::log(output)).sum(1));
  throw std::invalid_argument("no loss " + type);
}

}  // namespace sonde::faults
