#include "probes/gradient_slots.h"

#include <utility>

#include "probes/torch_version.h"

namespace sonde::probes {

void GradientSlots::clear() {
  slots_.clear();
  stats_.clear();
  free_.clear();
}

std::uint32_t GradientSlots::add(std::uint32_t count) {
  const auto first = static_cast<std::uint32_t>(slots_.size());
  slots_.resize(slots_.size() + count);
  return first;
}

void GradientSlots::put(std::uint32_t slot, const at::TensorImpl& gradient, const trace::TensorStats& stats) {
  auto& here = slots_[slot];
  here.mixed = here.mixed || here.gradient;
  if (here.mixed) return;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(stats_.size()));
    stats_.emplace_back();
  }
  here = {&gradient, version_of(&gradient), free_.back(), false};
  free_.pop_back();
  stats_[here.stats] = stats;
}

bool GradientSlots::take(std::uint32_t slot, const at::TensorImpl& gradient, trace::TensorStats& stats) {
  const auto here = std::exchange(slots_[slot], {});
  if (!here.gradient) return false;
  free_.push_back(here.stats);
  if (here.mixed || here.gradient != &gradient || here.version != version_of(&gradient)) return false;
  stats = stats_[here.stats];
  return true;
}

}  // namespace sonde::probes
