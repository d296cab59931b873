#include "report/html_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/timeline_bins.h"
#include "report/digest.h"
#include "report/place.h"
#include "report/text.h"

namespace sonde::report {
namespace {

using Json = nlohmann::ordered_json;
using Codes = std::vector<std::uint16_t>;

constexpr std::uint16_t kZero = 0;
constexpr std::uint16_t kFirst = 1;
constexpr std::uint16_t kLast = 65534;
constexpr std::uint16_t kNonFinite = 65535;

// Little-endian, in base64.
std::string packed(const Codes& codes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<unsigned char> bytes;
  bytes.reserve(2 * codes.size() + 2);
  for (const std::uint16_t code : codes) {
    bytes.push_back(static_cast<unsigned char>(code & 0xFF));
    bytes.push_back(static_cast<unsigned char>(code >> 8));
  }
  const std::size_t size = bytes.size();
  bytes.resize((size + 2) / 3 * 3, 0);
  std::string text;
  text.reserve(bytes.size() / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = (unsigned{bytes[i]} << 16) | (unsigned{bytes[i + 1]} << 8) | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[(group >> shift) & 63];
  }
  for (std::size_t i = size; i < bytes.size(); ++i) text[text.size() - (bytes.size() - i)] = '=';
  return text;
}

std::size_t measured_bins(const Timeline& timeline) {
  std::size_t count = 0;
  for (const TimelineLayer& layer : timeline.layers) {
    for (const TimelineSeries& series : layer.series) {
      count += static_cast<std::size_t>(
          std::ranges::count_if(series, [](const TimelineBin& bin) { return bin.samples > 0; }));
    }
  }
  return count;
}

std::size_t bins_of(const Timeline& timeline) {
  std::size_t bins = timeline.observed.size();
  for (const TimelineLayer& layer : timeline.layers) {
    for (const TimelineSeries& series : layer.series) bins = std::max(bins, series.size());
  }
  return bins;
}

void coarsen(Timeline& timeline) {
  timeline.steps_per_bin *= 2;
  for (TimelineLayer& layer : timeline.layers) {
    for (TimelineSeries& series : layer.series) analysis::merge_neighbours(series);
  }
  std::vector<std::uint32_t> observed((timeline.observed.size() + 1) / 2, 0);
  for (std::size_t i = 0; i < timeline.observed.size(); ++i) observed[i / 2] += timeline.observed[i];
  timeline.observed = std::move(observed);
}

// What series take in characters: 2 or 6 bytes a bin in base64.
double characters(const Timeline& timeline, bool ranges) {
  return static_cast<double>(measured_bins(timeline)) * (ranges ? 8 : 8.0 / 3);
}

// Makes the timeline coarser until it fits. Returns whether there is room for the range of each bin.
bool fit(Timeline& timeline) {
  while (bins_of(timeline) > kPageBins && characters(timeline, true) > kSmallPageBytes) coarsen(timeline);
  const bool ranges = characters(timeline, true) <= kPageBytes;
  while (bins_of(timeline) > 1 && characters(timeline, ranges) > kPageBytes) coarsen(timeline);
  return ranges;
}

// Lists of bins, each told once.
class Patterns {
 public:
  std::size_t index_of(Codes bins) { return index_.emplace(std::move(bins), index_.size()).first->second; }
  [[nodiscard]] Json json() const {
    std::vector<const Codes*> ordered(index_.size());
    for (const auto& [bins, index] : index_) ordered[index] = &bins;
    Json list = Json::array();
    for (const Codes* bins : ordered) list.push_back(packed(*bins));
    return list;
  }

