// Session: everything of a monitor that knows nothing of LibTorch: catalog, rings, analysis, report.
//
// The probe adds sites to catalog(), pushes records with producer_for_this_thread().push() and says end_step() after
// each RecordKind::step_end. The guard reads broken(), the sampler suspicious(). That is all a training thread calls.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <sonde/options.h>
#include <sonde/report.h>

#include "analysis/engine.h"
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
    // under no lock, by whatever thread these are called from.
    std::function<SourceLine(std::span<const std::uintptr_t>)> resolve;
  };

  // Reads name, ring_capacity, background, on_trouble and the choice of rules. REQUIRES: options.validate() passes.
  explicit Session(const Options& options) : Session(options, Extras{}) {}
  Session(const Options& options, Extras extras);

  [[nodiscard]] trace::Catalog& catalog() noexcept { return catalog_; }
  [[nodiscard]] Troubles& troubles() noexcept { return troubles_; }

  // See Worker.
  [[nodiscard]] Producer& producer_for_this_thread() { return worker_.producer_for_this_thread(); }
  void end_step(const Producer& producer) noexcept { worker_.end_step(producer); }
  void wake() noexcept { worker_.wake(); }

  // Verdicts of the analysis as of its last look: broken is Engine::broken(), an incident of severity error is open.
  [[nodiscard]] bool broken() const noexcept { return worker_.broken(); }
  [[nodiscard]] bool suspicious() const noexcept { return worker_.suspicious(); }

  // Analyses all that was pushed before the call, on the calling thread.
  void poll();

  // Polls, and says what is known.
  [[nodiscard]] Report report();

  // Keeps the records that are analysed from now on, for records() and trace(): 128 bytes each, without bound.
  void keep_records();
  // Polls, and returns what was kept.
  [[nodiscard]] std::vector<trace::Record> records();
  [[nodiscard]] trace::Trace trace();

 private:
  class EngineSink : public Sink {
   public:
    EngineSink(const trace::Catalog& catalog, rules::RuleChoice rules) : engine_(catalog, std::move(rules)) {}
    void consume(std::span<const trace::Record> records) override;
    [[nodiscard]] bool broken() const noexcept override { return engine_.broken(); }
    [[nodiscard]] bool suspicious() const noexcept override { return engine_.suspicious(); }
    [[nodiscard]] const analysis::Engine& engine() const noexcept { return engine_; }
    void keep() noexcept { keep_ = true; }
    [[nodiscard]] const std::vector<trace::Record>& kept() const noexcept { return kept_; }

   private:
    analysis::Engine engine_;
    bool keep_ = false;
    std::vector<trace::Record> kept_;
  };

  bool resolve_sources(const std::vector<Finding>& findings);

  const std::string name_;
  const Extras extras_;
  trace::Catalog catalog_;
  Troubles troubles_;
  EngineSink sink_;
  Worker worker_;  // last: its thread uses the others
};

}  // namespace sonde::runtime
