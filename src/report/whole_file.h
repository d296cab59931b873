// Files that are there in full or not at all.
#pragma once

#include <string>
#include <string_view>

namespace sonde::report {

// Writes beside the place of the file, then renames: whoever reads it sees the old content or the new one. What is no
// ordinary file (a pipe, /dev/stdout) is written to as it is. Throws ReportError with the name of the file and why.
void write_whole_file(const std::string& path, std::string_view content);

}  // namespace sonde::report
