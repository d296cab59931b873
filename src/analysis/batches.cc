#include "analysis/batches.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::Record;

void BatchOrderAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (run.several_losses() || run.closures()) return;
  labels(step, run, seen);
  order(step, seen);
}

void BatchOrderAnalyzer::labels(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed() || !classifies(run.reading().kind)) return;
  for (const Record& record : step.tensors()) {
    const trace::TensorStats& stats = record.tensor;
    if (record.phase != Phase::input || record.site != run.target().site || stats.count < 8) continue;
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
  imbalance(step, run, seen);
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
  sighting.message =
      fmt::format("{} of {} observed batches had labels of one class only, and the class changed between them",
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

void BatchOrderAnalyzer::imbalance(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const Scale& target = run.target();
  if (target.batches < Scale::kPooled || target.deviation == 0 || run.one_hot_target() || run.multi_hot_target())
    return;
  const bool two = run.reading().kind == LossKind::bce || run.reading().kind == LossKind::bce_logits;
  if (two && !target.zero_or_one) return;
  const double share = two ? std::max(target.zeros, 1 - target.zeros) : target.zeros;
  if (share < kMost) return;
  Sighting sighting;
  sighting.sign = Sign::batch_order;
  sighting.topic = "imbalance";
  sighting.severity = Severity::advice;
  sighting.part = "data";
  sighting.phase = Phase::input;
  sighting.step = step.number();
  sighting.message = fmt::format("{} of the labels are of one class", percent(share));
  sighting.suspects.push_back({Cause::class_imbalance, 0.7, 0, "data", sighting.message});
  seen.push_back(std::move(sighting));
}

void BatchOrderAnalyzer::order(const Step& step, std::vector<Sighting>& seen) {
  const std::uint64_t print = step.facts().batch_fingerprint;
  if (print == 0) return;  // not every step tells its batch
  const auto [before, fresh] = last_seen_.try_emplace(print, step.pass());
  if (!fresh) {
    const std::uint64_t distance = step.pass() - before->second;
    before->second = step.pass();
    period_ = std::gcd(period_, distance);
    ++returned_;
  } else if (last_seen_.size() > kRemembered) {
    last_seen_.erase(print);
  }
  // Shuffled batches do not come again at all, but for sets so small that all their batches are seen.
  if (returned_ < kReturned || period_ < kBatches) return;
  Sighting sighting;
  sighting.sign = Sign::batch_order;
  sighting.topic = "fixed";
  sighting.severity = Severity::advice;
  sighting.part = "data";
  sighting.phase = Phase::input;
  sighting.step = step.number();
  sighting.message = fmt::format("the same batches come again every {} steps, in the same order", period_);
  sighting.suspects.push_back({Cause::data_not_shuffled, 0.7, 0, "data", sighting.message});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
