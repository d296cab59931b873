#include "analysis/timeline.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "analysis/series.h"

namespace sonde::analysis {

using trace::OpClass;
using trace::Record;
using trace::RecordKind;

namespace {

constexpr bool of_parameter(std::size_t quantity) {
  const auto of = static_cast<Quantity>(quantity);
  return of == Quantity::gradient || of == Quantity::update_ratio || of == Quantity::weight;
}

double elements_of(const trace::Site& site) {
  return std::accumulate(site.shape.begin(), site.shape.end(), 1.0,
                         [](double product, std::int64_t size) { return product * static_cast<double>(size); });
}

double share_of(std::uint64_t nan, std::uint64_t positive, std::uint64_t negative, std::uint64_t count) {
  const double bad = static_cast<double>(nan) + static_cast<double>(positive) + static_cast<double>(negative);
  return count == 0 ? 0 : std::min(1.0, bad / static_cast<double>(count));
}

std::string loss_name(const trace::Site& site) {
  if (site.op_class != OpClass::loss) return "loss";  // written by hand: its last operation says nothing
  const auto colons = site.operation.rfind(':');
  return colons == std::string::npos ? site.operation : site.operation.substr(colons + 1);
}

}  // namespace

void TimelineBuilder::consume(std::span<const Record> records) {
  for (const Record& record : records) take(record);
}

void TimelineBuilder::take(const Record& record) {
  switch (record.kind) {
    case RecordKind::tensor:
      begin_step(record.step);
      return take_tensor(record);
    case RecordKind::loss:
      return take_loss(record);
    case RecordKind::origin:
      begin_step(record.step);
      return take_origin(record);
    case RecordKind::step_end:
      begin_step(record.step);
      if (std::isfinite(record.facts.learning_rate)) learning_rate_.add(step_, record.facts.learning_rate);
      return end_step((record.flags & trace::kObservedInFull) != 0);
    default:
      return;
  }
}

void TimelineBuilder::take_tensor(const Record& record) {
  const Place place = place_of(record.site);
  if (place.row == kNoRow) return;
  Row& row = touched(place.row);
  const trace::TensorStats& stats = record.tensor;
  const double size = rms(stats);
  const bool bad = non_finite(stats);
  switch (record.phase) {
    case Phase::forward:
      row.position = std::min(row.position, record.position);
      if (place.owns) offer(row, Quantity::activation, record.position, size, bad);
      if (place.op_class == OpClass::rectifier && stats.units > 0) {
        const double dead = static_cast<double>(stats.dead_units) / stats.units;
        offer(row, Quantity::dead_units, dead, dead, bad);
      }
      if (place.op_class == OpClass::saturating) offer(row, Quantity::saturation, stats.beyond, stats.beyond, bad);
      if (const double share = share_of(stats.nan, stats.positive_infinity, stats.negative_infinity, stats.count);
          share > 0 || !row.series[static_cast<std::size_t>(Quantity::non_finite)].empty()) {
        offer(row, Quantity::non_finite, share, share, false);
      }
      break;
    case Phase::backward:  // from the loss on: the first is that of the layer's output
      if (place.owns) offer(row, Quantity::output_gradient, -static_cast<double>(record.position), size, bad);
      break;
    case Phase::gradient:
      offer(row, Quantity::gradient, place.elements, size, bad);
      break;
    case Phase::update:
      if (stats.aux > 0) offer(row, Quantity::update_ratio, place.elements, size / stats.aux, bad);
      break;
    case Phase::weight:
      offer(row, Quantity::weight, place.elements, size, bad);
      break;
    default:
      return;
  }
}

// A step that went bad unobserved has no other record of where.
void TimelineBuilder::take_origin(const Record& record) {
  const Place place = place_of(record.site);
  if (place.row == kNoRow) return;
  Row& row = touched(place.row);
  constexpr double kFirst = std::numeric_limits<double>::max();  // no measurement of the step outranks it
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const trace::OriginFacts& origin = record.origin;
  switch (origin.kind) {
    case trace::OriginKind::node:
      return offer(row, Quantity::output_gradient, kFirst, kNaN, true);
    case trace::OriginKind::weight:
      return offer(row, Quantity::weight, kFirst, kNaN, true);
    case trace::OriginKind::operation:
    case trace::OriginKind::uninitialised: {
      const double share = share_of(origin.nan, origin.positive_infinity, origin.negative_infinity, origin.count);
      return offer(row, Quantity::non_finite, share, share, false);
    }
    case trace::OriginKind::input:
    case trace::OriginKind::unknown:
      return;
  }
}

TimelineBuilder::Row& TimelineBuilder::touched(std::uint32_t index) {
  Row& row = rows_[index];
  if (!row.touched) touched_.push_back(index);
  row.touched = true;
  return row;
}

void TimelineBuilder::offer(Row& row, Quantity quantity, double rank, double value, bool non_finite) {
  Candidate& best = row.candidates[static_cast<std::size_t>(quantity)];
  if (best.set && !(rank > best.rank)) return;
  best = {rank, value, true, non_finite};
}

void TimelineBuilder::take_loss(const Record& record) {
  auto found = losses_.find(record.site);
  if (found == losses_.end()) {
    if (losses_.size() >= kLosses) return;
    found = losses_.emplace(record.site, CurveBuilder()).first;
    found->second.curve().name = loss_name(catalog_.site(record.site));
  }
  found->second.add(record.step, record.loss.value);
}

void TimelineBuilder::begin_step(std::uint64_t step) {
  if (step == step_) return;
  end_step(false);  // its end was lost, or there was nothing in it
  step_ = step;
}

void TimelineBuilder::end_step(bool observed) {
  if (touched_.empty() && !observed) return;
  last_step_ = std::max(last_step_, step_);
  fit();
  const auto index = static_cast<std::size_t>(step_ / steps_per_bin_);
  if (observed) {
    if (index >= observed_.size()) observed_.resize(index + 1);
    ++observed_[index];
  }
  for (const std::uint32_t row : touched_) flush(rows_[row], index);
  touched_.clear();
  // More series leave fewer bins for each; a power of two, so that this happens a few times only.
  bins_ = std::min(kMostBins, kBytes / (std::bit_ceil(std::max<std::size_t>(series_, 1)) * sizeof(TimelineBin)));
  fit();
}

void TimelineBuilder::flush(Row& row, std::size_t index) {
  row.touched = false;
  for (std::size_t quantity = 0; quantity < kQuantities; ++quantity) {
    Candidate& best = row.candidates[quantity];
    if (!std::exchange(best.set, false) || row.left_out[quantity]) continue;
    if (of_parameter(quantity)) {
      if (best.rank < row.largest[quantity]) continue;  // on this step only a smaller one was measured
      row.largest[quantity] = best.rank;
    }
    TimelineSeries& series = row.series[quantity];
    if (series.empty()) {
      if (series_ >= kMostSeries) {
        row.left_out[quantity] = true;
        ++left_out_;
        continue;
      }
      ++series_;
    }
    add_sample(series, index, best.value, best.non_finite);
  }
}

void TimelineBuilder::fit() {
  while (last_step_ / steps_per_bin_ >= bins_) coarsen();
}

void TimelineBuilder::coarsen() {
  steps_per_bin_ *= 2;
  for (Row& row : rows_) {
    for (TimelineSeries& series : row.series) merge_neighbours(series);
  }
  for (std::size_t i = 0; 2 * i < observed_.size(); ++i) {
    observed_[i] = observed_[2 * i] + (2 * i + 1 < observed_.size() ? observed_[2 * i + 1] : 0);
  }
  observed_.resize((observed_.size() + 1) / 2);
}

const TimelineBuilder::Place& TimelineBuilder::place_of(std::uint32_t site) {
  static const Place nowhere;
  if (site >= places_.size()) {
    const std::size_t size = catalog_.size();
    if (site >= size) return nowhere;
    places_.resize(size);
  }
  Place& place = places_[site];
  if (place.known) return place;
  const trace::Site facts = catalog_.site(site);
  place = {row_of(facts), true, facts.layer_owns, facts.op_class, elements_of(facts)};
  return place;
}

std::uint32_t TimelineBuilder::row_of(const trace::Site& site) {
  const std::string& path = site.layer.empty() ? site.parameter : site.layer;
  if (path.empty()) return kNoRow;
  const auto [found, fresh] = row_by_path_.emplace(path, static_cast<std::uint32_t>(rows_.size()));
  if (fresh) {
    rows_.emplace_back();
    rows_.back().path = path;
    rows_.back().first_site = site.id;
  }
  Row& row = rows_[found->second];
  if (row.type.empty()) row.type = site.module_type;
  if (!row.owns && site.layer_owns && site.op_class != OpClass::parameter) {
    row.owns = true;
    row.first_site = site.id;
  }
  return found->second;
}

Timeline TimelineBuilder::timeline() const {
  Timeline timeline;
  timeline.steps_per_bin = steps_per_bin_;
  timeline.observed = observed_;
  timeline.series_left_out = left_out_;
  timeline.learning_rate = learning_rate_.curve();
  for (const auto& [site, loss] : losses_) timeline.losses.push_back(loss.curve());
  std::vector<std::size_t> order(rows_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [this](std::size_t row) { return rows_[row].position; });
  timeline.layers.reserve(order.size());
  for (const std::size_t i : order) {
    const Row& row = rows_[i];
    timeline.layers.push_back({row.path, row.type, catalog_.site(row.first_site).source, row.series});
  }
  return timeline;
}

}  // namespace sonde::analysis
