#include "analysis/non_finite.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "analysis/look_back.h"
#include "analysis/risk.h"

namespace sonde::analysis {
namespace {

using trace::OriginFacts;
using trace::OriginKind;
using trace::Record;
using trace::RecordKind;

// "aten::log_" -> "log", "LogBackward0" -> "log".
std::string base_name(std::string_view operation) {
  if (const auto colons = operation.rfind(':'); colons != std::string_view::npos) operation.remove_prefix(colons + 1);
  if (const auto node = operation.find("Backward"); node != std::string_view::npos)
    operation = operation.substr(0, node);
  while (operation.ends_with('_')) operation.remove_suffix(1);
  std::string name;
  for (const char c : operation) name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return name;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

bool touches_zero(const OriginFacts::Operand& operand) { return operand.zeros > 0 || operand.min == 0; }

// The mechanical cause: which operation met which numbers.
Suspect mechanism(const Record& record, const trace::Site& site) {
  const OriginFacts& facts = record.origin;
  const std::string name = base_name(site.operation);
  const OriginFacts::Operand& first = facts.operand[0];
  const OriginFacts::Operand& second = facts.operand[1];
  const bool known = facts.operands > 0;
  Suspect suspect{Cause::unknown, 0.3, record.site, {}, {}};
  const auto say = [&suspect](Cause cause, double confidence, std::string evidence) {
    suspect.cause = cause;
    suspect.confidence = confidence;
    suspect.evidence = std::move(evidence);
  };
  if (facts.kind == OriginKind::input) {
    say(Cause::input_non_finite, 0.97, "the tensor came into the network with these values");
    suspect.part = "data";
  } else if (facts.kind == OriginKind::uninitialised) {
    say(Cause::unknown, 0.5, "the memory was made by an empty() and never written");
  } else if (facts.kind == OriginKind::weight) {
    say(Cause::unknown, 0.3, "the parameter was not finite before it was used; the update before it did that");
  } else if (one_of(name, {"log", "log2", "log10", "log1p", "xlogy", "logit", "logaddexp", "binarycrossentropy"})) {
    if (known && first.min < 0 && facts.kind == OriginKind::operation) {
      say(Cause::loss_domain, 0.8, fmt::format("a logarithm of negative numbers, min {}", number(first.min)));
    } else {
      say(Cause::log_of_zero, 0.95, "the argument of the logarithm reached zero");
    }
  } else if (one_of(name, {"sqrt", "norm", "linalgvectornorm", "linalg_vector_norm", "linalgnorm", "linalg_norm", "std",
                           "cdist", "euclideandist", "dist", "frobeniusnorm", "rsqrt"}) ||
             (name == "pow" && facts.kind == OriginKind::node)) {
    say(Cause::sqrt_at_zero, 0.93,
        facts.kind == OriginKind::node ? "the slope of a square root is infinite at zero"
                                       : "a root of zero or of a negative number");
  } else if (one_of(name, {"div", "reciprocal", "true_divide", "floor_divide", "remainder", "fmod"})) {
    const bool zero = !known || touches_zero(facts.operands > 1 ? second : first) || facts.nan > 0;
    if (zero) {
      say(Cause::division_by_zero, 0.94, "the divisor reached zero");
    } else {
      say(Cause::overflow, 0.8, "the quotient is beyond the range of the type");
    }
  } else if (facts.positive_infinity + facts.negative_infinity > 0 ||
             one_of(name, {"exp", "expm1", "pow", "square", "to", "copy", "mul"})) {
    say(Cause::overflow, 0.9,
        known ? fmt::format("finite operands in [{}, {}] gave values beyond {}", number(first.min), number(first.max),
                            number(facts.dtype_max))
              : fmt::format("values beyond {}", number(facts.dtype_max)));
  } else if (one_of(name, {"softmax", "logsoftmax", "log_softmax", "scaled_dot_product_attention"})) {
    say(Cause::unknown, 0.5, "a row in which every entry is masked (-inf) has no softmax");
  }
  return suspect;
}

// The step itself was not seen: the operations that came closest to the edge of their domain when they last were.
void add_risks(const Run& run, Sighting& sighting) {
  for (Suspect& suspect : risky_operations(run)) sighting.suspects.push_back(std::move(suspect));
}

void judge_run(const Run& run, Sighting& sighting) {
  const LookBack back = look_back(run);
  const std::vector<std::string> lines = back.sentences(run);
  const bool diverging = back.diverging();
  if (diverging) {
    // The mechanism is the last act then, not the reason.
    for (Suspect& suspect : sighting.suspects) suspect.confidence *= 0.75;
    Suspect rate{Cause::learning_rate_too_high, 0.9, 0, "optimizer", {}};
    for (const std::string& line : lines) {
      rate.evidence = line;
      sighting.suspects.push_back(rate);
    }
  }
  for (const std::string& line : lines) sighting.context.push_back(line);
  const Scale& input = run.input();
  if (input.known && input.rms > 20) {
    sighting.suspects.push_back(
        {Cause::input_not_normalized, input.rms > 100 ? 0.6 : 0.4, 0, "data",
         fmt::format("the input has RMS {} in [{}, {}]", number(input.rms), number(input.min), number(input.max))});
  }
}

// What feeds the place tells whether another activation would have kept the operands in range.
void judge_structure(const Run& run, const Record& record, Sighting& sighting) {
  const Graph& graph = run.graph();
  const trace::Site& site = graph.site(record.site);
  const std::string name = base_name(site.operation);
  if (one_of(name, {"exp", "square", "pow"}) && !graph.in_loss(record.site) && !graph.is_output(record.site)) {
    sighting.suspects.push_back({Cause::wrong_activation,
                                 0.7,
                                 record.site,
                                 {},
                                 fmt::format("{} grows without bound as an activation between layers", name)});
  }
  if (!graph.in_loss(record.site) || graph.prediction() == 0 || !run.reading().composite) return;
  const std::uint32_t prediction = graph.prediction();
  const trace::OpClass op_class = graph.site(prediction).op_class;
  const std::string_view needs = "the loss takes logarithms or quotients of it, which needs values in (0, 1)";
  if (op_class == trace::OpClass::rectifier || mixes(op_class)) {
    sighting.suspects.push_back(
        {Cause::wrong_output_activation,
         0.85,
         prediction,
         {},
         fmt::format("the prediction comes from {}; {}", graph.site(prediction).operation, needs)});
  } else if (op_class == trace::OpClass::softmax || op_class == trace::OpClass::saturating) {
    sighting.suspects.push_back({Cause::underflow,
                                 0.5,
                                 prediction,
                                 {},
                                 "a probability underflowed to exactly zero before its logarithm was taken"});
    sighting.suspects.push_back(
        {Cause::loss_domain, 0.4, 0, "loss", "the logarithm is taken of a rounded probability"});
  }
}

std::string describe(const Record& record) {
  const OriginFacts& facts = record.origin;
  std::string text;
  const auto count = [&](std::uint64_t some, std::string_view what) {
    if (some == 0) return;
    text += fmt::format("{}{} of {} values are {}", text.empty() ? "" : ", ", some, facts.count, what);
  };
  count(facts.nan, "nan");
  count(facts.positive_infinity, "inf");
  count(facts.negative_infinity, "-inf");
  if (text.empty()) text = "values that are not finite";
  if (facts.operands > 0 && (facts.kind == OriginKind::operation || facts.kind == OriginKind::node)) {
    text +=
        fmt::format("; the {} was finite, in [{}, {}]", facts.kind == OriginKind::node ? "incoming gradient" : "input",
                    number(facts.operand[0].min), number(facts.operand[0].max));
    if (facts.operand[0].zeros > 0) text += fmt::format(" ({} exact zeros)", percent(facts.operand[0].zeros));
    if (facts.operands > 1 && facts.operand[1].zeros > 0) {
      text += fmt::format("; {} of the second operand are exact zeros", percent(facts.operand[1].zeros));
    }
  }
  return text;
}

// The first tensor of the step that is not finite, in the order of the data flow; -inf alone is a mask.
const Record* first_bad_tensor(const Step& step) {
  const Record* first = nullptr;
  for (const Record& record : step.tensors()) {
    const bool bad = record.tensor.nan > 0 || record.tensor.positive_infinity > 0 ||
                     (record.phase != Phase::forward && non_finite(record.tensor));
    if (bad && (first == nullptr || record.position < first->position)) first = &record;
  }
  return first;
}

}  // namespace

void NonFiniteAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const bool poisoned =
      (step.has_facts() && (step.facts().non_finite_loss != 0 || step.facts().non_finite_gradient != 0)) ||
      std::isinf(step.loss());
  bool found = false;
  for (const Record& record : step.others()) {
    if (record.kind != RecordKind::origin) continue;
    if (!poisoned && step.has_facts()) continue;
    found = true;
    Sighting sighting;
    sighting.sign = Sign::non_finite;
    sighting.severity = Severity::error;
    sighting.site = record.site;
    sighting.phase = record.origin.kind == OriginKind::input ? Phase::input : record.phase;
    sighting.step = record.step;
    sighting.position = record.position;
    sighting.message = describe(record);
    sighting.suspects.push_back(mechanism(record, run.graph().site(record.site)));
    judge_structure(run, record, sighting);
    judge_run(run, sighting);
    if (record.origin.kind == OriginKind::unknown || record.origin.kind == OriginKind::weight) add_risks(run, sighting);
    if (record.origin.reached > 0) {
      sighting.context.push_back(
          fmt::format("{} operations, gradients and parameters after it were not finite", record.origin.reached));
    }
    seen.push_back(std::move(sighting));
  }
  if (found || !poisoned) return;
  Sighting sighting;
  sighting.sign = Sign::non_finite;
  sighting.severity = Severity::error;
  sighting.step = step.number();
  if (const Record* bad = first_bad_tensor(step); bad != nullptr) {
    sighting.site = bad->site;
    sighting.phase = bad->phase;
    sighting.position = bad->position;
    sighting.message =
        fmt::format("{} of {} values are not finite",
                    bad->tensor.nan + bad->tensor.positive_infinity + bad->tensor.negative_infinity, bad->tensor.count);
  } else {
    sighting.site = step.loss_site();
    sighting.phase = step.facts().non_finite_loss != 0 ? Phase::loss : Phase::gradient;
    sighting.part = sighting.phase == Phase::loss ? "loss" : "model";
    sighting.message = sighting.phase == Phase::loss ? "the loss is not finite; this step was not observed in full"
                                                     : "gradients are not finite; this step was not observed in full";
  }
  judge_run(run, sighting);
  add_risks(run, sighting);
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
