// The findings as parts of an HTML page.
#pragma once

#include <string>

#include <sonde/report.h>

namespace sonde::report {

// The run in one sentence, "Training broke at step 23 in conv2: learning rate too high". Plain text.
[[nodiscard]] std::string verdict(const Report& report);

// "error", "warning", "healthy", or "empty" if no step was seen: how the page is coloured.
[[nodiscard]] std::string tone(const Report& report);

// The verdict with its symbol and a line below it. HTML.
[[nodiscard]] std::string verdict_section(const Report& report);

// A card for each finding. HTML.
[[nodiscard]] std::string finding_cards(const Report& report);

}  // namespace sonde::report
