// Rules: what can be told of a training program before its first update.
//
// Every rule reads the meta-model of the first observed steps and says what it finds wrong. Sonde's own rules are listed
// in docs/checks.md; Options::rules_off switches some off by name, Options::own_rules adds a user's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/finding.h>
#include <sonde/meta_model.h>

namespace sonde {

// A cause that a violation makes likely, and what it blames.
struct Blame {
  Cause cause = Cause::unknown;
  double confidence = 0;        // in [0, 1]
  std::uint32_t operation = 0;  // an Operation::id, or 0 with `part`
  std::string part;             // "data", "labels", "loss", "optimizer", "loop" or "model"
  std::string evidence;
  std::string fix = {};  // what to change; empty: the usual words for the cause
};

struct Violation {
  // What certainly breaks or hurts training is an error or warning; a habit is advice, and never rises by itself.
  Severity severity = Severity::advice;
  std::uint32_t operation = 0;  // where it was seen, or 0 with `part`
  std::string part;
  Phase phase = Phase::forward;
  std::string message;               // one sentence, with numbers
  std::vector<std::string> context;  // further facts, one line each
  std::vector<Blame> causes;         // best first
};

// What a running program may show that a rule explains. A violation joins the incident then, as one of its causes.
enum Explains : std::uint8_t {
  kNothing = 0,
  kStuck = 1,      // the loss does not fall, or falls slowly
  kDiverging = 2,  // loss, activations, gradients or updates grow, up to values that are not finite
  kFaint = 4,      // gradients vanish, units saturate or die, updates are small
};

// Thread-safety: check() is const and may be called from the analysis thread and from any thread that asks for a report.
// It must be a function of the model alone; what it throws is caught, and its violations are lost.
class Rule {
 public:
  virtual ~Rule() = default;
  // Stable, in words with dashes: "learning-rate-range". The symptom's kind in reports.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Of Explains, joined by |.
  [[nodiscard]] virtual unsigned explains() const noexcept { return kNothing; }
  [[nodiscard]] virtual std::vector<Violation> check(const MetaModel& model) const = 0;
};

}  // namespace sonde
