// BackwardPass: what the gradients of one backward pass tell, node by node in the order they were run.
//
// Told of each node's gradients as they come; where their statistics are promises, what comes is kept as it is and gone
// through in settle(), when they are known. Plain value; not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "probes/device_statistics.h"
#include "probes/op_log.h"

namespace sonde::probes {

struct GradientAt {  // the gradient that arrived at an operation's output
  std::uint64_t serial = kNoProducer;
  std::uint32_t order = 0;  // in the pass
  trace::TensorStats stats;
};

struct GradientOrigin {
  bool found = false;
  bool reached_parameter = false;
  std::string node;                             // "SqrtBackward0"
  std::uint64_t serial = kNoProducer;           // the operation that made the node, if known
  std::uint64_t sequence_number = kNoProducer;  // of the node, if this thread made it
  trace::TensorStats incoming;                  // the gradient that arrived, finite
  trace::TensorStats made;
  double dtype_max = 0;
  std::uint32_t reached = 0;  // nodes and parameters that were not finite after it
};

class BackwardPass {
 public:
  void clear();  // empty again; keeps its memory

  // Nodes have the numbers 0, 1, ... in the order added.
  void add_node(std::uint64_t serial, bool accumulator);

  // For each node that is run: visit(), arrived() for each gradient it got, inputs_done(), made() for each it gave.
  // `first` is true for the first node of an operation.
  void visit(std::uint32_t node, bool first);
  void arrived(const trace::TensorStats& stats);
  void inputs_done();
  // `next`: the node that the gradient goes to, -1 if it is none of this pass.
  void made(std::int32_t next, const trace::TensorStats& stats, double dtype_max);

  // The nodes whose names origin() may ask for, after the pass.
  [[nodiscard]] bool wants_name(std::uint32_t node) const;
  void set_name(std::uint32_t node, std::string name, std::uint64_t sequence_number);

  // Keeps the promises. What cannot be kept is passed over.
  void settle(DeviceStatistics& device);

  [[nodiscard]] const std::vector<GradientAt>& gradients() const { return gradients_; }  // in the order of the pass
  [[nodiscard]] GradientOrigin origin() const;

 private:
  struct Node {
    std::uint64_t serial = kNoProducer;
    std::int32_t origin = -1;  // of the non-finite gradient that arrived here or was made here, in origins_
    bool accumulator = false;
  };
  struct Origin {
    std::uint32_t node = 0;
    trace::TensorStats incoming;
    trace::TensorStats made;
    double dtype_max = 0;
  };
  struct Name {
    std::uint32_t node = 0;
    std::string text;
    std::uint64_t sequence_number = kNoProducer;
  };
  struct Event {
    enum class Kind : std::uint8_t { visit, arrived, inputs_done, made } kind = Kind::visit;
    bool first = false;
    std::int32_t node = 0;
    trace::TensorStats stats;
    double dtype_max = 0;
  };

  [[nodiscard]] bool must_wait(const trace::TensorStats& stats) const;
  void take(const Event& event);
  void take_visit(std::uint32_t node, bool first);
  void take_arrived(const trace::TensorStats& stats);
  void take_inputs_done();
  void take_made(std::int32_t next, const trace::TensorStats& stats, double dtype_max);

  std::vector<Node> nodes_;
  std::vector<Origin> origins_;  // in the order found
  std::vector<Name> names_;
  std::vector<Event> waiting_;  // from the first promise on
  std::vector<GradientAt> gradients_;
  std::uint32_t order_ = 0;
  std::uint32_t bad_after_ = 0;
  std::int32_t parameter_origin_ = -1;  // in origins_
  bool parameter_bad_ = false;
  // The node that is visited:
  std::uint32_t node_ = 0;
  trace::TensorStats incoming_;
  bool first_ = false;
  bool any_arrived_ = false;
  bool arrived_bad_ = false;
};

}  // namespace sonde::probes
