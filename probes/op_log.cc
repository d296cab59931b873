#include "probes/op_log.h"

#include <algorithm>

namespace sonde::probes {

std::vector<std::int64_t> Shape::vector() const {
  return {sizes.begin(), sizes.begin() + std::min<std::size_t>(dimensions, kShownDimensions)};
}

Shape shape_of(const at::TensorImpl& impl) {
  Shape shape;
  shape.dimensions = static_cast<std::uint8_t>(std::min<std::int64_t>(impl.dim(), 255));
  shape.elements = impl.numel();
  for (std::size_t d = 0; d < std::min<std::size_t>(shape.dimensions, kShownDimensions); ++d)
    shape.sizes[d] = impl.sizes()[d];
  return shape;
}

void Segment::clear() {
  operations.clear();
  operands.clear();
  outputs.clear();
  scalars.clear();
  frames.clear();
  alive.clear();
}

void OpLog::begin_segment() {
  if (!segments_.empty() && segments_.back()->operations.empty()) return;
  std::unique_ptr<Segment> segment;
  if (!spare_.empty()) {
    segment = std::move(spare_.back());
    spare_.pop_back();
  } else {
    segment = std::make_unique<Segment>();
  }
  segment->base = segments_.empty() ? 0 : next_serial();
  segments_.push_back(std::move(segment));
}

void OpLog::forget_before(std::uint64_t serial) {
  std::size_t old = 0;
  while (old + 1 < segments_.size() && segments_[old + 1]->base <= serial) ++old;
  if (old == 0) return;
  const auto first_kept = segments_[old]->base;
  for (std::size_t i = 0; i < old; ++i) {
    for (const auto& output : segments_[i]->outputs) {
      // Before the weak references go: afterwards an address may belong to another tensor.
      const auto known = producers_.find(output.identity);
      if (known != producers_.end() && known->second.serial < first_kept) producers_.erase(known);
    }
    segments_[i]->clear();
    spare_.push_back(std::move(segments_[i]));
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(old));
}

void OpLog::sweep() {
  constexpr int kAtOnce = 4;
  for (int i = 0; i < kAtOnce; ++i) {
    if (swept_segment_ >= segments_.size()) swept_segment_ = swept_output_ = 0;
    auto& all = segments_[swept_segment_]->outputs;
    if (swept_output_ >= all.size()) {
      ++swept_segment_, swept_output_ = 0;
      continue;
    }
    auto& output = all[swept_output_++];
    if (!output.identity || !output.tensor.expired()) continue;
    producers_.erase(output.identity);  // before the address may belong to another tensor
    output.tensor.reset();
    output.identity = nullptr;
  }
}

OpLog::Place OpLog::find(std::uint64_t serial) {
  for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
    auto& segment = **it;
    if (serial < segment.base) continue;
    const auto i = serial - segment.base;
    if (i >= segment.operations.size()) return {};
    return {&segment, &segment.operations[i]};
  }
  return {};
}

OpLog::Place OpLog::find_by_node(std::uint64_t sequence_number) {
  for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
    auto& operations = (*it)->operations;
    // Node ranges grow with the serial number; external tensors repeat the number of their neighbours, with no nodes.
    const auto after = std::partition_point(operations.begin(), operations.end(),
                                            [&](const Operation& op) { return op.first_node <= sequence_number; });
    for (auto op = after; op != operations.begin();) {
      --op;
      if (op->first_node < op->end_node) {
        if (sequence_number < op->end_node) return {it->get(), &*op};
        break;
      }
    }
  }
  return {};
}

// A custom function takes its number first and runs its forward pass without grad mode.
OpLog::Place OpLog::find_inside_function(std::uint64_t sequence_number) {
  for (auto& segment : segments_) {
    auto& operations = segment->operations;
    const auto after = std::partition_point(operations.begin(), operations.end(),
                                            [&](const Operation& op) { return op.first_node <= sequence_number; });
    const auto op = std::find_if(after, operations.end(), [](const Operation& one) { return !one.external; });
    if (op == operations.end()) continue;
    if (op->first_node == sequence_number + 1 && !op->grad_mode) return {segment.get(), &*op};
    break;
  }
  return {};
}

OpLog::Producer OpLog::producer_of(const at::TensorImpl* tensor) const {
  const auto it = producers_.find(tensor);
  return it == producers_.end() ? Producer{} : it->second;
}

}  // namespace sonde::probes
