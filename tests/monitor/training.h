// Small training programs for the tests of the monitor.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include <sonde/sonde.h>
#include <torch/torch.h>

namespace sonde::tests {

struct Net : torch::nn::Module {
  Net() {
    torch::manual_seed(1);  // of whatever the test does from here on
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }
  torch::Tensor forward(const torch::Tensor& x) { return fc2(torch::relu(fc1(x))); }

  torch::nn::Linear fc1{4, 8}, fc2{8, 1};
};

// Everything is observed, and nothing runs in the background: what a test sees depends on no thread.
inline Options observed(OnFault on_fault = OnFault::report) {
  Options options;
  options.every_step = true;
  options.background = false;
  options.on_fault = on_fault;
  return options;
}

// A batch of a task that can be learned: [16, 4], and its sums [16, 1].
struct Batch {
  torch::Tensor x = torch::randn({16, 4});
  torch::Tensor y = x.sum(1, /*keepdim=*/true);
};

// One usual step.
template <typename Model>
void train_step(Model& model, torch::optim::Optimizer& optimizer, Monitor& monitor) {
  const Batch batch;
  optimizer.zero_grad();
  monitor.backward(torch::mse_loss(model.forward(batch.x), batch.y));
  optimizer.step();
}

template <typename Model>
void train(Model& model, torch::optim::Optimizer& optimizer, Monitor& monitor, int steps) {
  for (int i = 0; i < steps; ++i) train_step(model, optimizer, monitor);
}

inline bool all_finite(const torch::nn::Module& model) {
  const auto parameters = model.parameters();
  return std::all_of(parameters.begin(), parameters.end(),
                     [](const auto& p) { return p.isfinite().all().template item<bool>(); });
}

inline std::vector<torch::Tensor> copy_of_weights(const torch::nn::Module& model) {
  std::vector<torch::Tensor> copies;
  for (const auto& parameter : model.parameters()) copies.push_back(parameter.detach().clone());
  return copies;
}

inline bool weights_are(const torch::nn::Module& model, const std::vector<torch::Tensor>& wanted) {
  const auto parameters = model.parameters();
  return std::equal(parameters.begin(), parameters.end(), wanted.begin(), wanted.end(),
                    [](const auto& a, const auto& b) { return torch::equal(a, b); });
}

// The kinds of all findings, with their severity, one a line. Findings of advice only if asked for.
inline std::string kinds(const Report& report, Severity at_least = Severity::warning) {
  std::string text;
  for (const auto& finding : report.findings) {
    if (finding.severity < at_least) continue;
    text += std::string(to_string(finding.severity)) + " " + finding.origin.kind + " in " + finding.origin.where.layer +
            finding.origin.where.part + ": " + finding.origin.message + "\n";
  }
  return text;
}

inline const Finding* find(const Report& report, const std::string& kind) {
  const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                  [&](const Finding& finding) { return finding.origin.kind == kind; });
  return found == report.findings.end() ? nullptr : &*found;
}

inline bool not_observed(const Report& report, const std::string& words) {
  return std::any_of(report.not_observed.begin(), report.not_observed.end(), [&](const NotObserved& unseen) {
    return (unseen.what + ": " + unseen.reason).find(words) != std::string::npos;
  });
}

struct Parts {  // what a training loop may vary
  bool zero_grad = true;
  bool step = true;
  int accumulate = 1;
};

// Trains for `steps` steps on fresh batches of a task that `model` can learn and returns the report.
template <typename Model>
Report run(Model& model, torch::optim::Optimizer& optimizer, int steps = 60, Parts parts = {}) {
  Monitor monitor(model, optimizer, observed());
  for (int step = 0; step < steps; ++step) {
    if (parts.zero_grad) optimizer.zero_grad();
    for (int i = 0; i < parts.accumulate; ++i) {
      const Batch batch;
      monitor.backward(torch::mse_loss(model.forward(batch.x), batch.y) / parts.accumulate);
    }
    if (parts.step) optimizer.step();
  }
  return monitor.report();
}

}  // namespace sonde::tests
