#include "loops/loop.h"

#include <cstring>

namespace sonde::loops {
namespace {

void append_bytes(std::string& bytes, const torch::Tensor& tensor) {
  const auto flat = tensor.detach().cpu().contiguous();
  bytes.append(static_cast<const char*>(flat.data_ptr()), static_cast<std::size_t>(flat.nbytes()));
}

}  // namespace

void Watched::backward(const at::Tensor& loss, bool retain_graph, bool create_graph) const {
  if (monitor_) {
    monitor_->backward(loss, retain_graph, create_graph);
  } else {
    loss.backward({}, retain_graph, create_graph);
  }
}

void Watched::backward(const std::function<at::Tensor()>& forward) const {
  if (monitor_) {
    monitor_->backward(forward);
  } else {
    forward().backward();
  }
}

void Watched::check(const at::Tensor& loss) const {
  if (monitor_) monitor_->check(loss);
}

std::optional<Monitor::Pause> Watched::pause() const {
  if (!monitor_) return std::nullopt;
  return monitor_->pause();
}

void Watched::follow(torch::optim::Optimizer& optimizer) const {
  if (monitor_) monitor_->follow(optimizer);
}

void Watched::follow(const std::vector<torch::optim::Optimizer*>& optimizers) const {
  if (monitor_) monitor_->follow(optimizers);
}

std::vector<Report> Watch::reports() const {
  std::vector<Report> reports;
  for (const auto& monitor : monitors_) reports.push_back(monitor->report());
  return reports;
}

Outcome finish(std::vector<double> losses, const std::vector<torch::Tensor>& tensors, double score) {
  Outcome outcome;
  outcome.losses = std::move(losses);
  for (const auto& tensor : tensors) append_bytes(outcome.weights, tensor);
  append_bytes(outcome.random_state, at::detail::getDefaultCPUGenerator().get_state());
  outcome.score = score;
  return outcome;
}

Outcome finish(std::vector<double> losses, const torch::nn::Module& model, double score) {
  auto tensors = model.parameters();
  for (const auto& buffer : model.buffers()) tensors.push_back(buffer);
  return finish(std::move(losses), tensors, score);
}

const std::vector<Loop>& all_loops() {
  static const std::vector<Loop> loops = {
      {"S1_regression_until_tolerance", regression_until_tolerance, -0.2},
      {"S2_digits_classifier", digits_classifier, 0.95},
      {"S3_gan", gan, 2},
      {"S4_variational_autoencoder", variational_autoencoder, 1.6},
      {"S5_lstm_language_model", lstm_language_model, -1.3},
      {"S6_residual_network", residual_network, 0.95},
      {"S7_tiny_gpt", tiny_gpt, -2},
      {"S8_lbfgs_pinn", lbfgs_pinn, -1e-3},
      {"S9_dqn", dqn, -12},
      {"S10_ppo", ppo, 100},
      {"S11_gaussian_splats", gaussian_splats, 4},
      {"S11_optimized_input", optimized_input, 10},
      {"S12_fine_tuning", fine_tuning, 0.95},
  };
  return loops;
}

}  // namespace sonde::loops
