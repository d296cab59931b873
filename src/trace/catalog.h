// Catalog: what the site numbers in records stand for, and the facts of the program that do not change every step.
//
// Append-only. The training thread adds a site when it meets a new place, which is rare after the first steps; the
// analysis reads. Each change is dated by the number of records pushed before it, so that the analysis, which runs behind
// or in a replay, sees the catalog as it was when a record was pushed. Thread-safety: every member may be called from any thread (one mutex; never taken on the hot path
// once a site is known to its producer).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <sonde/finding.h>
#include <sonde/meta_model.h>

#include "trace/journal.h"
#include "trace/sequence.h"

namespace sonde::trace {

using sonde::OpClass;

struct Site {
  std::uint32_t id = 0;     // set by the catalog
  std::uint64_t since = 0;  // records pushed before it was added; set by the catalog
  std::string layer;        // path in the module tree, of the owner or of the layer it follows
  bool layer_owns = false;  // false: the operation only follows `layer`
  std::string module_type;  // "Linear", "Sequential" ... of the owner; empty for free functions
  std::string operation;    // "aten::addmm", "LogBackward0"; for parameters empty
  std::string parameter;    // "weight" for sites of parameters, with `layer` their owner
  OpClass op_class = OpClass::other;
  std::uint32_t occurrence = 0;        // 0-based: which call of this operation of this layer in a step
  std::vector<std::int64_t> shape;     // of the output or parameter when first seen
  std::string dtype;                   // "float", "half" ...
  std::vector<std::uint32_t> inputs;   // sites whose outputs it consumes (data flow), without views
  std::vector<double> scalars;         // numeric arguments in schema order (probability of dropout, eps, reduction ...)
  std::vector<std::uintptr_t> frames;  // return addresses of the user's frames, innermost first; empty if unknown
  SourceLine source;                   // resolved from `frames` when a report is made; see probes/call_site.h
};

// A number that the user gives: no operation, but a site, whose `parameter` is the name of the metric.
inline constexpr const char* kMetricOperation = "metric";
[[nodiscard]] inline bool is_metric(const Site& site) { return site.operation == kMetricOperation; }

// Facts of the program, inferred from the first observed steps. Plain; grows with epoch zero.
struct Program {
  std::string optimizer;     // "SGD", "Adam" ..., empty if unknown
  double learning_rate = 0;  // of the first group when attached
  double momentum = 0;
  double weight_decay = 0;
  std::string loss_operation;         // "aten::cross_entropy_loss"; empty if composite
  int loss_reduction = -1;            // 0 none, 1 mean, 2 sum, -1 unknown
  std::uint32_t prediction_site = 0;  // the operation whose output the loss consumes, 0 if unknown
  std::vector<std::int64_t> prediction_shape;
  std::vector<std::int64_t> target_shape;
  std::string target_dtype;
  double target_min = 0, target_max = 0;
  bool target_integral = false;  // every target value is a whole number
  bool target_one_hot = false;
  std::uint64_t target_distinct = 0;   // values in the first batch, where they are whole numbers; 0 unknown
  std::vector<FeatureFacts> features;  // columns of the first input, where it has two dimensions; at most 256
  std::string told_task;               // Options::task
  std::vector<OptimizerGroup> groups;
  std::vector<ModuleFacts> modules;            // as they were when the monitor was attached
  std::vector<std::vector<std::string>> tied;  // paths of parameters that share memory
  std::uint64_t layers = 0;                    // modules that own parameters
  std::uint64_t parameters = 0;                // elements
  std::string torch_version;
  std::string device;
};

// The facts of the program from one record on.
struct ProgramChange {
  std::uint64_t since = 0;  // records pushed before
  Program program;
};

class Catalog {
 public:
  struct Unseen {
    std::string what;
    std::string reason;
    std::uint64_t count;
  };
  static constexpr std::uint64_t kNow = std::numeric_limits<std::uint64_t>::max();

  Catalog() : Catalog(nullptr, nullptr) {}  // site 0 stands for the program as a whole; no change has a date
  // Changes are dated by `sequence` and told to `journal`; either may be null, and must outlive the catalog.
  Catalog(const Sequence* sequence, Journal* journal);

  std::uint32_t add(Site site);
  // The line that `frames` stand for, once someone has resolved them; ids that do not exist are passed over.
  void set_source(std::uint32_t id, SourceLine source);
  [[nodiscard]] Site site(std::uint32_t id) const;  // a copy; site 0 if there is no such id
  [[nodiscard]] std::vector<Site> sites() const;
  // The sites from number `first` on that had been added when record `position` was pushed.
  [[nodiscard]] std::vector<Site> sites_from(std::size_t first, std::uint64_t position) const;
  [[nodiscard]] std::size_t size() const;

  void set_program(Program program);
  [[nodiscard]] Program program() const;
  // As it was when record `position` was pushed.
  [[nodiscard]] Program program_at(std::uint64_t position) const;
  // Program changes that are not yet forgotten, oldest first; empty if there was none.
  [[nodiscard]] std::vector<ProgramChange> programs() const;
  // Nobody will ask for the program before record `position` any more.
  void forget_before(std::uint64_t position);

  // Counts something that was not looked at.
  void not_observed(const std::string& what, const std::string& reason, std::uint64_t times = 1);
  [[nodiscard]] std::vector<Unseen> unseen() const;

  // Takes over what another catalog knew, with its dates. REQUIRES: nothing was added before; sites[0] is the program.
  void restore(std::vector<Site> sites, std::vector<ProgramChange> programs, const std::vector<Unseen>& unseen);

 private:
  // REQUIRES: the mutex is held. Whoever has been given record n, and takes the mutex, sees each change dated up to n.
  [[nodiscard]] std::uint64_t now() const noexcept;

  const Sequence* const sequence_;
  Journal* const journal_;
  mutable std::mutex mutex_;
  std::vector<Site> sites_;
  std::vector<ProgramChange> programs_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> unseen_;
};

}  // namespace sonde::trace
