// Causes in words, for those who meet one for the first time.
#pragma once

#include <sonde/finding.h>

namespace sonde::report {

struct CauseText {
  const char* summary;  // one sentence, without a full stop
  const char* group;    // "data", "structure", "loss", "optimization", "initialization", "loop", "numerics"
  Severity usual;       // how bad it usually is
};

[[nodiscard]] const CauseText& text_of(Cause cause) noexcept;

}  // namespace sonde::report
