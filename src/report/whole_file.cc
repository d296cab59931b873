#include "report/whole_file.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sonde/report.h>

#include "report/text.h"

namespace sonde::report {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, const std::error_code& why) {
  throw ReportError(fmt::format("{}: cannot be written: {}", clean(path), why.message()));
}

std::error_code last_error() { return {errno, std::generic_category()}; }

// The error of the first call that failed; none if all of it was written.
std::error_code write_to(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// `flags` beside those of writing. Returns the first error.
std::error_code write_file(const std::string& path, int flags, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  if (file < 0) return last_error();
  std::error_code error = write_to(file, content);
  if (::close(file) != 0 && !error) error = last_error();
  return error;
}

}  // namespace

void write_whole_file(const std::string& path, std::string_view content) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) fail(path, std::make_error_code(std::errc::is_a_directory));
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    if (const auto error = write_file(path, 0, content)) fail(path, error);
    return;
  }
  // A link stays one: what it points to is replaced.
  const fs::path real = fs::exists(status) ? fs::canonical(path, ignored) : fs::path(path);
  const std::string target = real.empty() ? path : real.string();
  const std::string beside = fmt::format("{}.{}.part", target, ::getpid());
  std::error_code error = write_file(beside, O_CREAT | O_TRUNC, content);
  if (!error) fs::rename(beside, target, error);
  if (!error) return;
  fs::remove(beside, ignored);
  fail(path, error);
}

}  // namespace sonde::report
