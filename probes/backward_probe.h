// BackwardProbe: sees the gradients of one backward pass, node by node.
//
// Before the pass a post hook is put on every node of the graph; it gets the gradients that arrived and those the node
// made, so the first node that makes a non-finite gradient of finite ones is known with certainty, and RecordFunction
// can stay off during the backward pass (its events cost ten times more and do not show what a node made). Hooks
// hand on the tensors they get; they are taken off again after the pass.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "probes/backward_pass.h"
#include "probes/gradient_slots.h"
#include "probes/measure_tensor.h"
#include "probes/op_log.h"

namespace sonde::probes {

class BackwardProbe {
 public:
  BackwardProbe() = default;
  BackwardProbe(const BackwardProbe&) = delete;
  BackwardProbe& operator=(const BackwardProbe&) = delete;
  ~BackwardProbe() { detach(); }

  // Called on the thread that runs the backward pass, with the gradients of an operation's outputs.
  using OnGradient = std::function<void(std::uint64_t serial, const std::vector<at::Tensor>& gradients)>;

  // Hooks the graph of `loss`; `log` must know the operations of this thread. The loss keeps the graph alive until
  // detach(). `on_gradient` may be empty; it must not throw.
  void attach(const at::Tensor& loss, OpLog& log, OnGradient on_gradient);
  void detach();

  // Serial numbers of operations whose nodes are in the graph; valid after attach().
  [[nodiscard]] const std::vector<std::uint64_t>& operations() const { return operations_; }
  // What the pass just run told; after detach(). May be exchanged for that of another one.
  [[nodiscard]] BackwardPass& pass() { return pass_; }
  void use(DeviceStatistics* device) { meter_.use(device); }
  // Since the last call: time spent in hooks, and hooks that could not look.
  [[nodiscard]] std::uint64_t take_spent_ns() { return std::exchange(spent_ns_, 0); }
  [[nodiscard]] std::uint64_t take_failures() { return std::exchange(failures_, 0); }

 private:
  class Hook;
  struct Link {        // what the hooks share with the probe; outlives it if a graph does
    std::mutex mutex;  // one node at a time: several devices have a thread each
    BackwardProbe* probe = nullptr;
  };
  struct Hooked {
    torch::autograd::Node* node = nullptr;
    std::uintptr_t hook = 0;
    std::uint64_t serial = kNoProducer;
    std::uint32_t first_slot = 0, slots = 0;  // of its inputs
    std::uint32_t first_edge = 0, edges = 0;  // of its outputs, in edges_
    bool accumulator = false;
    bool replaces = false;  // hooks of the program's may exchange what arrives at it or what it made
  };
  struct Edge {  // where a gradient goes to
    std::int32_t node = -1;
    std::uint32_t slot = 0;
  };
  struct Measured {
    const at::Tensor* gradient = nullptr;
    trace::TensorStats stats;
  };

  // The number of a node, which is hooked if it was not; -1 for none.
  std::int32_t enter(torch::autograd::Node* node);
  void follow_edges(std::uint32_t index);
  void executed(std::uint32_t index, const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& inputs);
  // Valid until the next call; null if it cannot be measured.
  const trace::TensorStats* measure_arrived(const Hooked& seen, std::size_t input, const at::Tensor& gradient);
  const trace::TensorStats* measure_made(const at::Tensor& gradient);

  std::shared_ptr<Link> link_;
  at::Tensor loss_;
  OpLog* log_ = nullptr;  // while attached
  OnGradient on_gradient_;
  std::vector<Hooked> nodes_;
  std::vector<std::uint64_t> operations_;
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> stack_;
  ska::flat_hash_map<const torch::autograd::Node*, std::uint32_t> index_;
  ska::flat_hash_map<std::uint64_t, std::uint32_t> reported_;  // serial -> node that reported it
  GradientSlots slots_;
  std::vector<Measured> measured_;  // at the node that is running
  BackwardPass pass_;
  TensorMeter meter_;
  std::uint64_t spent_ns_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace sonde::probes
