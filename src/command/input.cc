#include "command/input.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "runtime/replay.h"

namespace sonde::command {
namespace {

namespace fs = std::filesystem;

enum class Kind { trace, report };

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error(path + ": " + why);
}

Kind kind_of(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) refuse(path, error ? error.message() : "there is no such file");
  if (fs::is_directory(status)) refuse(path, "is a directory; wanted: a trace file or a report as JSON");
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse(path, std::generic_category().message(errno));
  std::array<char, 8> begin{};
  in.read(begin.data(), begin.size());
  const std::string_view bytes(begin.data(), static_cast<std::size_t>(in.gcount()));
  if (bytes.empty()) refuse(path, "is empty; wanted: a trace file or a report as JSON");
  if (bytes == "SONDETRC") return Kind::trace;
  const auto first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '{') return Kind::report;
  refuse(path, "is neither a trace file, which begins with SONDETRC, nor a report as JSON");
}

Report parse_report(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    return report_from_json(text);
  } catch (const ReportError& error) { refuse(path, error.what()); }
}

}  // namespace

Report read_report(const std::string& path) {
  return kind_of(path) == Kind::report ? parse_report(path) : runtime::replay(trace::load_trace(path));
}

trace::Trace read_trace(const std::string& path, const std::string& purpose) {
  if (kind_of(path) == Kind::report) refuse(path, "is a report; " + purpose + " needs the trace file of the run");
  return trace::load_trace(path);
}

}  // namespace sonde::command
