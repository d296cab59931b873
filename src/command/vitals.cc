#include "command/vitals.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <span>

#include "analysis/robust.h"
#include "analysis/series.h"
#include "report/text.h"

namespace sonde::command {
namespace {

using trace::Record;
using trace::RecordKind;

constexpr std::size_t kNow = 20;        // losses that make the present level
constexpr std::size_t kBefore = 100;    // losses after the level it is compared with
constexpr std::size_t kRateSteps = 50;  // steps that the rate is taken over

double median(std::span<const double> values) { return analysis::median({values.begin(), values.end()}); }

// Losses and rates, from the records of steps.
void take_steps(const trace::Trace& trace, Vitals& vitals) {
  std::vector<double> losses;
  std::vector<std::uint64_t> times;
  for (const Record& record : trace.records) {
    if (record.kind == RecordKind::loss) losses.push_back(record.loss.value);
    if (record.kind != RecordKind::step_end) continue;
    vitals.begun = true;
    vitals.step = record.step;
    vitals.learning_rate = record.facts.learning_rate;
    times.push_back(record.time_ns);
  }
  const std::size_t steps = std::min(times.size(), kRateSteps + 1);
  const double seconds = steps > 1 ? static_cast<double>(times.back() - times[times.size() - steps]) * 1e-9 : 0;
  if (seconds > 0) vitals.steps_per_second = static_cast<double>(steps - 1) / seconds;
  const std::span<const double> all = losses;
  if (all.empty()) return;
  const auto now = all.last(std::min(kNow, all.size()));
  // A loss that is not finite is news, not an outlier.
  vitals.loss = std::isfinite(all.back()) ? median(now) : all.back();
  if (all.size() < kBefore + kNow) return;
  const auto earlier = all.subspan(all.size() - kBefore - kNow, kNow);
  vitals.earlier_loss = median(earlier);
  const auto spread = [](std::span<const double> values, double center) {
    return analysis::deviation({values.begin(), values.end()}, center);
  };
  // The deviation of a median is 1.2533 times that of a mean (of normal values).
  vitals.loss_noise = 1.2533 * std::hypot(spread(now, vitals.loss), spread(earlier, vitals.earlier_loss)) /
                      std::sqrt(static_cast<double>(kNow));
}

// The last record of each site in each phase that matters here.
struct Last {
  std::map<std::uint32_t, const Record*> gradients;
  std::map<std::uint32_t, const Record*> updates;
  std::map<std::string, const Record*> rectifiers;  // by layer that they follow or are
};

Last last_of(const trace::Trace& trace) {
  Last last;
  for (const Record& record : trace.records) {
    if (record.kind != RecordKind::tensor || record.site >= trace.sites.size()) continue;
    const trace::Site& site = trace.sites[record.site];
    if (record.phase == Phase::gradient) last.gradients[record.site] = &record;
    if (record.phase == Phase::update) last.updates[record.site] = &record;
    if (record.phase == Phase::forward && site.op_class == trace::OpClass::rectifier) {
      last.rectifiers[site.layer] = &record;
    }
  }
  return last;
}

double orders_from(double value, double typical) {
  const bool known = value > 0 && typical > 0;
  return known ? std::abs(std::log10(value / typical)) : 0;
}

void take_layers(const trace::Trace& trace, Vitals& vitals) {
  const Last last = last_of(trace);
  std::vector<double> updates;
  std::vector<double> gradients;
  for (const auto& [id, record] : last.gradients) {
    const trace::Site& site = trace.sites[id];
    if (site.shape.size() < 2) continue;  // biases say little
    LayerVitals layer;
    layer.name = report::clean(site.layer.empty() ? site.parameter : site.layer + "." + site.parameter);
    layer.gradient = analysis::rms(record->tensor);
    const auto update = last.updates.find(id);
    layer.update = update != last.updates.end() && update->second->tensor.aux > 0
                       ? analysis::rms(update->second->tensor) / update->second->tensor.aux
                       : std::nan("");
    const auto rectifier = last.rectifiers.find(site.layer);
    layer.dead = rectifier != last.rectifiers.end() && rectifier->second->tensor.units > 0
                     ? static_cast<double>(rectifier->second->tensor.dead_units) / rectifier->second->tensor.units
                     : std::nan("");
    updates.push_back(layer.update);
    gradients.push_back(layer.gradient);
    vitals.layers.push_back(std::move(layer));
  }
  const double typical_update = analysis::median(updates);
  const double typical_gradient = analysis::median(gradients);
  for (LayerVitals& layer : vitals.layers) {
    layer.strangeness =
        std::max({orders_from(layer.update, typical_update), orders_from(layer.gradient, typical_gradient),
                  std::isnan(layer.dead) ? 0.0 : 2 * layer.dead, std::isnan(layer.gradient) ? 9.0 : 0.0});
  }
  std::ranges::stable_sort(vitals.layers,
                           [](const LayerVitals& a, const LayerVitals& b) { return a.strangeness > b.strangeness; });
}

}  // namespace

Vitals vitals_of(const trace::Trace& trace) {
  Vitals vitals;
  vitals.steps_per_second = vitals.loss = vitals.earlier_loss = vitals.learning_rate = std::nan("");
  take_steps(trace, vitals);
  take_layers(trace, vitals);
  return vitals;
}

std::string trend(const Vitals& vitals) {
  if (!std::isfinite(vitals.loss) || !std::isfinite(vitals.earlier_loss)) return {};
  const double change = vitals.loss - vitals.earlier_loss;
  if (std::abs(change) <= 3 * vitals.loss_noise) return "steady";
  return change < 0 ? "falling" : "rising";
}

}  // namespace sonde::command
