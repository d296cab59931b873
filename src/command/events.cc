#include "command/events.h"

#include <chrono>
#include <filesystem>

#include "report/tensorboard.h"
#include "runtime/replay.h"
#include "trace/catalog.h"

namespace sonde::command {

void write_events(const trace::Trace& trace, const std::string& path, const std::string& directory) {
  // A trace knows the steady clock only.
  const auto changed = std::chrono::file_clock::to_sys(std::filesystem::last_write_time(path)).time_since_epoch();
  const std::uint64_t last = trace.records.empty() ? 0 : trace.records.back().time_ns;
  trace::Catalog catalog;
  restore(trace, catalog);
  report::TensorBoardWriter writer(directory, {std::chrono::duration<double>(changed).count(), last});
  writer.consume(trace.records, catalog);
  for (const Finding& finding : runtime::replay(trace).findings) writer.incident(finding);
  writer.flush();
}

}  // namespace sonde::command
