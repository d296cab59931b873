// Options of a monitor. The defaults are meant to be right; no option is needed for a first run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spdlog {
class logger;
}

namespace sonde {

class Analyzer;  // <sonde/analyzer.h>
class Rule;      // <sonde/rules.h>

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

  // Of tensors on a device (not the CPU): with `report` the monitor never waits for the device, and a poisoned step is
  // known one step later, also in the Verdict. `skip` and `abort` have to know before the update, so every backward()
  // waits once for the device, as reading the loss with item() does.
  OnFault on_fault = OnFault::report;

  // The share of step time that watching may cost, in (0, 1]. The monitor measures itself and observes as many steps in
  // full as this allows; the cheap checks run on every step.
  double overhead = 0.01;

  // Observe every operation of every step, whatever it costs (typically 5 to 40 % of the step).
  bool every_step = false;

  // The first steps that are always observed in full; baselines are learnt on them. At least 1.
  std::uint32_t first_steps = 20;

  // The longest stretch of steps without a fully observed one, however little `overhead` allows; in a young run a fifth of
  // its steps so far, but no less than a fifth of this. At least 1.
  std::uint32_t max_blind_steps = 1000;

  // Records that fit between the training thread and the analysis, rounded up to a power of two; 128 bytes each. When
  // the analysis falls behind by more, records are dropped and counted. In [256, 2^24].
  std::size_t ring_capacity = std::size_t{1} << 15;

  // Black box: the records, what they refer to and the last report are kept in this file, so that a program that dies,
  // also by kill -9, leaves all that was recorded. Empty: none. The file is as large as trace_records says, 128 bytes
  // each for each thread that trains at a time, and about 1 MiB for the rest; the space is reserved at once. An
  // earlier trace of this name is replaced; anything else is left as it is, and so is a trace that another monitor
  // writes to. If the file cannot be made or grow, the training goes on and the report says so. It must not be
  // truncated by others while it is written: the system then ends the program with SIGBUS. A push costs what it
  // costs in memory; the training thread makes a system call only where space is reserved: for its first record, and now
  // and then for a new operation. See docs/trace-format.md.
  std::string trace_file = {};

  // The records that the file holds, rounded up to a power of two; older ones are overwritten. In [1024, 2^24]. The
  // default is 32 MiB. With a file it stands for ring_capacity, too.
  std::size_t trace_records = std::size_t{1} << 18;

  // Analyse on a thread of its own. false: nothing runs until poll() or report() is called, on the calling thread.
  bool background = true;

  // Remember the call stack of each operation when it is first seen, so that findings name the line of the user's code.
  // About 2 microseconds an operation, once.
  bool source_lines = true;

  // The monitor's own troubles (never those of the training); called at most once for each kind. Default: std::cerr.
  std::function<void(std::string_view)> on_trouble = {};

  // The user's logger. Each finding is logged when it appears, and again when it grows worse, in one call at the level of
  // its severity (error, warn, info), from the analysis thread (from the caller of poll() or report() without one); one
  // closing line follows when the monitor dies. Empty: nothing is said before the end. Then a monitor whose report()
  // nobody asked for says to std::cerr what it found: one line for a healthy run, the report for any other.
  std::shared_ptr<spdlog::logger> logger = {};

  // One line on std::cerr that is drawn again and again: step, pace, loss, findings. Only where that is a terminal; at most
  // four times a second, from the analysis thread.
  bool progress = false;

  // A directory for TensorBoard's event files, made if it is missing; empty: none are written. What the tags mean:
  // docs/tensorboard.md. Two monitors need two directories, or their series mix. Written on the analysis thread: some 80
  // bytes a step, and 60 for each series of a layer on the steps observed in full. Where it cannot be written (no
  // permission, disk full), on_trouble hears of it once, the report says so, and training goes on.
  std::string tensorboard = {};

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

  // A user's own analyzers, which see every step after Sonde's. Each belongs to one monitor; their names must be unique
  // and none of a rule.
  std::vector<std::shared_ptr<Analyzer>> own_analyzers = {};

  // Throws std::invalid_argument that names the field, its value and what is wanted.
  void validate() const;
};

}  // namespace sonde
