// Options of a monitor. The defaults are meant to be right; no option is needed for a first run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

class Rule;  // <sonde/rules.h>

// What to do when the gradients of a step would poison the weights (a non-finite loss or gradient), or when training is
// found to be broken (a finding of severity error).
enum class OnFault : std::uint8_t {
  report,  // say it in the report; the training goes on as if there were no monitor
  skip,    // a poisoned step is not applied: its gradients are taken away, so that optimizer.step() passes over them
  abort,   // as skip, and backward() throws FaultFound
};

struct Options {
  // Shown in reports; tells several monitors of one process apart.
  std::string name = "sonde";

  OnFault on_fault = OnFault::report;

  // The share of step time that watching may cost, in (0, 1]. The monitor measures itself and observes as many steps in
  // full as this allows; the cheap checks run on every step.
  double overhead = 0.01;

  // Observe every operation of every step, whatever it costs (typically 5 to 40 % of the step).
  bool every_step = false;

  // The first steps that are always observed in full; baselines are learnt on them. At least 1.
  std::uint32_t first_steps = 20;

  // The longest stretch of steps without a fully observed one, however little `overhead` allows. At least 1.
  std::uint32_t max_blind_steps = 200;

  // Records that fit between the training thread and the analysis, rounded up to a power of two; 128 bytes each. When
  // the analysis falls behind by more, records are dropped and counted. In [256, 2^24].
  std::size_t ring_capacity = std::size_t{1} << 15;

  // Analyse on a thread of its own. false: nothing runs until poll() or report() is called, on the calling thread.
  bool background = true;

  // Remember the call stack of each operation when it is first seen, so that findings name the line of the user's code.
  // About 2 microseconds an operation, once.
  bool source_lines = true;

  // The monitor's own troubles (never those of the training); called at most once for each kind. Default: std::cerr.
  std::function<void(std::string_view)> on_trouble = {};

  // What the program is trained for, if it should not be inferred alone: "multiclass", "binary", "multilabel",
  // "regression", "autoencoder" or "sequence". A program that looks like another one is a finding.
  std::string task = {};

  // Rules before the first update that are not to be applied, by the names in docs/checks.md; unknown ones are refused.
  std::vector<std::string> rules_off = {};

  // Tell all habits that rules find, also those that are too common in healthy programs to be worth a word of their own.
  // Without it they are told only when the run shows a symptom that they explain.
  bool all_habits = false;

  // A user's own rules, applied after Sonde's.
  std::vector<std::shared_ptr<const Rule>> own_rules = {};

  // Throws std::invalid_argument that names the field, its value and what is wanted.
  void validate() const;
};

}  // namespace sonde
