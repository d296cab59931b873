// The meta-model: the training program as its first observed step showed it, before the first update.
//
// Plain data without LibTorch types: operations in the order of the data flow with what surrounds them, the loss, what
// comes from outside, the optimizer and the modules. Rules (<sonde/rules.h>) read it, and to_json() writes it. Built from
// records alone, so a replayed trace gives the same one. Operations have the numbers of their sites in the trace; 0 is
// none. All structs are value types; a const object may be read from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sonde {

// What kind of operation it is, as far as the analysis cares.
enum class OpClass : std::uint8_t {
  other,
  linear,
  convolution,
  normalization,
  embedding,
  recurrent,
  attention,
  rectifier,   // relu and its relatives: units can die
  saturating,  // sigmoid, tanh, hardtanh, softsign: slopes vanish in the tails
  activation,  // other pointwise activations (softplus, silu ...)
  softmax,
  log_softmax,
  pooling,
  dropout,
  view,
  loss,
  reduction,
  pointwise,
  factory,
  copy,
  parameter,
};

// Which loss the operations compute.
enum class LossKind : std::uint8_t {
  unknown,
  cross_entropy,                 // takes logits
  nll,                           // takes log-probabilities
  bce,                           // takes probabilities
  bce_logits,                    // takes logits
  categorical_on_probabilities,  // -(y * log p), written by hand
  kl,                            // takes log-probabilities
  mse,                           // squared error: mse, huber, smooth l1, or written by hand
  mae,
  hinge,
};

// What made the values that the loss judges.
enum class OutputKind : std::uint8_t {
  unknown,
  linear,
  softmax,
  log_softmax,
  sigmoid,
  tanh,
  rectifier,
  exponential,
  other
};

// Of the finite elements of a tensor; min > max where nothing is known.
struct TensorFacts {
  std::uint64_t count = 0;
  double mean = 0;
  double deviation = 0;
  double rms = 0;
  double min = 1;
  double max = 0;
  double zeros = 0;  // share of exact zeros, in [0, 1]

  [[nodiscard]] bool known() const noexcept { return count > 0 && min <= max; }
};

// A column of a two-dimensional input, over the rows of one batch.
struct FeatureFacts {
  double min = 0;
  double max = 0;
  double mean = 0;
  double deviation = 0;
};

struct OptimizerGroup {
  std::string optimizer;  // "Adam"
  double learning_rate = 0;
  double momentum = 0;  // the first beta of Adam
  double weight_decay = 0;
  std::vector<std::string> parameters = {};  // "encoder.0.weight"; those of the model
};

struct ModuleFacts {
  std::string path;  // "" is the root
  std::string type;  // "Linear"
  bool training = true;
};

struct Operation {
  std::uint32_t id = 0;
  std::string layer;        // path in the module tree, of the owner or of the layer it follows
  bool owned = false;       // false: the operation only follows `layer`
  std::string module_type;  // of the owner
  std::string name;         // "aten::addmm"
  OpClass op_class = OpClass::other;
  std::vector<std::int64_t> shape;       // of the output, when first seen
  std::vector<std::int64_t> from_shape;  // of the first operand, empty where it is not known
  std::string dtype;
  std::vector<double> arguments;         // numeric ones, lists spread out, in the order of the operation's schema
  std::vector<std::uint32_t> inputs;     // operations and outside tensors it takes, without views
  std::vector<std::uint32_t> consumers;  // operations that take its output
  std::uint32_t before = 0;              // producer of its first operand, looking past views, copies and dropout
  bool outside = false;                  // no operation: a tensor from outside
  bool in_loss = false;                  // turns the prediction into the loss
  bool joins = false;                    // two branches that were computed meet here (a residual, a concatenation)
  bool repeated = false;                 // one of several calls of its layer in a step
  TensorFacts output;
  double beyond = 0;  // share of the output in the flat tails of a saturating activation

