// For tests and tools of this project: a look at what a monitor records. Not installed.
#pragma once

#include <vector>

#include <sonde/monitor.h>

#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::monitor {

// Keeps the records pushed from its construction on, until the monitor dies. Thread-safety: as Monitor::report().
class Inspector {
 public:
  explicit Inspector(Monitor& monitor);

  [[nodiscard]] std::vector<trace::Record> records() const;
  [[nodiscard]] const trace::Catalog& catalog() const;

 private:
  Monitor& monitor_;  // not null; moved-from monitors cannot be inspected
};

}  // namespace sonde::monitor
