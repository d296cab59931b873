#include "probes/backward_probe.h"

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
  on_gradient_ = std::move(on_gradient);
  nodes_.clear();
  operations_.clear();
  index_.clear();
  known_.clear();
  reported_.clear();
  pass_.clear();
  link_ = std::make_shared<Link>();
  link_->probe = this;

  const auto enter = [&](Node* node) {
    if (node == nullptr || !index_.emplace(node, static_cast<std::uint32_t>(nodes_.size())).second) return;
    Hooked seen;
    seen.node = node;
    seen.accumulator = as_accumulator(node) != nullptr;
    // Sequence numbers count by thread.
    if (!seen.accumulator && node->thread_id() == at::RecordFunction::currentThreadId())
      if (const auto place = log.find_by_node(node->sequence_nr()))
        operations_.push_back(seen.serial = place.operation->serial);
    seen.hook = node->add_post_hook(std::make_unique<Hook>(link_, static_cast<std::uint32_t>(nodes_.size())));
    stack_.push_back(static_cast<std::uint32_t>(nodes_.size()));
    nodes_.push_back(seen);
    pass_.add_node(seen.serial, seen.accumulator);
  };
  stack_.clear();
  enter(grad_fn_of(loss.unsafeGetTensorImpl()));
  while (!stack_.empty()) {
    auto* node = nodes_[stack_.back()].node;
    stack_.pop_back();
    for (const auto& edge : node->next_edges()) enter(edge.function.get());
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
  known_.clear();
  link_.reset();
  on_gradient_ = nullptr;
  loss_ = at::Tensor();
}

const trace::TensorStats* BackwardProbe::stats_of(const at::Tensor& gradient, const at::Tensor* same_memory) {
  if (!gradient.defined()) return nullptr;
  const auto* impl = gradient.unsafeGetTensorImpl();
  const auto version = version_of(impl);
  if (const auto it = known_.find(impl); it != known_.end() && it->second.version == version) return &it->second.stats;
  Known known{WeakTensor(gradient.getIntrusivePtr()), version, {}};
  // A view of all that arrived (transposed, reshaped) has the same statistics.
  if (same_memory && same_memory->defined() && same_memory->numel() == gradient.numel() && gradient.has_storage() &&
      same_memory->has_storage() &&
      gradient.storage().unsafeGetStorageImpl() == same_memory->storage().unsafeGetStorageImpl()) {
    if (const auto it = known_.find(same_memory->unsafeGetTensorImpl()); it != known_.end()) {
      known.stats = it->second.stats;
      return &known_.insert_or_assign(impl, std::move(known)).first->second.stats;
    }
  }
  if (meter_.measure(*impl, {}, known.stats) != nullptr) return nullptr;
  return &known_.insert_or_assign(impl, std::move(known)).first->second.stats;
}

void BackwardProbe::executed(std::uint32_t index, const std::vector<at::Tensor>& outputs,
                             const std::vector<at::Tensor>& inputs) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    const auto& seen = nodes_[index];
    const bool first = seen.serial != kNoProducer && reported_.emplace(seen.serial, index).second;
    if (first && on_gradient_) on_gradient_(seen.serial, inputs);
    pass_.visit(index, first);
    for (const auto& input : inputs)
      if (const auto* stats = stats_of(input, nullptr)) pass_.arrived(*stats);
    pass_.inputs_done();
    for (std::size_t j = 0; !seen.accumulator && j < outputs.size() && j < seen.node->next_edges().size(); ++j) {
      const auto* stats = stats_of(outputs[j], inputs.empty() ? nullptr : &inputs[0]);
      if (!stats || finiteness(*stats) == Finite::finite) continue;
      const auto next = index_.find(seen.node->next_edges()[j].function.get());
      pass_.made(next == index_.end() ? -1 : static_cast<std::int32_t>(next->second), *stats,
                 dtype_max(*outputs[j].unsafeGetTensorImpl()));
    }
  } catch (...) {
    ++failures_;  // nothing may leave a hook: the engine would end the pass
  }
  spent_ns_ += static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace sonde::probes
