#include "analysis/pace.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "analysis/robust.h"

namespace sonde::analysis {

using trace::Record;

void PaceAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const double loss = step.loss();
  const bool neighbours = has_last_ && step.pass() == last_pass_ + 1;
  const double before = last_loss_;
  has_last_ = std::isfinite(loss);
  last_pass_ = step.pass();
  last_loss_ = loss;
  if (!step.observed() || !neighbours || !std::isfinite(loss) || run.several_losses() || run.closures()) return;
  double promised = 0;
  for (const Record& record : step.tensors()) {
    if (record.phase == Phase::gradient) promised += record.tensor.aux;
  }
  if (!(promised < 0) || !(before > 0)) return;
  gains_.add(step.number(), (loss - before) / promised);
  falls_.add(step.number(), (before - loss) / before);
  if (gains_.count() < kSamples) return;
  std::vector<double> gains;
  for (std::size_t i = 0; i < kSamples; ++i) gains.push_back(gains_.recent(i).value);
  const double gain = median(gains);
  const double fall = falls_.recent_median(kSamples);
  if (std::abs(gain - 1) > kStraight || deviation(gains, gain) > kStraight || !(fall > 0) || fall * kSlow > 0.5) return;
  Sighting sighting;
  sighting.sign = Sign::small_update;
  sighting.topic = "pace";
  sighting.severity = Severity::advice;
  sighting.revocable = true;
  sighting.part = "optimizer";
  sighting.phase = Phase::update;
  sighting.step = step.number();
  sighting.message = fmt::format(
      "each step gains {} of what its gradient promises and takes {} off the loss: half of it would take {} steps",
      number(gain), percent(fall), number(std::round(0.5 / fall)));
  sighting.suspects.push_back({Cause::learning_rate_too_low, 0.8, 0, "optimizer", sighting.message});
  sighting.suspects.push_back({Cause::too_few_epochs, 0.5, 0, "loop", {}});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
