// A finding as Markdown, for TensorBoard's page of texts.
#pragma once

#include <string>

#include <sonde/finding.h>

namespace sonde::report {

// The name of the surest cause, or of the symptom if no cause is known: "log-of-zero".
[[nodiscard]] std::string title_of(const Finding& finding);

// Cause, place, what was seen, why, what to do. What comes from the program is escaped.
[[nodiscard]] std::string markdown(const Finding& finding);

}  // namespace sonde::report
