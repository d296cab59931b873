#include "report/tensorboard.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/series.h"
#include "report/tensorboard_text.h"
#include "report/text.h"

namespace sonde::report {

using trace::OpClass;
using trace::Record;
using trace::RecordKind;

namespace {

// Over the layers of a step: which quantities have a histogram, and whether of their logarithm.
struct Distribution {
  Quantity quantity;
  bool logarithmic;
  const char* tag;
  const char* description;
};
constexpr Distribution kDistributions[] = {
    {Quantity::gradient_rms, true, "layers/log10_gradient_rms",
     "Parameters by the decade of their gradient's RMS; those without any gradient are left out. A tail to the left: "
     "layers that hardly learn."},
    {Quantity::update_ratio, true, "layers/log10_update_ratio",
     "Parameters by the decade of their relative update; those that did not move are left out. About -3 is usual."},
    {Quantity::activation_rms, true, "layers/log10_activation_rms", "Operations by the decade of their output's RMS."},
    {Quantity::dead_share, false, "layers/dead_share", "Rectifiers by the share of their units that are dead."},
    {Quantity::saturated_share, false, "layers/saturated_share",
     "Sigmoids and tanhs by the share of their outputs that lie in the flat tails."},
};

}  // namespace

void TensorBoardWriter::consume(std::span<const Record> records, const trace::Catalog& catalog) {
  if (file_.failed()) return;
  catalog_ = &catalog;
  for (const Record& record : records) {
    now_ns_ = record.time_ns;
    switch (record.kind) {
      case RecordKind::tensor:
        take_tensor(record);
        break;
      case RecordKind::loss:
        if (losses_.size() < kLosses) losses_.push_back({record.site, record.loss.value});
        break;
      case RecordKind::step_end:
        end_step(record);
        break;
      case RecordKind::metric: {
        SummaryEvent event(wall_seconds(), record.step);
        const std::string tag = "metrics/" + clean(catalog.site(record.site).parameter);
        event.add_scalar(tag, record.metric.value, once(tag, "A number that the program gave to its monitor."));
        write(event);
        break;
      }
      default:
        break;
    }
  }
}

void TensorBoardWriter::take_tensor(const Record& record) {
  if (values_.size() >= kValues) return;
  const trace::TensorStats& stats = record.tensor;
  const auto add = [&](Quantity quantity, double value) { values_.push_back({quantity, record.site, value}); };
  const double size = analysis::rms(stats);
  switch (record.phase) {
    case Phase::gradient:
      add(Quantity::gradient_rms, size);
      break;
    case Phase::weight:
      add(Quantity::weight_rms, size);
      break;
    case Phase::update:
      if (stats.aux > 0) add(Quantity::update_ratio, size / stats.aux);
      return;
    case Phase::forward:
      add(Quantity::activation_rms, size);
      if (const OpClass op_class = class_of(record.site); op_class == OpClass::rectifier && stats.units > 0) {
        add(Quantity::dead_share, static_cast<double>(stats.dead_units) / stats.units);
      } else if (op_class == OpClass::saturating) {
        add(Quantity::saturated_share, stats.beyond);
      }
      break;
    default:
      return;
  }
  const bool sound = !analysis::non_finite(stats);
  if (sound && !not_finite_.contains(record.site)) return;
  if (not_finite_.size() < TagTable::kPlaces) not_finite_.insert(record.site);
  add(Quantity::non_finite,
      static_cast<double>(stats.nan) + static_cast<double>(stats.positive_infinity + stats.negative_infinity));
}

void TensorBoardWriter::end_step(const Record& record) {
  SummaryEvent event(wall_seconds(), record.step);
  for (const Loss& loss : losses_) {
    const std::string tag = loss_tag(loss.site);
    event.add_scalar(tag, loss.value, once(tag, "The training loss of a step."));
  }
  if (const double rate = record.facts.learning_rate; std::isfinite(rate)) {
    event.add_scalar("train/learning_rate", rate, once("train/learning_rate", "Of the first parameter group."));
  }
  // What an observed step changed in the weights is known on the next one only, which need not be observed.
  const bool observed = (record.flags & trace::kObservedInFull) != 0;
  if (observed) layers_due_ = due();
  if (layers_due_) add_layers(event);
  values_.clear();
  losses_.clear();
  if (!event.empty()) write(event);
}

bool TensorBoardWriter::due() noexcept {
  if (++skipped_ < stride_) return false;
  skipped_ = 0;
  if (++written_ > kDense) {
    written_ = 1;
    stride_ *= 2;
  }
  return true;
}

void TensorBoardWriter::add_layers(SummaryEvent& event) {
  std::ranges::stable_sort(values_, {}, &Value::quantity);
  std::vector<std::uint32_t> sites;
  std::vector<double> numbers;
  for (auto begin = values_.begin(); begin != values_.end();) {
    const Quantity quantity = begin->quantity;
    const auto end = std::find_if(begin, values_.end(), [&](const Value& one) { return one.quantity != quantity; });
    sites.clear();
    for (auto one = begin; one != end; ++one) sites.push_back(one->site);
    tags_.seen(quantity, sites, *catalog_);
    for (auto one = begin; one != end; ++one) {
      const std::string* tag = tags_.find(quantity, one->site);
      if (tag != nullptr) event.add_scalar(*tag, one->value, once(*tag, description_of(quantity)));
    }
    for (const Distribution& distribution : kDistributions) {
      if (distribution.quantity != quantity) continue;
      numbers.clear();
      for (auto one = begin; one != end; ++one) {
        numbers.push_back(distribution.logarithmic ? std::log10(one->value) : one->value);
      }
      const Histogram histogram = histogram_of(numbers);
      if (histogram.count > 0)
        event.add_histogram(distribution.tag, histogram, once(distribution.tag, distribution.description));
    }
    begin = end;
  }
}

void TensorBoardWriter::incident(const Finding& finding) {
  if (file_.failed()) return;
  SummaryEvent event(wall_seconds(), finding.origin.step);
  const std::string tag = "incidents/" + title_of(finding);
  event.add_text(tag, markdown(finding), once(tag, "What went wrong, why, and what to do."));
  write(event);
}

void TensorBoardWriter::write(const SummaryEvent& event) { file_.append(event.encode()); }

double TensorBoardWriter::wall_seconds() const noexcept {
  const auto since = static_cast<std::int64_t>(now_ns_ - start_.steady_nanoseconds);
  return start_.wall_seconds + static_cast<double>(now_ns_ == 0 ? 0 : since) * 1e-9;
}

OpClass TensorBoardWriter::class_of(std::uint32_t site) {
  while (classes_.size() <= site) {
    classes_.push_back(catalog_->site(static_cast<std::uint32_t>(classes_.size())).op_class);
  }
  return classes_[site];
}

// The first loss has the plain tag, and so has one whose operation is not known.
std::string TensorBoardWriter::loss_tag(std::uint32_t site) {
  if (site != 0 && loss_sites_.size() < kLosses && std::ranges::find(loss_sites_, site) == loss_sites_.end()) {
    loss_sites_.push_back(site);
  }
  const bool other = loss_sites_.size() > 1 && loss_sites_.front() != site &&
                     std::ranges::find(loss_sites_, site) != loss_sites_.end();
  return other ? fmt::format("train/loss/{}~{}", place_name(catalog_->site(site)), site) : std::string("train/loss");
}

std::string_view TensorBoardWriter::once(const std::string& tag, std::string_view text) {
  return described_.insert(tag).second ? text : std::string_view();
}

}  // namespace sonde::report
