#include "probes/call_stacks.h"

#include <utility>

#include "probes/call_site.h"

namespace sonde::probes {
namespace {

// Operations with the same path were most likely called from the same line.
std::uint64_t continue_path(std::uint64_t path, const Operation& op, std::span<const Operand> operands,
                            std::span<const Output> outputs) {
  const auto mix = [&path](std::uint64_t word) { path = (path ^ word) * 0x9e3779b97f4a7c15U + (path >> 29); };
  mix(reinterpret_cast<std::uintptr_t>(op.info));
  for (const auto& operand : operands)
    mix(operand.leaf ? reinterpret_cast<std::uintptr_t>(operand.tensor) : op.serial - operand.producer);
  if (!outputs.empty()) mix(static_cast<std::uint64_t>(outputs[0].shape.elements));
  return path;
}

}  // namespace

std::span<const std::uintptr_t> CallStacks::of(const Operation& op, std::span<const Operand> operands, Segment& segment,
                                               bool fresh) {
  const auto place = segment.operations.size();
  if (known_.size() <= place) known_.resize(place + 64);
  if (std::exchange(segment_, segment.base) != segment.base) path_ = 0;
  path_ = continue_path(path_, op, operands, segment.outputs_of(op));
  auto& known = known_[place];
  if (fresh || known.path != path_) {
    known.path = path_;
    known.count = static_cast<std::uint8_t>(capture_user_frames(known.frames));
  }
  return {known.frames.data(), known.count};
}

}  // namespace sonde::probes
