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

bool floating(const std::string& dtype) {
  return dtype.empty() || dtype == "float" || dtype == "double" || dtype == "half" || dtype == "bfloat16" ||
         dtype == "Float" || dtype == "Double" || dtype == "Half" || dtype == "BFloat16";
}

// False where the record cannot be of the tensor that the site stands for: its elements do not fill whole rows.
bool fills_rows(const trace::TensorStats& stats, const trace::Site& site) {
  std::uint64_t row = 1;
  for (std::size_t i = 1; i < site.shape.size(); ++i)
    row *= static_cast<std::uint64_t>(std::max<std::int64_t>(1, site.shape[i]));
  return stats.count % row == 0;
}

// How likely a tensor that enters the loss is the target itself.
int target_rank(const trace::Site& site) {
  const bool made = site.op_class == OpClass::factory || site.operation.find("fill") != std::string::npos;
  if (made) return 0;
  return site.op_class == OpClass::pointwise || site.op_class == OpClass::reduction ? 1 : 2;
}

}  // namespace

void Scale::pool(const trace::TensorStats& stats) {
  if (batches >= kPooled || stats.count == 0) return;
  const double before = static_cast<double>(count);
  const double here = static_cast<double>(stats.count);
  const double square = (rms * rms * before + stats.mean_square * here) / (before + here);
  mean = (mean * before + stats.mean * here) / (before + here);
  zeros = (zeros * before + static_cast<double>(stats.zeros)) / (before + here);
  rms = std::sqrt(std::max(0.0, square));
  deviation = std::sqrt(std::max(0.0, square - mean * mean));
  min = known ? std::min(min, stats.min) : stats.min;
  max = known ? std::max(max, stats.max) : stats.max;
  if (min == max) deviation = 0;
  // x is 0 or 1 everywhere if and only if the mean of x (1 - x) vanishes on [0, 1].
  zero_or_one = zero_or_one && stats.min >= 0 && stats.max <= 1 && std::abs(stats.mean - stats.mean_square) < 1e-6;
  largest_batch_mean = known ? std::max(largest_batch_mean, stats.mean) : stats.mean;
  smallest_batch_mean = known ? std::min(smallest_batch_mean, stats.mean) : stats.mean;
  count += stats.count;
  ++batches;
  known = true;
}

const LossHistory& Run::loss() const {
  static const LossHistory none;
  const LossHistory* most = &none;
  for (const auto& [site, history] : losses_) {
    if (history.count() > most->count()) most = &history;
  }
  return *most;
}

void Run::take(const Step& step) {
  graph_.update(catalog_);
  // Facts of the program change on observed steps, but for an optimizer made anew.
  if (step.observed() || passes_ % kProgramPeriod == 0) program_ = catalog_.program();
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
      take_input(record);
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

void Run::take_input(const Record& record) {
  const trace::TensorStats& stats = record.tensor;
  const trace::Site& site = graph_.site(record.site);
  if (stats.min > stats.max || stats.count == 0) return;
  const bool is_target = (record.flags & trace::kTarget) != 0;
  Scale& scale = is_target ? target_ : input_;
  if (scale.known && scale.site == record.site) {
    scale.pool(stats);
    return;
  }
  bool better = !scale.known;
  if (is_target) {
    // What the program computes from the target (1 - y) or beside it (a tensor of ones) enters the loss as well.
    const int rank = target_rank(site);
    better = rank > target_rank_;
    if (better) target_rank_ = rank;
  } else {
    if (stats.count < 2 || !floating(site.dtype) || !fills_rows(stats, site)) return;
    better = better || (passes_ <= 1 && rms(stats) > scale.rms);
  }
  if (!better) return;
  scale = Scale();
  scale.site = record.site;
  scale.pool(stats);
}

bool Run::one_hot_target() const {
  const auto width = static_cast<double>(reading_.width);
  const double slack = 1e-6;
  return program_.target_one_hot || (target_.known && target_.zero_or_one && width > 1 &&
                                     std::abs(target_.smallest_batch_mean * width - 1) < slack &&
                                     std::abs(target_.largest_batch_mean * width - 1) < slack);
}

bool Run::multi_hot_target() const {
  const bool same_shape = graph_.site(target_.site).shape == program_.prediction_shape || program_.task == "multilabel";
  return target_.known && target_.zero_or_one && target_.max == 1 && target_.min == 0 && reading_.width > 1 &&
         program_.prediction_shape.size() == 2 && same_shape && !one_hot_target();
}

std::int64_t Run::data_rows() const {
  const trace::Site& batch = graph_.site(input_.site);
  std::int64_t rows = 0;
  for (const std::uint32_t input : batch.inputs) {
    const trace::Site& source = graph_.site(input);
    const bool same_rows = source.shape.size() == batch.shape.size() && !batch.shape.empty() &&
                           std::equal(source.shape.begin() + 1, source.shape.end(), batch.shape.begin() + 1);
    if (same_rows && source.inputs.empty()) rows = std::max(rows, source.shape[0]);
  }
  return rows;
}

std::int64_t Run::batch_rows() const {
  const trace::Site& batch = graph_.site(input_.site);
  return batch.shape.empty() ? 0 : batch.shape[0];
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
