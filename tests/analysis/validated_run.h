// A training with a validation after each epoch, as a script: courses of the two, and noise on both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "analysis/fake_network.h"

namespace sonde::testing {

struct ValidatedRun {
  using Course = std::function<double(double epoch)>;

  Course training = [](double) { return 1.0; };
  Course validation = [](double) { return 1.0; };
  Course learning_rate = [](double) { return 0.01; };
  std::string metric = "val_loss";
  MetricOptions told = {};
  double training_noise = 0.03;    // relative
  double validation_noise = 0.01;  // absolute
  // What is given is scale * value + offset.
  double scale = 1;
  double offset = 0;
  int epochs = 40;
  std::uint64_t steps = 20;  // an epoch
  unsigned seed = 1;
  // Called after each epoch, beside the metric above.
  std::function<void(FakeNetwork&, double epoch)> also = {};

  // Has run.
  [[nodiscard]] std::unique_ptr<FakeNetwork> run() const;
};

// Learning as it usually goes: from 2.3 down to `floor`.
[[nodiscard]] double learning(double epoch, double pace = 0.2, double floor = 0.3);

}  // namespace sonde::testing
