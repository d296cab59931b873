#include "probes/backward_pass.h"

#include <utility>

namespace sonde::probes {

void BackwardPass::clear() {
  nodes_.clear();
  waiting_.clear();
  gradients_.clear();
  order_ = bad_after_ = 0;
  parameter_origin_ = -1;
  parameter_bad_ = false;
}

void BackwardPass::add_node(std::uint64_t serial, bool accumulator) {
  auto& node = nodes_.emplace_back();
  node.serial = serial;
  node.accumulator = accumulator;
}

void BackwardPass::visit(std::uint32_t node, bool first) {
  tell({Event::Kind::visit, first, static_cast<std::int32_t>(node), 0, {}});
}
void BackwardPass::arrived(const trace::TensorStats& stats) { tell({Event::Kind::arrived, false, 0, 0, stats}); }
void BackwardPass::inputs_done() { tell({Event::Kind::inputs_done, false, 0, 0, {}}); }
void BackwardPass::made(std::int32_t next, const trace::TensorStats& stats, double dtype_max) {
  tell({Event::Kind::made, false, next, dtype_max, stats});
}

void BackwardPass::tell(Event event) {
  if (waiting_.empty() && !is_promise(event.stats))
    take(event);
  else
    waiting_.push_back(std::move(event));
}

void BackwardPass::settle(DeviceStatistics& device) {
  for (auto& event : std::exchange(waiting_, {}))
    if (device.keep(event.stats)) take(event);
}

void BackwardPass::take(const Event& event) {
  const auto bad = [&] { return finiteness(event.stats) != Finite::finite; };
  switch (event.kind) {
    case Event::Kind::visit:
      ++order_;
      node_ = static_cast<std::uint32_t>(event.node);
      first_ = event.first;
      any_arrived_ = arrived_bad_ = false;
      return;
    case Event::Kind::arrived:
      if (!any_arrived_) nodes_[node_].incoming = event.stats;
      any_arrived_ = true;
      arrived_bad_ = arrived_bad_ || bad();
      return;
    case Event::Kind::inputs_done:
      if (first_ && any_arrived_) gradients_.push_back({nodes_[node_].serial, order_, nodes_[node_].incoming});
      if (!arrived_bad_) return;
      ++bad_after_;
      if (nodes_[node_].accumulator && !parameter_bad_) {
        parameter_bad_ = true;
        parameter_origin_ = nodes_[node_].origin;
      }
      return;
    case Event::Kind::made: {
      if (!bad()) return;
      auto& node = nodes_[node_];
      if (!arrived_bad_ && node.origin < 0) {
        node.origin = static_cast<int>(node_);
        node.made = event.stats;
        node.dtype_max = event.dtype_max;
      }
      if (event.node < 0) return;
      auto& next = nodes_[static_cast<std::size_t>(event.node)];
      if (next.origin < 0) next.origin = node.origin;
    }
  }
}

bool BackwardPass::wants_name(std::uint32_t node) const {
  return waiting_.empty() ? static_cast<int>(node) == parameter_origin_ : !nodes_[node].accumulator;
}

void BackwardPass::set_name(std::uint32_t node, std::string name, std::uint64_t sequence_number) {
  nodes_[node].name = std::move(name);
  nodes_[node].sequence_number = sequence_number;
}

GradientOrigin BackwardPass::origin() const {
  GradientOrigin result;
  result.reached_parameter = parameter_bad_;
  result.reached = bad_after_;
  if (parameter_origin_ < 0) return result;
  const auto& node = nodes_[static_cast<std::size_t>(parameter_origin_)];
  result.found = true;
  result.node = node.name;
  result.serial = node.serial;
  result.sequence_number = node.sequence_number;
  result.incoming = node.incoming;
  result.made = node.made;
  result.dtype_max = node.dtype_max;
  return result;
}

}  // namespace sonde::probes