 private:
  std::map<Codes, std::size_t> index_;
};

// Seven digits: more than a float has, and without its binary rest.
double rounded(double value) {
  if (value == 0) return 0;
  const double scale = std::pow(10, 6 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

Coding coding_of(const TimelineSeries& series) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const TimelineBin& bin : series) {
    for (const double value : {bin.last, bin.min, bin.max}) {
      if (value > 0) least = std::min(least, value);
      if (value > 0) most = std::max(most, value);
    }
  }
  if (!(most > 0)) return {};
  // Outwards, to a thousandth of a decade: few characters.
  return {std::floor(1e3 * std::log10(least)) / 1e3, std::ceil(1e3 * std::log10(most)) / 1e3};
}

Json series_of(std::size_t layer, std::size_t quantity, const TimelineSeries& series, bool ranges, Patterns& patterns) {
  const Coding coding = coding_of(series);
  Codes bins, last, least, most;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const TimelineBin& bin = series[i];
    if (bin.samples == 0) continue;
    bins.push_back(static_cast<std::uint16_t>(i));
    last.push_back(bin.non_finite > 0 ? kNonFinite : coding.code_of(bin.last));
    least.push_back(coding.code_of(bin.min));
    most.push_back(coding.code_of(bin.max));
  }
  Json json = {layer, quantity, patterns.index_of(std::move(bins)), coding.least, coding.most, packed(last)};
  if (ranges && least != most) {
    json.push_back(packed(least));
    json.push_back(packed(most));
  }
  return json;
}

Json number_or_null(float value) { return std::isfinite(value) ? Json(rounded(value)) : Json(nullptr); }

Json curve_of(const TimelineCurve& curve) {
  Json steps = Json::array(), last = Json::array(), least = Json::array(), most = Json::array();
  Json bad = Json::array();
  bool ranges = false;
  for (std::size_t i = 0; i < curve.bins.size(); ++i) {
    const TimelineBin& bin = curve.bins[i];
    if (bin.samples == 0) continue;
    if (bin.non_finite > 0) bad.push_back(steps.size());
    steps.push_back(i * curve.steps_per_bin);
    last.push_back(number_or_null(bin.last));
    least.push_back(number_or_null(bin.min));
    most.push_back(number_or_null(bin.max));
    ranges = ranges || bin.min < bin.max;
  }
  Json json = {{"name", clean(curve.name)}, {"steps", steps}, {"last", last}, {"bad", bad}};
  if (ranges) {
    json["min"] = least;
    json["max"] = most;
  }
  return json;
}

// The quantity in which a reader sees it best.
Quantity shown_for(const Symptom& symptom) {
  static const std::map<std::string_view, Quantity> by_kind = {{"vanishing-gradient", Quantity::output_gradient},
                                                               {"zero-gradient", Quantity::output_gradient},
                                                               {"dead-units", Quantity::dead_units},
                                                               {"saturation", Quantity::saturation},
                                                               {"large-update", Quantity::update_ratio},
                                                               {"small-update", Quantity::update_ratio}};
  const Phase phase = symptom.where.phase;
  if (symptom.kind == "non-finite" && (phase == Phase::forward || phase == Phase::loss)) return Quantity::non_finite;
  if (const auto found = by_kind.find(symptom.kind); found != by_kind.end()) return found->second;
  switch (phase) {
    case Phase::input:
    case Phase::forward:
      return Quantity::activation;
    case Phase::gradient:
      return Quantity::gradient;
    case Phase::weight:
      return Quantity::weight;
    case Phase::update:
      return Quantity::update_ratio;
    case Phase::loss:
    case Phase::backward:
      break;
  }
  return Quantity::output_gradient;
}

Json findings_of(const Report& report) {
  std::unordered_map<std::string_view, std::size_t> rows;
  for (std::size_t i = 0; i < report.timeline.layers.size(); ++i) rows.emplace(report.timeline.layers[i].path, i);
  Json list = Json::array();
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& finding = report.findings[i];
    auto row = rows.find(finding.origin.where.layer);
    for (const RankedCause& cause : told_causes(finding)) {
      if (row == rows.end()) row = rows.find(cause.where.layer);
    }
    Quantity shown = shown_for(finding.origin);
    // Among sizes it is seen what led there, if the layer's own output is where it began.
    if (row != rows.end() && shown == Quantity::non_finite) {
      const TimelineSeries& sizes = report.timeline.layers[row->second][Quantity::activation];
      const std::uint64_t bin = finding.origin.step / report.timeline.steps_per_bin;
      if (bin < sizes.size() && sizes[bin].non_finite > 0) shown = Quantity::activation;
    }
    list.push_back({{"number", i + 1},
                    {"severity", to_string(finding.severity)},
                    {"what", kind_of(finding)},
                    {"layer", row == rows.end() ? Json(nullptr) : Json(row->second)},
                    {"step", finding.origin.step},
                    {"quantity", static_cast<int>(shown)}});
  }
  return list;
}

}  // namespace

std::uint16_t Coding::code_of(double value) const noexcept {
  if (!std::isfinite(value)) return kNonFinite;
  if (!(value > 0)) return kZero;
  if (!(most > least)) return kFirst;
  const double place = std::clamp((std::log10(value) - least) / (most - least), 0.0, 1.0);
  return static_cast<std::uint16_t>(kFirst + std::lround(place * (kLast - kFirst)));
}

Json series_json(const Report& report) {
  Timeline timeline = report.timeline;
  const bool ranges = fit(timeline);
  Json layers = Json::array(), series = Json::array(), columns = Json::array(), losses = Json::array();
  Patterns patterns;
  for (std::size_t i = 0; i < timeline.layers.size(); ++i) {
    const TimelineLayer& layer = timeline.layers[i];
    layers.push_back({clean(layer.path), clean(layer.type), describe(layer.source)});
    for (std::size_t quantity = 0; quantity < kQuantities; ++quantity) {
      if (layer.series[quantity].empty()) continue;
      series.push_back(series_of(i, quantity, layer.series[quantity], ranges, patterns));
    }
  }
  for (std::size_t i = 0; i < timeline.observed.size(); ++i) {
    if (timeline.observed[i] > 0) columns.push_back(i);
  }
  for (const TimelineCurve& loss : timeline.losses) losses.push_back(curve_of(loss));
  return {{"steps", report.context.steps},
          {"stepsPerBin", timeline.steps_per_bin},
          {"columns", columns},
          {"layers", layers},
          {"patterns", patterns.json()},
          {"series", series},
          {"losses", losses},
          {"learningRate", curve_of(timeline.learning_rate)},
          {"findings", findings_of(report)}};
}

}  // namespace sonde::report
