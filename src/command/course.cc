#include "command/course.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "analysis/series.h"
#include "report/text.h"

namespace sonde::command {
namespace {

using trace::Record;
using trace::RecordKind;

// FNV-1a over 64-bit words. Two zeros of different sign are different tensors.
std::uint64_t hash(std::span<const double> values, std::uint64_t seed) {
  std::uint64_t sum = 0xcbf29ce484222325 ^ seed;
  for (const double value : values) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    sum = (sum ^ bits) * 0x100000001b3;
  }
  return sum;
}

Sample sample_of(const Record& record) {
  const trace::TensorStats& stats = record.tensor;
  Sample sample;
  sample.step = record.step;
  sample.value = analysis::rms(stats);
  if (record.phase == Phase::update) sample.value = stats.aux > 0 ? sample.value / stats.aux : std::nan("");
  sample.non_finite = analysis::non_finite(stats);
  const double measured[] = {stats.min, stats.max, stats.mean, stats.mean_square};
  sample.bits = hash(measured, stats.zeros + (stats.nan << 20) + (stats.positive_infinity << 40));
  return sample;
}

Sample sample_of(std::uint64_t step, double value) {
  return {step, std::isfinite(value) ? value : std::nan(""), !std::isfinite(value), hash({&value, 1}, 0)};
}

void add(Line& line, const Sample& sample, std::uint32_t position) {
  line.position = position;
  if (!line.samples.empty() && line.samples.back().step == sample.step) {
    line.samples.back() = sample;
  } else if (line.samples.empty() || line.samples.back().step < sample.step) {
    line.samples.push_back(sample);
  }
}

// The keys of all sites, without their phase.
std::vector<Key> keys_of(const std::vector<trace::Site>& sites) {
  std::vector<Key> keys;
  std::map<Key, std::uint32_t> seen;
  for (const trace::Site& site : sites) {
    Key key{site.layer, site.parameter, site.operation, site.occurrence, Phase::forward, 0};
    key.ordinal = seen[key]++;
    keys.push_back(key);
  }
  return keys;
}

}  // namespace

Course course_of(const trace::Trace& trace) {
  Course course;
  const std::vector<Key> keys = keys_of(trace.sites);
  std::set<std::uint64_t> observed;
  for (const Record& record : trace.records) {
    if (record.site >= keys.size()) continue;
    course.steps = std::max(course.steps, record.step + 1);
    if (record.kind == RecordKind::tensor) {
      Key key = keys[record.site];
      key.phase = record.phase;
      Line& line = course.tensors[key];
      line.units = std::max(line.units, static_cast<double>(record.tensor.units));
      add(line, sample_of(record), record.position);
    } else if (record.kind == RecordKind::step_begin) {
      if (course.batch_size == 0) course.batch_size = record.facts.batch_size;
      if ((record.flags & trace::kObservedInFull) != 0) observed.insert(record.step);
      if (!std::isnan(record.facts.learning_rate)) {
        add(course.learning_rate, sample_of(record.step, record.facts.learning_rate), 0);
      }
    } else if (record.kind == RecordKind::loss) {
      add(course.loss, sample_of(record.step, record.loss.value), record.position);
    }
  }
  course.observed_steps = observed.size();
  return course;
}

std::string describe(const Key& key) {
  std::string place = key.layer;
  if (!key.parameter.empty()) place += (place.empty() ? "" : ".") + key.parameter;
  if (place.empty()) place = key.operation.empty() ? fmt::format("input {}", key.ordinal + 1) : key.operation;
  const std::string_view what = key.phase == Phase::update ? "relative update" : to_string(key.phase);
  std::string text = fmt::format("{} of {}", what, place);
  if (key.parameter.empty() && !key.layer.empty() && !key.operation.empty())
    text += fmt::format(" ({})", key.operation);
  if (key.occurrence > 0) text += fmt::format(", call {}", key.occurrence + 1);
  return report::clean(text);
}

}  // namespace sonde::command
