#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>
#include <sonde/comparison.h>

#include "report/comparison_groups.h"
#include "report/place.h"
#include "report/rows.h"
#include "report/text.h"

namespace sonde::compare {
namespace {

using report::clean;
using report::counted;
using report::FaultGroup;
using report::number;
using report::Rows;

constexpr std::size_t kHeadIndent = 7;    // of further lines of a sentence
constexpr std::size_t kStageIndent = 15;  // of the text beside the names of stages
constexpr std::size_t kGroups = 40;       // told in full
constexpr std::size_t kNames = 8;         // of further layers of a group
constexpr std::size_t kNotCompared = 8;

// Two significant digits, without an exponent where people can still read it: "2300", "0.8".
std::string multiple(double times) {
  if (!(times >= 100 && times < 1e7)) return fmt::format("{:.2g}", times);
  const double unit = std::pow(10, std::floor(std::log10(times)) - 1);
  return fmt::format("{:.0f}", std::round(times / unit) * unit);
}

std::string against_rounding(double error, double floor) {
  if (!(floor > 0) || std::isinf(error)) return number(error);
  return fmt::format("{}, {} times what rounding explains", number(error), multiple(error / floor));
}

std::string sentence(const std::string& text) {
  std::string wrapped;
  report::append_wrapped(wrapped, "sonde: " + text, kHeadIndent);
  return wrapped;
}

// ---- one group of faults

std::string also_in(const Result& result, const FaultGroup& group) {
  std::string text;
  for (std::size_t i = 1; i < std::min(group.size(), kNames + 1); ++i) {
    if (i > 1) text += ", ";
    text += report::name_of(result.faults[group[i]]);
  }
  if (group.size() > kNames + 1) text += fmt::format(" and {} more", group.size() - kNames - 1);
  return text;
}

std::string error_of(const Result& result, const FaultGroup& group) {
  const Fault& fault = result.faults[group.front()];
  if (std::isnan(fault.error)) return fault.visible ? "" : "without effect on these inputs";
  std::string text = fault.error == 0 ? "none at its output" : fmt::format("{} at its output", number(fault.error));
  if (fault.error > 0 && fault.floor > 0)
    text += fmt::format(", {} times what rounding explains", multiple(fault.error / fault.floor));
  if (!fault.visible) text += ": without effect on these inputs";
  const auto worst = std::ranges::max_element(
      group, {}, [&](std::size_t i) { return std::isnan(result.faults[i].error) ? 0 : result.faults[i].error; });
  if (*worst != group.front() && result.faults[*worst].error > fault.error)
    text += fmt::format("; up to {} at that of {}", number(result.faults[*worst].error),
                        report::name_of(result.faults[*worst]));
  return text;
}

std::string repair_of(const Fault& fault) {
  const Repair& repair = fault.repair;
  if (repair.what.empty() || !repair.tried) return clean(repair.what);
  if (repair.accepted && repair.error_after == 0) return clean(repair.what) + ": no error is left";
  const bool relative = fault.floor > 0 && std::isfinite(repair.error_after) && fault.error > 0;
  const std::string after =
      relative ? fmt::format("{} times that", multiple(repair.error_after / fault.floor)) : number(repair.error_after);
  return clean(repair.what) + (repair.accepted ? ": the error falls to " : ": tried, but the error is then ") + after;
}

std::string describe(const Result& result, const FaultGroup& group) {
  const Fault& fault = result.faults[group.front()];
  std::string head = fmt::format("sonde: {}[{}] {}", fault.visible ? "error" : "warning", to_string(fault.cause),
                                 report::place_of(fault));
  if (group.size() > 1) head += fmt::format(" and {} more", group.size() - 1);
  Rows rows(report::with_right(std::move(head), report::describe(fault.target.source)));
  rows.add("differs", clean(fault.message));
  std::string_view label = "why";
  for (const std::string& evidence : fault.evidence) {
    rows.add(label, clean(evidence));
    label = "";
  }
  if (const auto text = error_of(result, group); !text.empty()) rows.add("error", text);
  if (const auto text = repair_of(fault); !text.empty()) rows.add("repair", text);
  if (group.size() > 1) rows.add("also in", also_in(result, group));
  return rows.take();
}

// ---- the whole

std::string summary_of(const Result& result) {
  const auto hidden =
      static_cast<std::size_t>(std::ranges::count_if(result.faults, [](const Fault& fault) { return !fault.visible; }));
  const auto visible = result.faults.size() - hidden;
  const std::string effect = hidden == 0 ? "" : fmt::format(", {} without effect on these inputs", hidden);
  std::string text = fmt::format("{} against {}: ", result.target.empty() ? "target" : clean(result.target),
                                 result.reference.empty() ? "reference" : clean(result.reference));
  text += (visible == 0 ? "no faults" : counted(visible, "fault")) + effect;
  const auto first = static_cast<std::size_t>(result.first_divergence);
  if (result.first_divergence >= 0 && first < result.faults.size())
    text += "; first divergence at " + report::place_of(result.faults[first]);
  return text;
}

std::string agreement_in_words(const Agreement& agreement) {
  if (std::isnan(agreement.error)) return "outputs that cannot be compared: of other shapes, or not finite";
  std::string text =
      agreement.error == 0 ? "outputs equal" : "relative error " + against_rounding(agreement.error, agreement.floor);
  if (agreement.samples > 0 && agreement.top1_changed + agreement.top5_changed > 0)
    text += fmt::format("; another best class in {} of {}, other best five in {}", agreement.top1_changed,
                        counted(agreement.samples, "sample"), agreement.top5_changed);
  else if (agreement.samples > 0)
    text += "; the best classes of " + counted(agreement.samples, "sample") + " are the same";
  return text;
}

std::string stages_of(const Result& result) {
  Rows rows("sonde: compared", kStageIndent);
  for (const StageOutcome& stage : result.stages)
    rows.add(to_string(stage.stage), (stage.done ? "" : "not done: ") + clean(stage.summary));
  return rows.take();
}

std::string outputs_of(const Result& result) {
  const bool repaired = std::ranges::any_of(result.faults, [](const Fault& fault) { return fault.repair.accepted; });
  if (!repaired) return sentence("outputs: " + agreement_in_words(result.before));
  Rows rows("sonde: outputs");
  rows.add("before", agreement_in_words(result.before));
  rows.add("repaired", agreement_in_words(result.after));
  return rows.take();
}

std::string what_was_left_out(const Result& result) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kNotCompared, result.not_compared.size()); ++i)
    text += fmt::format("{}{} ({})", i == 0 ? "not compared: " : "; ", clean(result.not_compared[i].what),
                        clean(result.not_compared[i].reason));
  if (result.not_compared.size() > kNotCompared)
    text += fmt::format(" and {} more", result.not_compared.size() - kNotCompared);
  return text;
}

}  // namespace

std::string Result::text() const {
  std::string all = sentence(summary_of(*this)) + '\n';
  const auto apart = [&](const std::string& block) { all.append(1, '\n').append(block).append(1, '\n'); };
  const auto groups = report::groups_of(*this);
  for (std::size_t i = 0; i < std::min(kGroups, groups.size()); ++i) apart(describe(*this, groups[i]));
  if (groups.size() > kGroups) {
    std::size_t rest = 0;
    for (std::size_t i = kGroups; i < groups.size(); ++i) rest += groups[i].size();
    apart(sentence(counted(rest, "more fault") + "; to_json() has all"));
  }
  if (!groups.empty()) all += '\n';
  if (!stages.empty()) all += stages_of(*this) + '\n';
  all += outputs_of(*this) + '\n';
  if (const auto left_out = what_was_left_out(*this); !left_out.empty()) all += sentence(left_out) + '\n';
  return all;
}

}  // namespace sonde::compare
