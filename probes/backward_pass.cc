#include "probes/backward_pass.h"

#include <algorithm>
#include <utility>

namespace sonde::probes {
namespace {

bool bad(const trace::TensorStats& stats) { return finiteness(stats) != Finite::finite; }

}  // namespace

void BackwardPass::clear() {
  nodes_.clear();
  origins_.clear();
  names_.clear();
  waiting_.clear();
  gradients_.clear();
  order_ = bad_after_ = 0;
  parameter_origin_ = -1;
  parameter_bad_ = false;
}

void BackwardPass::add_node(std::uint64_t serial, bool accumulator) { nodes_.push_back({serial, -1, accumulator}); }

bool BackwardPass::must_wait(const trace::TensorStats& stats) const { return !waiting_.empty() || is_promise(stats); }

void BackwardPass::visit(std::uint32_t node, bool first) {
  if (waiting_.empty())
    take_visit(node, first);
  else
    waiting_.push_back({Event::Kind::visit, first, static_cast<std::int32_t>(node), {}, 0});
}
void BackwardPass::arrived(const trace::TensorStats& stats) {
  if (must_wait(stats))
    waiting_.push_back({Event::Kind::arrived, false, 0, stats, 0});
  else
    take_arrived(stats);
}
void BackwardPass::inputs_done() {
  if (waiting_.empty())
    take_inputs_done();
  else
    waiting_.push_back({Event::Kind::inputs_done, false, 0, {}, 0});
}
void BackwardPass::made(std::int32_t next, const trace::TensorStats& stats, double dtype_max) {
  if (must_wait(stats))
    waiting_.push_back({Event::Kind::made, false, next, stats, dtype_max});
  else
    take_made(next, stats, dtype_max);
}

void BackwardPass::settle(DeviceStatistics& device) {
  for (auto& event : std::exchange(waiting_, {}))
    if (device.keep(event.stats)) take(event);
}

void BackwardPass::take(const Event& event) {
  switch (event.kind) {
    case Event::Kind::visit:
      return take_visit(static_cast<std::uint32_t>(event.node), event.first);
    case Event::Kind::arrived:
      return take_arrived(event.stats);
    case Event::Kind::inputs_done:
      return take_inputs_done();
    case Event::Kind::made:
      return take_made(event.node, event.stats, event.dtype_max);
  }
}

void BackwardPass::take_visit(std::uint32_t node, bool first) {
  ++order_;
  node_ = node;
  first_ = first;
  any_arrived_ = arrived_bad_ = false;
}

void BackwardPass::take_arrived(const trace::TensorStats& stats) {
  if (!std::exchange(any_arrived_, true)) incoming_ = stats;
  arrived_bad_ = arrived_bad_ || bad(stats);
}

void BackwardPass::take_inputs_done() {
  const auto& node = nodes_[node_];
  if (first_ && any_arrived_) gradients_.push_back({node.serial, order_, incoming_});
  if (!arrived_bad_) return;
  ++bad_after_;
  if (node.accumulator && !std::exchange(parameter_bad_, true)) parameter_origin_ = node.origin;
}

void BackwardPass::take_made(std::int32_t next, const trace::TensorStats& stats, double dtype_max) {
  if (!bad(stats)) return;
  auto& node = nodes_[node_];
  if (!arrived_bad_ && node.origin < 0) {
    node.origin = static_cast<std::int32_t>(origins_.size());
    origins_.push_back({node_, any_arrived_ ? incoming_ : trace::TensorStats{}, stats, dtype_max});
  }
  if (next < 0) return;
  auto& receiver = nodes_[static_cast<std::size_t>(next)];
  if (receiver.origin < 0) receiver.origin = node.origin;
}

bool BackwardPass::wants_name(std::uint32_t node) const {
  if (!waiting_.empty()) return !nodes_[node].accumulator;
  return parameter_origin_ >= 0 && origins_[static_cast<std::size_t>(parameter_origin_)].node == node;
}

void BackwardPass::set_name(std::uint32_t node, std::string name, std::uint64_t sequence_number) {
  names_.push_back({node, std::move(name), sequence_number});
}

GradientOrigin BackwardPass::origin() const {
  GradientOrigin result;
  result.reached_parameter = parameter_bad_;
  result.reached = bad_after_;
  if (parameter_origin_ < 0) return result;
  const auto& origin = origins_[static_cast<std::size_t>(parameter_origin_)];
  result.found = true;
  result.serial = nodes_[origin.node].serial;
  result.incoming = origin.incoming;
  result.made = origin.made;
  result.dtype_max = origin.dtype_max;
  const auto name =
      std::find_if(names_.begin(), names_.end(), [&](const Name& one) { return one.node == origin.node; });
  if (name != names_.end()) {
    result.node = name->text;
    result.sequence_number = name->sequence_number;
  }
  return result;
}

}  // namespace sonde::probes
