// Outlets: what a run tells while it goes on: the TensorBoard file, the user's logger, the progress line.
//
// Knows nothing of threads. The session calls consume() and write() under the lock of the analysis, and the rest from one
// thread at a time without it, because the logger is the user's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sonde/options.h>
#include <sonde/report.h>

#include "report/progress.h"
#include "report/tensorboard.h"
#include "runtime/trouble.h"
#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::runtime {

class Outlets {
 public:
  // Reads name, logger, progress and tensorboard. A file that cannot be made is a trouble, and not observed.
  Outlets(const Options& options, trace::Catalog& catalog, Troubles& troubles);

  // True if incidents are to be told as they appear.
  [[nodiscard]] bool tells_incidents() const noexcept { return logger_ != nullptr || tensorboard_ || progress_; }

  void consume(std::span<const trace::Record> records);
  // Into the TensorBoard file. `now_ns` is the steady clock: the file is flushed every two seconds.
  void write(const std::vector<Finding>& news, std::uint64_t now_ns);
  // How far the run is. Where the progress line is drawn, else nothing.
  [[nodiscard]] std::optional<report::Progress> progress() const;

  void log(const std::vector<Finding>& news);
  void draw(report::Progress progress, std::uint64_t now_ns);
  // The end: `report` is null if nothing more is to be said.
  void close(const Report* report);

 private:
  template <typename Write>
  void safely(const Write& write);

  const std::string name_;
  const std::shared_ptr<spdlog::logger> logger_;
  trace::Catalog& catalog_;
  Troubles& troubles_;
  std::optional<report::TensorBoardWriter> tensorboard_;
  std::optional<report::ProgressLine> progress_;
  std::uint64_t flushed_ns_ = 0;
  report::Progress seen_;
  std::uint64_t pace_from_ns_ = 0;  // of the pace: measured over at least half a second
  std::uint64_t pace_from_step_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t warnings_ = 0;
};

}  // namespace sonde::runtime
