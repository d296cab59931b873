#include "analysis/validated_run.h"

#include <cmath>
#include <random>

namespace sonde::testing {

double learning(double epoch, double pace, double floor) { return floor + (2.3 - floor) * std::exp(-pace * epoch); }

std::unique_ptr<FakeNetwork> ValidatedRun::run() const {
  auto net = std::make_unique<FakeNetwork>(std::vector<std::string>{"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  std::mt19937 random(seed);
  const auto normal = [&random] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random() / 4294967296.0;
    return sum;
  };
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (std::uint64_t step = 0; step < steps; ++step) {
      const double at = epoch + static_cast<double>(step) / static_cast<double>(steps);
      net->observed = step == 0;
      net->loss = training(at) * (1 + training_noise * normal());
      net->learning_rate = learning_rate(at);
      net->run(1);
    }
    net->metric(metric, scale * (validation(epoch + 1) + validation_noise * normal()) + offset, told);
    if (also) also(*net, epoch + 1);
  }
  return net;
}

}  // namespace sonde::testing
