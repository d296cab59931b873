// A rule of one's own: what a device cannot run is told before the first update, and it stops the program.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

// Our device multiplies in blocks of 8.
class WidthOfEight : public sonde::Rule {
 public:
  std::string_view name() const noexcept override { return "width-of-eight"; }

  std::vector<sonde::Violation> check(const sonde::MetaModel& model) const override {
    std::vector<sonde::Violation> found;
    for (const auto& layer : model.operations) {
      if (!layer.is_layer() || layer.id == model.loss.prediction || layer.fan_out % 8 == 0) continue;
      sonde::Violation violation;
      violation.severity = sonde::Severity::error;
      violation.operation = layer.id;
      violation.message = "layer " + layer.layer + " has " + std::to_string(layer.fan_out) + " outputs";
      violation.causes.push_back({sonde::Cause::wrong_layer_width,
                                  0.9,
                                  layer.id,
                                  {},
                                  "the device works in blocks of 8",
                                  "take " + std::to_string((layer.fan_out + 7) / 8 * 8) + " outputs"});
      found.push_back(std::move(violation));
    }
    return found;
  }
};

int main() {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(10, 24), torch::nn::ReLU(), torch::nn::Linear(24, 30), torch::nn::ReLU(),
                            torch::nn::Linear(30, 1));
  torch::optim::SGD optimizer(net->parameters(), 0.01);
  sonde::Options options;
  options.own_rules = {std::make_shared<WidthOfEight>()};
  options.on_fault = sonde::OnFault::abort;
  sonde::Monitor monitor(net, optimizer, options);
  try {
    const auto x = torch::randn({32, 10});
    monitor.backward(torch::mse_loss(net->forward(x), x.sum(1, /*keepdim=*/true)));
    optimizer.step();
  } catch (const sonde::FaultFound& fault) { std::cout << "not started: " << fault.what() << '\n'; }
  monitor.report().print(std::cout);
}
