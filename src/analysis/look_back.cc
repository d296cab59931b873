#include "analysis/look_back.h"

#include <cmath>

#include <fmt/format.h>

#include "analysis/analyzer.h"

namespace sonde::analysis {

bool LookBack::diverging() const noexcept {
  const int clear = (loss_growth > 3) + (activation_growth > 10) + (weight_growth > 3) + (update > 0.2);
  return clear >= 2 || loss_growth > 30 || activation_growth > 100 || weight_growth > 30;
}

std::vector<std::string> LookBack::sentences(const Run& run) const {
  std::vector<std::string> lines;
  if (loss_growth > 1.5) {
    lines.push_back(fmt::format("the loss grew {} times, from {} to {}, in {} steps", number(loss_growth),
                                number(run.loss().initial_level()), number(run.loss().level(3)), run.loss().count()));
  }
  if (activation_growth > 3) {
    lines.push_back(fmt::format("the output of {} grew {} times against its baseline", run.graph().name(activation),
                                number(activation_growth)));
  }
  if (weight_growth > 1.5) {
    lines.push_back(
        fmt::format("{} grew {} times against its baseline", run.graph().name(weight), number(weight_growth)));
  }
  if (update > 0.05) {
    lines.push_back(fmt::format("relative update of {} {}, typical of all weights {}", run.graph().name(updated),
                                number(update), number(run.typical_update(1))));
  }
  return lines;
}

LookBack look_back(const Run& run) {
  LookBack back;
  const double initial = run.loss().initial_level();
  const double now = run.loss().level(3);
  if (run.loss().count() >= 3 && initial > 0 && now > 0) back.loss_growth = now / initial;
  for (std::uint32_t id = 1; id < run.graph().size(); ++id) {
    const Series* forward = run.series().find(id, Phase::forward);
    if (forward == nullptr || forward->count() < 3 || run.graph().in_loss(id)) continue;
    if (const double growth = forward->growth(); growth > back.activation_growth) {
      back.activation_growth = growth;
      back.activation = id;
    }
  }
  for (const std::uint32_t id : run.weights()) {
    const Series* weight = run.series().find(id, Phase::weight);
    if (weight != nullptr && weight->count() >= 2 && weight->first().value > 0) {
      const double growth = weight->last().value / weight->first().value;
      if (growth > back.weight_growth) {
        back.weight_growth = growth;
        back.weight = id;
      }
    }
    if (const double update = run.relative_update(id, 1); update > back.update) {
      back.update = update;
      back.updated = id;
    }
  }
  return back;
}

}  // namespace sonde::analysis