  // Linear layers and convolutions whose weight is known.
  std::vector<std::int64_t> weight_shape;
  std::int64_t fan_in = 0;
  std::int64_t fan_out = 0;
  bool bias = false;
  TensorFacts weight;       // as it was before the first update
  double unit_spread = -1;  // greatest minus least max|w| of a unit; negative: not known
  // What stands directly after it, views and copies aside, each possibly behind the others; 0 none.
  std::uint32_t normalization = 0;
  std::uint32_t activation = 0;
  std::uint32_t dropout = 0;
  std::uint32_t pooling = 0;

  [[nodiscard]] bool mixes() const noexcept {  // has weights that mix its inputs
    return op_class == OpClass::linear || op_class == OpClass::convolution || op_class == OpClass::recurrent ||
           op_class == OpClass::attention;
  }
  // A linear layer or convolution of the model, not a product of two activations.
  [[nodiscard]] bool is_layer() const noexcept {
    return owned && !in_loss && (op_class == OpClass::linear || op_class == OpClass::convolution);
  }
};

struct LossFacts {
  LossKind kind = LossKind::unknown;
  bool composite = false;  // written from single operations
  std::string operation;   // "aten::cross_entropy_loss"; empty if composite
  int reduction = -1;      // 0 none, 1 mean, 2 sum, -1 unknown
  OutputKind output = OutputKind::unknown;
  std::uint32_t prediction = 0;  // the operation that made what the loss judges
  std::vector<std::int64_t> prediction_shape;
  std::int64_t width = 0;  // classes or outputs a sample, 0 if unknown
  double first_value = 0;  // of the first step, NaN if unknown
};

struct LabelFacts {
  std::uint32_t site = 0;
  std::string dtype;
  std::vector<std::int64_t> shape;
  TensorFacts values;  // pooled over the first batches
  std::uint64_t batches = 0;
  bool integral = false;
  bool zero_or_one = false;    // every value is exactly 0 or 1
  bool one_hot = false;        // one of them set in each row
  bool multi_hot = false;      // several of them set in some rows
  std::uint64_t distinct = 0;  // values in the first batch, where they are whole numbers; 0 unknown
};

struct InputFacts {
  std::uint32_t site = 0;
  std::string dtype;
  std::vector<std::int64_t> shape;
  TensorFacts values;  // pooled over the first batches
  bool image = false;  // of four dimensions
  std::int64_t channels = 0;
  std::int64_t batch = 0;              // rows
  std::int64_t data_rows = 0;          // of the tensor that batches are picked from; 0 where that is not seen
  std::vector<FeatureFacts> features;  // columns of a two-dimensional input, of the first batch; at most 256
};

struct MetaModel {
  std::vector<Operation> operations;  // in the order of the data flow, tensors from outside included
  LossFacts loss;
  LabelFacts labels;
  InputFacts input;
  std::string task;         // "multiclass", "binary", "multilabel", "regression", "autoencoder", "sequence" or empty
  std::string task_reason;  // why it is taken for that
  std::string told_task;    // Options::task
  std::vector<OptimizerGroup> groups;
  std::vector<ModuleFacts> modules;
  std::vector<std::vector<std::string>> tied;  // paths of parameters that share memory
  std::uint64_t parameters = 0;                // elements
  std::uint64_t step = 0;                      // at which it was read
  bool first_step = false;                     // weights and loss are those before the first update

  // nullptr for 0 and for what is no operation.
  [[nodiscard]] const Operation* find(std::uint32_t id) const noexcept {
    const std::size_t at = id < index.size() ? index[id] : operations.size();
    return at < operations.size() && operations[at].id == id ? &operations[at] : nullptr;
  }
  std::vector<std::uint32_t> index;  // by id: where in `operations` it lies

  // One JSON document with all of the above; docs/meta-model.md describes it.
  [[nodiscard]] std::string to_json() const;
};

}  // namespace sonde
