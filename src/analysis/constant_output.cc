#include "analysis/constant_output.h"

#include <fmt/format.h>

namespace sonde::analysis {

void ConstantOutputAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const LossReading& reading = run.reading();
  const trace::TensorStats* prediction = step.stats(reading.prediction, Phase::forward);
  if (prediction == nullptr || prediction->min > prediction->max) return;
  // Softmax over one unit is constant by construction: a rule says so.
  if (reading.width == 1 && (reading.output == Output::softmax || reading.output == Output::log_softmax)) return;
  const bool same = prediction->min == prediction->max;
  constant_ = same && prediction->count > 1 ? constant_ + 1 : 0;
  if (constant_ < kSteps || run.improved_since(0) || run.target().deviation == 0) return;
  Sighting sighting;
  sighting.sign = Sign::constant_output;
  sighting.site = reading.prediction;
  sighting.step = step.number();
  sighting.position = run.graph().depth(reading.prediction);
  sighting.severity = Severity::warning;
  sighting.revocable = true;
  sighting.message = fmt::format("the output is {} for every sample of {} observed steps in a row",
                                 number(prediction->min), constant_);
  sighting.suspects.push_back({Cause::unknown, 0.3, reading.prediction, {}, "the input no longer reaches the output"});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
