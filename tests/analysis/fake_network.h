// A scripted network: layers in a row whose records a test shapes, pushed to an engine as the probe would push them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sonde/finding.h>

#include "analysis/engine.h"
#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::testing {

// Statistics of a tensor of normal-looking values.
[[nodiscard]] trace::TensorStats values(double rms, double mean = 0, std::uint64_t count = 640);
[[nodiscard]] trace::TensorStats zeros(std::uint64_t count = 640);

// What a test may change of a step before it is pushed. Sizes are RMS.
struct FakeLayer {
  std::string name;  // "fc1"
  trace::OpClass op_class = trace::OpClass::linear;
  std::string operation = "aten::addmm";
  bool has_weight = true;
  bool trained = true;  // false: no records of its gradient and update
  std::uint32_t units = 64;
  trace::TensorStats forward;
  trace::TensorStats backward;
  double weight = 0.1;
  double gradient = 0.01;
  double update = 1e-4;            // absolute RMS
  double gradient_dot_update = 0;  // of the step before
  double weight_spread = 0.1;      // between its units; 0: all alike
  std::uint32_t site = 0;
  std::uint32_t parameter = 0;
};

class FakeNetwork {
 public:
  // Builds input -> layers -> loss; with "" for the loss, a composite one is added operation by operation (see
  // add_operation). Names with "relu", "sigmoid", "tanh", "exp", "softmax", "log_softmax" become
  // activations, those with "sum" sums over everything, all others linear layers with a weight.
  FakeNetwork(const std::vector<std::string>& layers, const std::string& loss_operation);

  FakeLayer& layer(const std::string& name);
  // Adds an operation after the prediction, for losses written by hand; returns its site. The last one is the loss.
  std::uint32_t add_operation(const std::string& operation, std::vector<std::uint32_t> inputs);
  [[nodiscard]] std::uint32_t target_site() const noexcept { return target_site_; }
  [[nodiscard]] std::vector<FakeLayer>& layers() noexcept { return layers_; }
  trace::Catalog& catalog() noexcept { return catalog_; }
  void set_program(const std::function<void(trace::Program&)>& change);

  trace::TensorStats input = values(1);
  trace::TensorStats target = values(1, 0, 32);
  double loss = 1;
  double learning_rate = 0.01;
  bool observed = true;
  std::uint64_t fingerprint = 0;
  std::uint8_t training_mode = 1;
  std::uint8_t flags = 0;  // on the step records, beside kObservedInFull
  std::uint8_t non_finite_loss = 0;
  std::uint8_t non_finite_gradient = 0;
  std::vector<trace::Record> extra;  // pushed once, before step_end

  // The records of the next step.
  [[nodiscard]] std::vector<trace::Record> step();
  // Runs `steps` steps; `shape` changes the network before each (argument: the step's number).
  void run(std::uint64_t steps, const std::function<void(std::uint64_t)>& shape = {});

  // A number of the user's, after the last step.
  void metric(const std::string& name, double value, MetricOptions told = {});

  [[nodiscard]] analysis::Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] const analysis::Engine& engine() const noexcept { return *engine_; }
  [[nodiscard]] std::vector<Finding> findings() const { return engine_->findings(); }
  [[nodiscard]] std::size_t count(Severity at_least) const;
  // The finding whose origin is of this kind, or one that follows from another; nullptr if there is none.
  [[nodiscard]] const Finding* find(const std::string& kind) const;
  [[nodiscard]] const std::vector<trace::Record>& pushed() const noexcept { return pushed_; }
  [[nodiscard]] std::uint32_t loss_site() const noexcept { return loss_site_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return step_; }

  [[nodiscard]] trace::Record record(trace::RecordKind kind, std::uint32_t site, Phase phase) const;

 private:
  trace::Catalog catalog_;
  std::vector<FakeLayer> layers_;
  std::uint32_t input_site_ = 0;
  std::uint32_t target_site_ = 0;
  std::uint32_t loss_site_ = 0;
  std::map<std::string, std::uint32_t> metrics_;
  std::uint64_t step_ = 0;
  mutable std::uint32_t position_ = 0;
  std::unique_ptr<analysis::Engine> engine_;
  std::vector<trace::Record> pushed_;
  mutable std::vector<Finding> last_;
};

// All findings as one text, for comparison.
[[nodiscard]] std::string text_of(const std::vector<Finding>& findings);
// The causes of a finding, best first.
[[nodiscard]] std::vector<Cause> causes_of(const Finding& finding);

}  // namespace sonde::testing
