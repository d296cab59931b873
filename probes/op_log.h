// OpLog: the forward operations one thread has run, with where their inputs came from and what their outputs were like.
//
// Operations have serial numbers that only grow. The log keeps them in segments; a new segment begins with each backward
// pass, and old ones are recycled when nobody needs them. Tensors are known by their TensorImpl, held weakly: that keeps
// the address from being used again before the log has noticed that the tensor died, and keeps no memory of elements alive.
// Not thread-safe: belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/util/flat_hash_map.h>

#include "probes/measure_tensor.h"
#include "probes/op_table.h"
#include "trace/record.h"

namespace torch::autograd {
struct Node;
}

namespace sonde::probes {

// One operation's name and what is known of it; lives as long as the process.
struct OpInfo {
  std::string name;  // "aten::relu"
  OpTraits traits;
  bool is_operation = true;       // false: a profiling range, not an operation
  bool backward_pass = false;     // a node run by the engine; what is nested in it is no forward operation
  std::uint32_t most_nested = 0;  // operations seen inside one call of it, while they were looked at
};

using WeakTensor = c10::weak_intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>;

inline constexpr std::uint64_t kNoProducer = ~std::uint64_t{0};
inline constexpr std::size_t kShownDimensions = 5;

struct Shape {
  std::array<std::int64_t, kShownDimensions> sizes{};  // the first ones
  std::uint8_t dimensions = 0;
  std::int64_t elements = 0;

  [[nodiscard]] std::vector<std::int64_t> vector() const;
  [[nodiscard]] bool operator==(const Shape&) const = default;
};
[[nodiscard]] Shape shape_of(const at::TensorImpl& impl);

struct Operand {
  const at::TensorImpl* tensor = nullptr;  // identity only: may be gone
  const c10::StorageImpl* storage = nullptr;
  std::uint64_t producer = kNoProducer;  // serial of the operation that made it
  std::uint32_t output = 0;              // which of its outputs
  bool requires_grad = false;
  bool leaf = false;
  bool floating = false;
  Shape shape;
};

struct Output {
  WeakTensor tensor{c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>()};
  const at::TensorImpl* identity = nullptr;  // null again when sweep() found the tensor dead
  const c10::StorageImpl* storage = nullptr;
  const torch::autograd::Node* node = nullptr;  // identity only; null outside the graph
  std::uint32_t version = 0;                    // of the memory when it was measured
  int alias_of = -1;                            // operand whose memory it shares (a view), -1: its own
  int unit_dimension = -1;
  std::uint32_t alive = 0;  // offset into Segment::alive, where units were counted for life and death
  Finite finite = Finite::unknown;
  bool counts_life = false;     // of its units, from `alive` on
  bool measured = false;        // `stats` holds, or is a promise
  bool written_unseen = false;  // not finite any more, though no operation wrote it: through data_ptr(), an accessor
  bool rewritten = false;       // written through another tensor (a view) after its operation
  bool requires_grad = false;
  bool floating = false;
  Shape shape;
  trace::TensorStats stats;
  const char* dtype = "";
  double dtype_max = 0;
};

// What happened. Ranges are offsets into the segment's arenas.
struct Operation {
  std::uint64_t serial = 0;
  const OpInfo* info = nullptr;
  std::uint64_t first_node = 0;  // sequence numbers of the autograd nodes it made: [first_node, end_node)
  std::uint64_t end_node = 0;
  std::uint32_t first_operand = 0, operands = 0;
  std::uint32_t first_output = 0, outputs = 0;
  std::uint32_t first_scalar = 0, scalars = 0;
  std::uint32_t first_frame = 0, frames = 0;
  bool external = false;  // no operation: a tensor that came from outside, as its only output
  bool grad_mode = false;
  bool infinite_scalar = false;  // an argument was not finite: what it puts into the output is meant
  std::uint64_t taken = 0;       // bit i: the monitor with slot i has reported it
};

struct Segment {
  std::uint64_t base = 0;  // serial of operations[0]
  std::vector<Operation> operations;
  std::vector<Operand> operands;
  std::vector<Output> outputs;
  std::vector<double> scalars;
  std::vector<std::uintptr_t> frames;
  std::vector<std::uint8_t> alive;

  void clear();
  [[nodiscard]] std::span<Operand> operands_of(const Operation& op) {
    return {operands.data() + op.first_operand, op.operands};
  }
  [[nodiscard]] std::span<Output> outputs_of(const Operation& op) {
    return {outputs.data() + op.first_output, op.outputs};
  }
  [[nodiscard]] std::span<double> scalars_of(const Operation& op) {
    return {scalars.data() + op.first_scalar, op.scalars};
  }
  [[nodiscard]] std::span<std::uintptr_t> frames_of(const Operation& op) {
    return {frames.data() + op.first_frame, op.frames};
  }
};

class OpLog {
 public:
  OpLog() { begin_segment(); }

  [[nodiscard]] Segment& current() { return *segments_.back(); }
  [[nodiscard]] std::uint64_t next_serial() const {
    return segments_.back()->base + segments_.back()->operations.size();
  }
  [[nodiscard]] bool empty() const { return segments_.size() == 1 && segments_.front()->operations.empty(); }
  [[nodiscard]] std::uint64_t first_serial() const { return segments_.front()->base; }

  // Starts a new segment unless the current one is empty.
  void begin_segment();
  // Forgets whole segments whose operations are all older than `serial`; the current one stays.
  void forget_before(std::uint64_t serial);
  // Lets go of tensors that have died, among the next few of the log in turns. To be called after each operation and node:
  // where small blocks that cannot be freed lie between large ones, the heap is scattered (LeNet: up to 400 page faults a step).
  void sweep();

  struct Place {
    Segment* segment = nullptr;
    Operation* operation = nullptr;
    explicit operator bool() const { return operation != nullptr; }
  };
  [[nodiscard]] Place find(std::uint64_t serial);
  // The operation that made the node with this sequence number.
  [[nodiscard]] Place find_by_node(std::uint64_t sequence_number);
  // The first operation inside the custom function whose node has this sequence number.
  [[nodiscard]] Place find_inside_function(std::uint64_t sequence_number);

  struct Producer {
    std::uint64_t serial = kNoProducer;
    std::uint32_t output = 0;
  };
  [[nodiscard]] Producer producer_of(const at::TensorImpl* tensor) const;
  void set_producer(const at::TensorImpl* tensor, Producer producer) { producers_[tensor] = producer; }

 private:
  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<std::unique_ptr<Segment>> spare_;
  std::size_t swept_segment_ = 0, swept_output_ = 0;  // where sweep() goes on
  ska::flat_hash_map<const at::TensorImpl*, Producer> producers_;
};

}  // namespace sonde::probes
