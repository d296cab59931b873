#include "analysis/batches.h"

#include <algorithm>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::Record;

void BatchOrderAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (run.several_losses() || run.closures()) return;
  labels(step, run, seen);
  order(step, run, seen);
}

void BatchOrderAnalyzer::labels(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed() || !classifies(run.reading().kind)) return;
  for (const Record& record : step.tensors()) {
    const trace::TensorStats& stats = record.tensor;
    if (record.phase != Phase::input || (record.flags & trace::kTarget) == 0 || stats.count < 8) continue;
    if (stats.min != stats.max) {
      ++mixed_;
      run_ = 0;
      break;
    }
    if (of_one_label_++ > 0 && stats.max != label_) {
      ++changes_;
      run_ = 0;
    }
    label_ = stats.max;
    longest_run_ = std::max(longest_run_, ++run_);
    break;
  }
  if (changes_ == 0 && mixed_ == 0 && of_one_label_ >= 2 * kBlocks) constant(step, run, seen);
  const bool blocks = run.reading().width > 2 || longest_run_ >= kRun;
  if (of_one_label_ < kBlocks || changes_ == 0 || of_one_label_ < 2 * mixed_ || !blocks) return;
  Sighting sighting;
  sighting.sign = Sign::batch_order;
  sighting.topic = "sorted";
  sighting.severity = Severity::warning;
  sighting.part = "data";
  sighting.phase = Phase::input;
  sighting.step = step.number();
  sighting.message = fmt::format("{} of {} observed batches had labels of one class only, and the class changed between them",
                                 of_one_label_, of_one_label_ + mixed_);
  sighting.suspects.push_back({Cause::data_not_shuffled, 0.96, 0, "data", sighting.message});
  seen.push_back(std::move(sighting));
}

void BatchOrderAnalyzer::constant(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const bool several = run.reading().kind == LossKind::cross_entropy || run.reading().kind == LossKind::nll;
  Sighting sighting;
  sighting.sign = Sign::batch_order;
  sighting.topic = "constant-labels";
  // A generator is trained against one label too.
  sighting.severity = several ? Severity::warning : Severity::advice;
  sighting.part = "labels";
  sighting.phase = Phase::input;
  sighting.step = step.number();
  sighting.message = fmt::format("every label of {} observed batches is {}", of_one_label_, number(label_));
  sighting.suspects.push_back({Cause::labels_constant, several ? 0.95 : 0.6, 0, "labels", sighting.message});
  seen.push_back(std::move(sighting));
}

void BatchOrderAnalyzer::order(const Step& step, const Run&, std::vector<Sighting>& seen) {
  const std::uint64_t print = step.facts().batch_fingerprint;
  if (print == 0 || (first_.size() >= kRemembered && repeated_ == 0)) return;
  const bool expected = !first_.empty() && first_[repeated_ % first_.size()] == print;
  if (repeated_ == 0 && !expected) {
    first_.push_back(print);
    return;
  }
  if (!expected) {  // a coincidence, or the order changed
    first_.clear();
    repeated_ = 0;
    return;
  }
  ++repeated_;
  // The whole set as one batch, or a few, is no order.
  if (first_.size() < 4 || repeated_ < 2 * first_.size()) return;
  Sighting sighting;
  sighting.sign = Sign::batch_order;
  sighting.topic = "fixed";
  sighting.severity = Severity::advice;
  sighting.part = "data";
  sighting.phase = Phase::input;
  sighting.step = step.number();
  sighting.message = fmt::format("the same {} batches came in the same order in every epoch", first_.size());
  sighting.suspects.push_back({Cause::data_not_shuffled, 0.7, 0, "data", sighting.message});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
