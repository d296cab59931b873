// The files of src/report/html, as the build put them into the library (cmake/embed_page.cmake).
#pragma once

#include <string_view>

namespace sonde::report {

extern const std::string_view kPage;    // with {{names}} of what is to be filled in
extern const std::string_view kStyle;   // with that of the chart library
extern const std::string_view kScript;  // with the chart library
// For the page's Content-Security-Policy: "sha256-...".
extern const std::string_view kStyleHash;
extern const std::string_view kScriptHash;

}  // namespace sonde::report
