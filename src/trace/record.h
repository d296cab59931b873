// Record: one measurement, 128 bytes, trivially copyable. What the training thread pushes and all else reads.
//
// A record refers to the place it was measured by a site number; sites are described once in the Catalog. Field by
// field in docs/trace-format.md. Sonde's trace layer knows nothing of training: the enums name what a producer means.
#pragma once

#include <cstdint>
#include <type_traits>

#include <sonde/finding.h>
#include <sonde/metric.h>

namespace sonde::trace {

inline constexpr std::uint8_t kRecordVersion = 1;

enum class RecordKind : std::uint8_t {
  step_begin,  // payload StepFacts: the state before the backward pass of a step is judged
  tensor,      // payload TensorStats: one tensor at one site in one phase
  loss,        // payload LossFacts
  contract,    // payload ContractFacts: a rule of the training loop was broken
  origin,      // payload OriginFacts: where non-finite values came from, as the probe found out
  step_end,    // payload StepFacts: everything of this step has been pushed
  metric,      // payload MetricFacts: a number of the user's; its site has the name, `step` is the last one judged
};

enum RecordFlag : std::uint8_t {
  kObservedInFull = 1,   // on step records: every operation of this step was observed
  kSampledElements = 2,  // the statistics are those of a strided sample
  kWithdrawn = 64,       // contract: what was reported of this site earlier has been disproved since
  kTarget = 4,           // phase input: the tensor is the target of the loss
  kFeedsLoss = 8,        // phase forward: the loss operation consumes this output (it is a prediction)
  kRepeated = 16,        // this step's evaluation belongs to a closure optimizer (LBFGS): losses need not fall
  kFirstOfRun = 32,      // on step_begin: baselines must be learnt anew (after follow(), parameter replacement)
};

// Statistics of one tensor, gathered in one pass. NaN and infinite elements are counted and excluded from the rest;
// min > max if there is no finite element.
struct TensorStats {
  std::uint64_t count = 0;  // elements looked at
  std::uint64_t nan = 0;
  std::uint64_t positive_infinity = 0;
  std::uint64_t negative_infinity = 0;
  std::uint64_t zeros = 0;
  double min = 0;
  double max = 0;
  double mean = 0;
  double mean_square = 0;
  // Units: the channels of an activation (dimension 1, or the last of a sequence), the rows of a weight. 0 if units were not counted.
  std::uint32_t units = 0;
  std::uint32_t silent_units = 0;  // all elements zero in this tensor
  std::uint32_t dead_units = 0;    // silent on every observed step since `dead_since` steps, at least the last eight
  float beyond = 0;                // share of elements in the flat tails of a saturating activation, in [0, 1]
  // By phase. update: root mean square of the weight before the update. gradient: dot product of gradient and update
  // of the step before (NaN if unknown). forward, weight: the greatest minus the least max|x| of a unit (0: units are
  // alike), NaN if units were not looked at.
  double aux = 0;
};

struct StepFacts {
  double loss;                        // NaN if the step had none
  double learning_rate;               // of the first parameter group, NaN if unknown
  std::uint64_t batch_size;           // first dimension of the first input, 0 if unknown
  std::uint64_t batch_fingerprint;    // of inputs and targets, 0 if unknown
  std::uint64_t step_nanoseconds;     // since the step before
  std::uint64_t monitor_nanoseconds;  // of it, for watching
  std::uint32_t backwards;            // backward passes since the last weight update, 1 without accumulation
  std::uint32_t operations;           // forward operations observed
  std::uint8_t non_finite_loss;       // 0 or 1
  std::uint8_t non_finite_gradient;
  std::uint8_t applied;            // 0: the guard took the gradients away
  std::uint8_t weights_changed;    // since the step before: 0 no, 1 yes, 2 unknown
  std::uint8_t gradients_cleared;  // since the step before: 0 no, 1 yes, 2 unknown
  std::uint8_t training_mode;      // 0: the model was in eval(), 1: train(), 2: unknown or mixed
};

struct LossFacts {
  double value;
  double scale;  // 1, or the factor a user multiplied the loss with, if seen
};

// On so many steps no healthy loop breaks a rule: warm-ups and the phases of a GAN are shorter.
inline constexpr std::uint32_t kCertainSteps = 10;

// What broke; `where` in words is the record's site. Judged by the probe: one record when it has been seen on a few steps
// (`seen` says on how many), one more when that is kCertainSteps, and one with kWithdrawn if a later step disproves it.
enum class Contract : std::uint8_t {
  parameter_not_registered,    // a leaf that requires grad is used in the graph, but is no parameter of the model
  parameter_not_optimized,     // registered, gets a gradient, but no optimizer holds it
  parameter_without_gradient,  // in the optimizer, requires grad, but never gets a gradient while others do
  parameter_not_updated,       // gets a gradient, in the optimizer, but step() does not change it
  parameter_frozen,  // registered and used, requires_grad is false (a fact, not a fault); `got` 1: the optimizer has it
  gradients_not_cleared,       // steps happen, gradients are never cleared
  step_missing,                // gradients come and go, the weights never change
  graph_cut,                   // layers run in forward, but the loss does not reach them
  eval_while_training,         // eval() while weights are updated, and the model has layers that care
  batch_repeated,              // the same batch step after step
  loss_broadcast,              // prediction and target of the loss broadcast against each other
  learning_rate_in_defaults,   // optimizer.defaults() was changed, which has no effect on existing groups
  learning_rate_zero,          // the rate of every group is 0
  module_registered_not_used,  // registered parameters that no operation ever used
};

struct ContractFacts {
  Contract what;
  std::uint32_t seen;  // on how many steps
  double got;          // a number to print, meaning depends on `what` (a rate, a norm, a count); else 0
  double wanted;
  std::int64_t shape_a[4];  // loss_broadcast: shapes of prediction and target, -1 beyond the last dimension
  std::int64_t shape_b[4];
};

enum class OriginKind : std::uint8_t {
  operation,      // an operation with finite inputs gave a non-finite output
  node,           // a backward node with finite incoming gradients gave a non-finite one
  input,          // a tensor from outside was not finite
  weight,         // a parameter was not finite before it was used
  uninitialised,  // memory of an empty() that was never written
  unknown,        // seen by the sentinel on a step that was not observed
};

struct OriginFacts {
  OriginKind kind;
  std::uint8_t via_loss;   // 1: it reached the loss, 0: only gradients
  std::uint16_t operands;  // how many of `operand` are set
  std::uint32_t reached;   // operations, nodes and parameters after it that were not finite
  std::uint64_t count;     // elements of the output
  std::uint64_t nan;
  std::uint64_t positive_infinity;
  std::uint64_t negative_infinity;
  struct Operand {  // finite statistics of the first two tensor inputs (node: incoming gradient first)
    float min;
    float max;
    float zeros;  // share of exact zeros
  } operand[2];
  float lower;  // least and greatest finite value of the output
  float upper;
  float dtype_max;  // the largest finite value of the output's dtype
};

struct MetricFacts {
  double value;
  Better better;  // as told by the user; inferred: not told
  Split split;
};

struct Record {
  std::uint8_t version = kRecordVersion;
  RecordKind kind = RecordKind::tensor;
  Phase phase = Phase::forward;
  std::uint8_t flags = 0;
  std::uint32_t site = 0;      // in the Catalog; 0 is "the program"
  std::uint64_t step = 0;      // 0-based number of the weight update this belongs to
  std::uint64_t time_ns = 0;   // steady clock
  std::uint32_t position = 0;  // in the data flow of the step: forward operations first, then the loss, then backward
  // The order in which records were pushed, over all threads of a session, modulo 2^32. Set by the session on push.
  std::uint32_t sequence = 0;
  union {
    TensorStats tensor;
    StepFacts facts;
    LossFacts loss;
    ContractFacts contract;
    OriginFacts origin;
    MetricFacts metric;
  };

  Record() noexcept : tensor{} {}
};

static_assert(sizeof(Record) == 128);
static_assert(std::is_trivially_copyable_v<Record>);

}  // namespace sonde::trace
