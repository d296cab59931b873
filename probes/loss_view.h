// LossView: what the loss is made of: the operation, the prediction and the target, and the batch.
#pragma once

#include <cstdint>
#include <vector>

#include "probes/attribution.h"
#include "probes/op_observer.h"
#include "trace/catalog.h"

namespace sonde::probes {

struct EnteringTensor {  // enters the graph from outside: a batch, a target, a mask, noise
  std::uint64_t serial = kNoProducer;
  std::uint32_t output = 0;
  std::uint32_t position = 0;  // of the operation that takes it in
  bool target = false;         // no layer comes between it and the loss
};

struct LossView {
  std::uint64_t loss_serial = kNoProducer;  // the loss operation: a known one if there is, else the last
  bool known_loss = false;
  std::uint64_t prediction = kNoProducer;  // the operation whose output is compared with the target
  std::vector<EnteringTensor> entering;
  std::uint64_t batch_size = 0;
  std::uint64_t fingerprint = 0;  // of what enters, 0 if nothing does
};

// Reads it off the operations of a pass. `placed` as by Attribution::place().
[[nodiscard]] LossView view_loss(OpLog& log, const Attribution& attribution, const std::vector<PlacedOp>& placed);

// Elements of the first input and of the target, of which describe_loss() reads more than statistics.
struct BatchSample {
  std::vector<double> input, target;
  trace::TensorStats promised_input, promised_target;  // where a device has been asked for them
};
// While the batch lives.
[[nodiscard]] BatchSample sample_batch(OpObserver& observer, const LossView& loss);
// When the promises have arrived.
void keep_sample(DeviceStatistics& device, BatchSample& sample);

// Fills the fields of `program` on loss, prediction, target and, at the first call, the columns of the input.
void describe_loss(OpLog& log, const Attribution& attribution, const LossView& loss, BatchSample& sample,
                   trace::Program& program);

}  // namespace sonde::probes
