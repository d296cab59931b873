// Meta-models drawn by hand: one layer after the other, a loss, labels; a test changes what it is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sonde/meta_model.h>
#include <sonde/rules.h>

namespace sonde::testing {

[[nodiscard]] TensorFacts spread(double mean, double deviation, std::uint64_t count = 1000);
// From `min` to `max`, evenly.
[[nodiscard]] TensorFacts within(double min, double max, std::uint64_t count = 1000);

class Sketch {
 public:
  // A batch of `rows` enters: [rows, features], or images of [rows, channels, side, side].
  static Sketch table(std::int64_t features, std::int64_t rows = 64);
  static Sketch images(std::int64_t channels, std::int64_t side, std::int64_t rows = 64);

  Sketch& linear(const std::string& name, std::int64_t out);
  Sketch& conv(const std::string& name, std::int64_t out, std::int64_t kernel = 3, std::int64_t stride = 1);
  // "relu", "sigmoid", "tanh", "softmax", "log_softmax", "batch_norm", "dropout", "flatten", "max_pool2d".
  Sketch& then(const std::string& operation, std::vector<double> arguments = {});
  // Adds the output of an earlier operation (a residual).
  Sketch& join(const std::string& layer);

  // What comes last is the prediction of this loss.
  Sketch& cross_entropy();
  Sketch& loss(LossKind kind, OutputKind output, std::int64_t width);

  [[nodiscard]] Operation& at(const std::string& name);  // by layer or base name; the first one
  [[nodiscard]] Operation& last() { return model.operations.back(); }

  MetaModel model;

 private:
  Operation& add(Operation operation);
};

// What the rule of this name says of the model.
[[nodiscard]] std::vector<Violation> apply(const std::string& rule, const MetaModel& model);
// Its first cause, Cause::unknown if it says nothing.
[[nodiscard]] Cause cause_of(const std::string& rule, const MetaModel& model);
// How often it speaks.
[[nodiscard]] std::size_t says(const std::string& rule, const MetaModel& model);

}  // namespace sonde::testing
