#include "analysis/run.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/constant_answer.h"
#include "analysis/robust.h"

namespace sonde::analysis {

using trace::OpClass;
using trace::Record;
using trace::RecordKind;

namespace {

constexpr std::uint64_t kProgramPeriod = 16;  // passes

}  // namespace

const LossHistory& Run::loss() const {
  static const LossHistory none;
  const LossHistory* most = &none;
  for (const auto& [site, history] : losses_) {
    if (history.count() > most->count()) most = &history;
  }
  return *most;
}

void Run::take(const Step& step, std::uint64_t position) {
  graph_.update(catalog_, position);
  // Facts of the program change on observed steps, but for an optimizer made anew.
  if (step.observed() || passes_ % kProgramPeriod == 0) program_ = catalog_.program_at(position);
  graph_.set_prediction(program_.prediction_site);
  ++passes_;
  if (step.observed()) ++observed_;
  if (step.repeated()) closures_ = true;
  if (step.has_facts() && step.facts().training_mode == 0) ++eval_passes_;
  const double rate = step.facts().learning_rate;
  if (std::isfinite(rate)) learning_rate_ = rate;
  if (!(rate <= 0)) ++moving_passes_;
  if (const double loss = step.loss(); !std::isnan(loss)) {
    losses_[step.loss_site()].add(step.number(), loss);
    loss_site_ = step.loss_site();
  }
  for (const Record& record : step.tensors()) take_tensor(record, step);
  if (step.observed()) reading_ = read_loss(graph_, program_);
  if (step.tensors().empty()) return;  // updates are as they were
  if (const double update = typical_update(1); update > peak_update_.value) peak_update_ = {update, step.number()};
}

const Metric* Run::take_metric(const Record& record) {
  auto found = metrics_.find(record.site);
  if (found == metrics_.end()) {
    graph_.update(catalog_);
    const MetricOptions told{record.metric.better, record.metric.split};
    found = metrics_.try_emplace(record.site, record.site, graph_.site(record.site).parameter, told).first;
  }
  Metric& metric = found->second;
  last_metric_step_ = record.step;
  const bool completed = metric.add(record.step, record.metric.value, learning_rate_);
  return completed || !std::isfinite(record.metric.value) ? &metric : nullptr;
}

void Run::take_tensor(const Record& record, const Step& step) {
  const trace::TensorStats& stats = record.tensor;
  const double size = analysis::rms(stats);
  switch (record.phase) {
    case Phase::forward:
      graph_.placed(record.site, record.position);
      if (outputs_.size() < SeriesStore::kLimit) outputs_[record.site] = stats;
      if (const auto& site = graph_.site(record.site);
          site.op_class == OpClass::dropout || site.operation == "aten::batch_norm") {
        cares_about_mode_ = true;
      }
      if ((record.flags & trace::kFeedsLoss) != 0 && program_.prediction_site == 0) graph_.set_prediction(record.site);
      break;
    case Phase::input:
      outside_.take(record, graph_, passes_ <= 1);
      break;
    case Phase::weight:
      if (record.site >= is_weight_.size()) is_weight_.resize(record.site + std::size_t{1}, false);
      if (graph_.site(record.site).shape.size() >= 2 && !is_weight_[record.site]) {
        weights_.push_back(record.site);
        is_weight_[record.site] = true;
      }
      break;
    case Phase::update:
      // Against what the weight was at the start, if it has shrunk: a weight that is right to be zero is not restless.
      if (const Series* weight = series_.find(record.site, Phase::weight); stats.aux > 0) {
        const double scale = weight == nullptr ? stats.aux : std::max(stats.aux, weight->first().value);
        ratios_.add(record.site, Phase::update, step.number(), size / scale);
      }
      break;
    default:
      break;
  }
  series_.add(record.site, record.phase, step.number(), size);
}

const trace::TensorStats* Run::last_output(std::uint32_t site) const {
  const auto found = outputs_.find(site);
  return found == outputs_.end() ? nullptr : &found->second;
}

double Run::starting_level() const {
  const double initial = loss().initial_level();
  const bool blown_up = peak_update_.value > 0.2 && peak_update_.step < 2 * LossHistory::kFirst;
  return blown_up ? std::min(initial, loss().first()) : initial;
}

bool Run::no_better_than_constant() const {
  // A share of the mark, so that the noise of a loss that stands there does not count as progress.
  constexpr double kBetter = 0.99;
  constexpr std::size_t kLosses = 50;
  const LossHistory& history = loss();
  return history.count() >= 2 * LossHistory::kFirst &&
         history.trimmed_level(kLosses) > kBetter * constant_answer_loss(*this);
}

bool Run::far_better_than_constant() const {
  constexpr double kFar = 0.3;
  constexpr std::size_t kLosses = 50;
  const LossHistory& history = loss();
  return history.count() >= 2 * LossHistory::kFirst &&
         history.trimmed_level(kLosses) < kFar * constant_answer_loss(*this);
}

bool Run::hardly_moved() const {
  constexpr double kLittle = 0.05;
  return peak_update_.value * static_cast<double>(passes_) < kLittle;
}

double Run::relative_update(std::uint32_t weight, std::size_t n) const {
  const Series* ratios = ratios_.find(weight, Phase::update);
  return ratios == nullptr ? std::numeric_limits<double>::quiet_NaN() : ratios->recent_median(n);
}

double Run::typical_update(std::size_t n) const {
  std::vector<double> all;
  for (const std::uint32_t weight : weights_) all.push_back(relative_update(weight, n));
  return median(std::move(all));
}

}  // namespace sonde::analysis
