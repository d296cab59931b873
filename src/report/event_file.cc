#include "report/event_file.h"

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "report/event.h"
#include "report/tf_record.h"

namespace sonde::report {
namespace {

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0 || name[0] == 0) return "localhost";
  return name;
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw std::runtime_error(path + ": " + reason);
}

}  // namespace

EventFile::EventFile(const std::string& directory, double wall_seconds) {
  constexpr int kNames = 1000;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) refuse(directory, error.message());
  const auto stem = fmt::format("{}/events.out.tfevents.{}.{}.{}", directory,
                                static_cast<std::int64_t>(std::floor(wall_seconds)), host_name(), ::getpid());
  for (int i = 0; descriptor_ < 0; ++i) {
    path_ = i == 0 ? stem + ".sonde" : fmt::format("{}.{}.sonde", stem, i);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0 && (errno != EEXIST || i == kNames)) refuse(path_, std::generic_category().message(errno));
  }
  try {
    append(version_event(wall_seconds));
    flush();
  } catch (...) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw;
  }
}

EventFile::~EventFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::append(std::string_view event) {
  if (failed()) return;
  append_tf_record(buffer_, event);
  if (buffer_.size() >= kBuffer) flush();
}

void EventFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !failed()) {
    const auto written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void EventFile::fail(int error) {
  ::close(descriptor_);
  descriptor_ = -1;
  buffer_ = {};
  refuse(path_, std::generic_category().message(error));
}

}  // namespace sonde::report
