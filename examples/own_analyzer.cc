// An analyzer of one's own: it sees the measurements of every step, here to find a layer that runs away from the others.
#include <algorithm>
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

// Weights should change at about the same pace, relative to their size.
class UnevenPace : public sonde::Analyzer {
 public:
  std::string_view name() const noexcept override { return "uneven-pace"; }

  std::vector<sonde::Violation> end_of_step(const sonde::StepView& step) override {
    std::vector<std::pair<double, const sonde::Place*>> paces;
    for (const auto& one : step.measurements)
      if (one.phase == sonde::Phase::update && one.place->parameter == "weight" && one.weight_rms > 0)
        paces.emplace_back(one.values.rms / one.weight_rms, one.place);
    if (paces.size() < 3) return {};  // few weights, or a step that was not observed
    std::sort(paces.begin(), paces.end());
    const double usual = paces[paces.size() / 2].first;
    const auto& [fastest, where] = paces.back();
    if (fastest < 20 * usual || ++times_ < 5) return {};  // one step decides nothing

    sonde::Violation violation;
    violation.severity = sonde::Severity::warning;
    violation.operation = where->id;
    violation.phase = sonde::Phase::update;
    violation.message = where->name + " changes more than 20 times as fast as the median weight";
    violation.causes.push_back({sonde::Cause::learning_rate_too_high,
                                0.8,
                                where->id,
                                {},
                                violation.message,
                                "give " + where->layer + " the learning rate of the others"});
    return {violation};
  }

 private:
  int times_ = 0;
};

int main() {
  torch::manual_seed(0);
  torch::nn::Linear first(10, 32), second(32, 32), head(32, 1);
  torch::nn::Sequential net(first, torch::nn::Tanh(), second, torch::nn::Tanh(), head);
  torch::optim::SGD optimizer({first->parameters(), second->parameters()}, torch::optim::SGDOptions(1e-3));
  optimizer.add_param_group(torch::optim::OptimizerParamGroup(
      head->parameters(), std::make_unique<torch::optim::SGDOptions>(1e-1)));  // meant: 1e-3
  sonde::Monitor monitor(net, optimizer, {.own_analyzers = {std::make_shared<UnevenPace>()}});
  for (int step = 0; step < 60; ++step) {
    const auto x = torch::randn({64, 10});
    optimizer.zero_grad();
    monitor.backward(torch::mse_loss(net->forward(x), x.mean(1, /*keepdim=*/true)));
    optimizer.step();
  }
  monitor.report().print(std::cout);
}
