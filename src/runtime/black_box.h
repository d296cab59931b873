// BlackBox: a session's trace file, or none. Its failures never reach the training; the report tells them.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include <sonde/options.h>
#include <sonde/report.h>

#include "runtime/trouble.h"
#include "trace/ring.h"
#include "trace/sequence.h"
#include "trace/trace_writer.h"

namespace sonde::runtime {

// Thread-safety: all members may be called from any thread, but the destructor.
class BlackBox {
 public:
  // Opens Options::trace_file, if it names one. `troubles` must outlive this.
  BlackBox(const Options& options, Troubles& troubles);
  ~BlackBox();
  BlackBox(const BlackBox&) = delete;
  BlackBox& operator=(const BlackBox&) = delete;

  [[nodiscard]] bool recording() const noexcept { return writer_.has_value(); }
  // In the file if there is one.
  [[nodiscard]] trace::Sequence& sequence() noexcept { return writer_ ? writer_->sequence() : own_sequence_; }
  // Null if there is no file.
  [[nodiscard]] trace::Journal* journal() noexcept { return writer_ ? &*writer_ : nullptr; }
  // Memory for a ring in the file; nothing if there is no file, or no space in it.
  [[nodiscard]] std::optional<trace::Ring<trace::Record>::Memory> ring_memory();

  // Keeps the report, which takes the first `position` records into account. Keeps nothing if there is no file.
  void keep(const Report& report, std::uint64_t position);

  // Adds what could not be kept, and why.
  void tell_failures(Report& report);

 private:
  void fail(const std::string& what, const std::string& why);

  Troubles& troubles_;
  const std::string path_;
  trace::Sequence own_sequence_;
  std::optional<trace::TraceWriter> writer_;
  std::mutex mutex_;
  std::vector<NotObserved> failures_;  // by what
};

}  // namespace sonde::runtime
