#include "probes/backward_probe.h"

#include <algorithm>
#include <chrono>

#include "probes/op_table.h"
#include "probes/torch_version.h"

namespace sonde::probes {

using torch::autograd::Node;

class BackwardProbe::Hook : public torch::autograd::FunctionPostHook {
 public:
  Hook(std::shared_ptr<Link> link, std::uint32_t index) : link_(std::move(link)), index_(index) {}

  std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& outputs,
                                     const std::vector<at::Tensor>& inputs) override {
    const std::lock_guard lock(link_->mutex);
    if (link_->probe) link_->probe->executed(index_, outputs, inputs);
    return outputs;
  }

 private:
  std::shared_ptr<Link> link_;
  std::uint32_t index_;
};

void BackwardProbe::attach(const at::Tensor& loss, OpLog& log, OnGradient on_gradient) {
  detach();
  loss_ = loss;
  log_ = &log;
  on_gradient_ = std::move(on_gradient);
  nodes_.clear();
  edges_.clear();
  operations_.clear();
  index_.clear();
  slots_.clear();
  reported_.clear();
  pass_.clear();
  link_ = std::make_shared<Link>();
  link_->probe = this;

  stack_.clear();
  enter(grad_fn_of(loss.unsafeGetTensorImpl()));
  while (!stack_.empty()) {
    const auto index = stack_.back();
    stack_.pop_back();
    follow_edges(index);
  }
}

std::int32_t BackwardProbe::enter(Node* node) {
  if (node == nullptr) return -1;
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  const auto [place, is_new] = index_.emplace(node, index);
  if (!is_new) return static_cast<std::int32_t>(place->second);
  Hooked seen;
  seen.node = node;
  seen.accumulator = as_accumulator(node) != nullptr;
  seen.replaces = has_hooks(*node);
  seen.slots = node->num_inputs();
  seen.first_slot = slots_.add(seen.slots);
  // Sequence numbers count by thread.
  if (!seen.accumulator && node->thread_id() == at::RecordFunction::currentThreadId())
    if (const auto op = log_->find_by_node(node->sequence_nr()))
      operations_.push_back(seen.serial = op.operation->serial);
  seen.hook = node->add_post_hook(std::make_unique<Hook>(link_, index));
  stack_.push_back(index);
  nodes_.push_back(seen);
  pass_.add_node(seen.serial, seen.accumulator);
  return static_cast<std::int32_t>(index);
}

void BackwardProbe::follow_edges(std::uint32_t index) {
  const auto& next = nodes_[index].node->next_edges();
  nodes_[index].first_edge = static_cast<std::uint32_t>(edges_.size());
  nodes_[index].edges = static_cast<std::uint32_t>(next.size());
  for (const auto& edge : next) {
    const auto to = enter(edge.function.get());
    edges_.push_back({to, to < 0 ? 0 : nodes_[static_cast<std::size_t>(to)].first_slot + edge.input_nr});
  }
}

void BackwardProbe::detach() {
  if (!link_) return;
  {
    const std::lock_guard lock(link_->mutex);
    link_->probe = nullptr;
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    auto* node = nodes_[i].node;
    node->del_post_hook(nodes_[i].hook);
    const bool own = node->thread_id() == at::RecordFunction::currentThreadId();
    if (pass_.wants_name(i)) pass_.set_name(i, node->name(), own ? node->sequence_nr() : kNoProducer);
  }
  link_.reset();
  log_ = nullptr;
  on_gradient_ = nullptr;
  loss_ = at::Tensor();
}

const trace::TensorStats* BackwardProbe::measure_arrived(const Hooked& seen, std::size_t input,
                                                         const at::Tensor& gradient) {
  if (!gradient.defined()) return nullptr;
  const auto& impl = *gradient.unsafeGetTensorImpl();
  auto& here = measured_.emplace_back();
  here.gradient = &gradient;
  const bool known = !seen.replaces && input < seen.slots &&
                     slots_.take(seen.first_slot + static_cast<std::uint32_t>(input), impl, here.stats);
  if (known || meter_.measure(impl, {}, here.stats) == nullptr) return &here.stats;
  measured_.pop_back();
  return nullptr;
}

const trace::TensorStats* BackwardProbe::measure_made(const at::Tensor& gradient) {
  // Handed on, or a view of all that arrived (transposed, reshaped): the statistics are the same.
  const auto same = std::find_if(measured_.begin(), measured_.end(), [&](const Measured& one) {
    const auto& other = *one.gradient;
    return other.is_same(gradient) ||
           (other.numel() == gradient.numel() && other.has_storage() && gradient.has_storage() &&
            other.storage().unsafeGetStorageImpl() == gradient.storage().unsafeGetStorageImpl() &&
            other.storage_offset() == gradient.storage_offset());
  });
  if (same != measured_.end()) return &same->stats;
  auto& here = measured_.emplace_back();
  here.gradient = &gradient;
  if (meter_.measure(*gradient.unsafeGetTensorImpl(), {}, here.stats) == nullptr) return &here.stats;
  measured_.pop_back();
  return nullptr;
}

void BackwardProbe::executed(std::uint32_t index, const std::vector<at::Tensor>& outputs,
                             const std::vector<at::Tensor>& inputs) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    const auto& seen = nodes_[index];
    log_->sweep();  // the node let go of what it had saved
    const bool first = seen.serial != kNoProducer && reported_.emplace(seen.serial, index).second;
    if (first && on_gradient_) on_gradient_(seen.serial, inputs);
    pass_.visit(index, first);
    measured_.clear();
    for (std::size_t k = 0; k < inputs.size(); ++k)
      if (const auto* stats = measure_arrived(seen, k, inputs[k])) pass_.arrived(*stats);
    pass_.inputs_done();
    for (std::size_t j = 0; !seen.accumulator && j < outputs.size() && j < seen.edges; ++j) {
      if (!outputs[j].defined()) continue;
      const auto& impl = *outputs[j].unsafeGetTensorImpl();
      const auto edge = edges_[seen.first_edge + j];
      const auto* stats = measure_made(outputs[j]);
      if (stats && finiteness(*stats) != Finite::finite) pass_.made(edge.node, *stats, dtype_max(impl));
      if (edge.node < 0) continue;
      if (stats && !seen.replaces)
        slots_.put(edge.slot, impl, *stats);
      else
        slots_.put_unknown(edge.slot);
    }
  } catch (...) {
    ++failures_;  // nothing may leave a hook: the engine would end the pass
  }
  spent_ns_ += static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace sonde::probes
