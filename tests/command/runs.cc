#include "command/runs.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

// Standard normal numbers that are the same with every standard library.
class Normal {
 public:
  explicit Normal(std::uint32_t seed) : bits_(seed) {}
  double operator()() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(bits_()) / 4294967296.0;
    return sum;
  }

 private:
  std::mt19937 bits_;
};

// The size of a tensor from seed to seed, and from step to step.
double size(double typical, double seed_noise, double step_noise) {
  return typical * std::exp(seed_noise + step_noise);
}

}  // namespace

trace::Trace run(const Script& script) {
  std::vector<std::string> layers{"fc1", "relu1", "fc2", "relu2", "fc3"};
  if (script.one_layer_more) layers.insert(layers.begin() + 4, "extra");
  FakeNetwork network(layers, "aten::cross_entropy_loss");
  network.learning_rate = script.learning_rate;
  network.set_program([&](trace::Program& program) {
    program.learning_rate = script.learning_rate;
    for (const std::string& layer : layers) program.modules.push_back({layer, "Linear", true});
  });
  for (FakeLayer& layer : network.layers()) {
    if (layer.has_weight) layer.gradient_dot_update = std::numeric_limits<double>::quiet_NaN();
  }

  Normal of_weights(script.weights);
  Normal of_batches(script.noise);
  const double rate = script.learning_rate / 0.05;
  std::vector<double> seed_noise;
  for (std::size_t i = 0; i < network.layers().size(); ++i) seed_noise.push_back(of_weights() / std::sqrt(128.0));
  network.run(script.steps, [&](std::uint64_t step) {
    network.observed = step < 20 || step % script.every == 0;
    const bool broken = script.nan_step >= 0 && step >= static_cast<std::uint64_t>(script.nan_step);
    for (std::size_t i = 0; i < network.layers().size(); ++i) {
      FakeLayer& layer = network.layers()[i];
      const double first = layer.name == "fc1" ? script.first_weight : 1;
      const double drift = layer.name == "fc2" && step >= 30 ? script.drift : 1;
      layer.forward = values(size(first * drift, seed_noise[i], 0.05 * of_batches()));
      layer.backward = values(size(0.01, seed_noise[i], 0.2 * of_batches()));
      layer.gradient = size(0.01, seed_noise[i], 0.2 * of_batches());
      layer.weight = size(0.1 * first, seed_noise[i] / 4, 1e-4 * static_cast<double>(step));
      layer.update = size(1e-4 * rate, seed_noise[i], 0.2 * of_batches());
      layer.forward.nan = broken && layer.name == "fc2" ? 5 : 0;
    }
    const double course = 2.3 / (1 + 0.02 * static_cast<double>(step));
    network.loss =
        broken ? std::numeric_limits<double>::quiet_NaN() : course * std::exp(0.05 * of_batches()) - script.loss_offset;
    if (script.drift != 1 && step >= 30) network.loss *= 1 + 1e-9;  // as all that is downstream of it
    network.non_finite_loss = broken ? 1 : 0;
  });
  trace::Trace trace = trace::make_trace(network.catalog(), network.pushed());
  for (trace::Record& record : trace.records) record.time_ns = 1'000'000 * (record.step + 1);
  return trace;
}

}  // namespace sonde::testing
