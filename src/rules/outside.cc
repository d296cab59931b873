#include "rules/outside.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace sonde::rules {

using trace::OpClass;

namespace {

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

void Outside::take(const trace::Record& record, const Graph& graph, bool first_pass) {
  const trace::TensorStats& stats = record.tensor;
  const trace::Site& site = graph.site(record.site);
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
    better = better || (first_pass && std::sqrt(stats.mean_square) > scale.rms);
  }
  if (!better) return;
  scale = Scale();
  scale.site = record.site;
  scale.pool(stats);
}

std::int64_t Outside::data_rows(const Graph& graph) const {
  const trace::Site& batch = graph.site(input_.site);
  std::int64_t rows = 0;
  for (const std::uint32_t input : batch.inputs) {
    const trace::Site& source = graph.site(input);
    const bool same_rows = source.shape.size() == batch.shape.size() && !batch.shape.empty() &&
                           std::equal(source.shape.begin() + 1, source.shape.end(), batch.shape.begin() + 1);
    if (same_rows && source.inputs.empty()) rows = std::max(rows, source.shape[0]);
  }
  return rows;
}

std::int64_t Outside::batch_rows(const Graph& graph) const {
  const trace::Site& batch = graph.site(input_.site);
  return batch.shape.empty() ? 0 : batch.shape[0];
}

bool Outside::one_hot(const trace::Program& program, const LossReading& reading) const {
  const auto width = static_cast<double>(reading.width);
  const double slack = 1e-6;
  return program.target_one_hot || (target_.known && target_.zero_or_one && width > 1 &&
                                    std::abs(target_.smallest_batch_mean * width - 1) < slack &&
                                    std::abs(target_.largest_batch_mean * width - 1) < slack);
}

bool Outside::multi_hot(const Graph& graph, const trace::Program& program, const LossReading& reading) const {
  const bool each_judged =
      !reading.composite && (reading.kind == LossKind::bce || reading.kind == LossKind::bce_logits);
  const bool same_shape = graph.site(target_.site).shape == program.prediction_shape || each_judged;
  return target_.known && target_.zero_or_one && target_.max == 1 && target_.min == 0 && reading.width > 1 &&
         program.prediction_shape.size() == 2 && same_shape && !one_hot(program, reading);
}

}  // namespace sonde::rules
