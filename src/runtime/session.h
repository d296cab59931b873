// Session: everything of a monitor that knows nothing of LibTorch: catalog, rings, analysis, report.
//
// The probe adds sites to catalog(), pushes records with producer_for_this_thread().push() and says end_step() after
// each RecordKind::step_end. The guard reads broken(), the sampler suspicious(). That is all a training thread calls.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <sonde/options.h>
#include <sonde/report.h>

#include "analysis/engine.h"
#include "analysis/timeline.h"
#include "runtime/black_box.h"
#include "runtime/metric_names.h"
#include "runtime/outlets.h"
#include "runtime/trouble.h"
#include "runtime/worker.h"
#include "trace/catalog.h"
#include "trace/trace_file.h"

namespace sonde::runtime {

// Thread-safety: all members may be called from any thread, but the destructor: when it begins, no thread may push any
// more, nor call another member. Threads that once pushed may outlive the session.
class Session {
 public:
  struct Extras {
    // Turns Site::frames into a line. Called by report() and trace() for sites that findings name and that have none,
    // under no lock, by whatever thread these are called from; with a trace file, by the analysis thread for all sites.
    std::function<SourceLine(std::span<const std::uintptr_t>)> resolve;
  };

  // Reads name, on_fault, ring_capacity, trace_file, trace_records, background, on_trouble, logger, progress, tensorboard,
  // own_analyzers and the choice of rules. REQUIRES: options.validate() passes.
  explicit Session(const Options& options) : Session(options, Extras{}) {}
  Session(const Options& options, Extras extras);
  ~Session();

  [[nodiscard]] trace::Catalog& catalog() noexcept { return catalog_; }
  [[nodiscard]] Troubles& troubles() noexcept { return troubles_; }

  // See Worker.
  [[nodiscard]] Producer& producer_for_this_thread() { return worker_.producer_for_this_thread(); }
  void end_step(const Producer& producer) noexcept { worker_.end_step(producer); }
  void wake() noexcept { worker_.wake(); }

  // Pushes a number of the user's, of this step and time. See Monitor::metric.
  void metric(std::string_view name, double value, MetricOptions how, std::uint64_t step, std::uint64_t time_ns);

  // Verdicts of the analysis as of its last look: broken is Engine::broken(), an incident of severity error is open.
  [[nodiscard]] bool broken() const noexcept { return worker_.broken(); }
  [[nodiscard]] bool suspicious() const noexcept { return worker_.suspicious(); }

  // Analyses all that was pushed before the call, on the calling thread.
  void poll();

  // Polls, and says what is known.
  [[nodiscard]] Report report();

  // The run is over: ends the analysis thread and tells what is left, then the closing line to the logger, or the report to
  // std::cerr if there is none. Null: nothing more is said. No other thread may call a member meanwhile.
  void close(const Report* report);

  // Keeps the records that are analysed from now on, for records() and trace(): 128 bytes each, without bound.
  void keep_records();
  // Polls, and returns what was kept.
  [[nodiscard]] std::vector<trace::Record> records();
  [[nodiscard]] trace::Trace trace();

 private:
  class EngineSink : public Sink {
   public:
    EngineSink(trace::Catalog& catalog, rules::RuleChoice rules, analysis::OwnAnalyzerChoice own, Outlets& outlets)
        : catalog_(catalog),
          engine_(catalog, std::move(rules), std::move(own)),
          timeline_(catalog),
          outlets_(outlets) {}
    void consume(std::span<const trace::Record> records) override;
    [[nodiscard]] bool broken() const noexcept override { return engine_.broken(); }
    [[nodiscard]] bool suspicious() const noexcept override { return engine_.suspicious(); }
    [[nodiscard]] analysis::Engine& engine() noexcept { return engine_; }
    [[nodiscard]] Timeline timeline() const { return timeline_.timeline(); }
    void keep() noexcept { keep_ = true; }
    [[nodiscard]] const std::vector<trace::Record>& kept() const noexcept { return kept_; }

   private:
    trace::Catalog& catalog_;
    analysis::Engine engine_;
    analysis::TimelineBuilder timeline_;
    Outlets& outlets_;
    bool keep_ = false;
    std::vector<trace::Record> kept_;
  };

  // What the engine knows at one moment.
  struct Look {
    std::vector<Finding> findings;
    analysis::RunTotals totals;
    std::uint64_t position = 0;
  };
  void own_analyzer_failed(std::string_view name, std::string_view what);
  void announce();  // what is new, where somebody listens

  [[nodiscard]] Look look();
  [[nodiscard]] Report report_of(Look look);
  bool resolve_sources(const std::vector<Finding>& findings);
  template <typename Wanted>
  bool resolve_sites(const Wanted& wanted);
  void keep_report(bool at_once);  // in the black box

  const trace::RunFacts run_;
  const Extras extras_;
  Troubles troubles_;
  BlackBox box_;
  trace::Catalog catalog_;
  std::mutex keep_mutex_;     // one snapshot at a time; taken before all others
  std::size_t resolved_ = 0;  // sites
  std::size_t kept_incidents_ = 0;
  std::chrono::steady_clock::time_point next_snapshot_;
  MetricNames metric_names_;
  Outlets outlets_;
  std::atomic_flag announcing_;
  EngineSink sink_;
  Worker worker_;  // last: its thread uses the others
};

}  // namespace sonde::runtime
