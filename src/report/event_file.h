// Event file: a TensorBoard event file that is being written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sonde::report {

// Not thread-safe. What is appended is kept in memory until flush(), at most kBuffer bytes and one event.
class EventFile {
 public:
  static constexpr std::size_t kBuffer = std::size_t{1} << 18;

  // Makes the directory if it is missing, and a new file events.out.tfevents.<seconds>.<host>.<pid>.sonde in it; a number
  // comes before the last word if there is one of that name. Throws std::runtime_error that names the path and the reason.
  EventFile(const std::string& directory, double wall_seconds);
  ~EventFile();  // without flush()
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Throw std::runtime_error if the file cannot be written; it ends where it was then, and nothing more is written.
  void append(std::string_view event);
  void flush();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool failed() const noexcept { return descriptor_ < 0; }

 private:
  [[noreturn]] void fail(int error);

  std::string path_;
  int descriptor_ = -1;
  std::string buffer_;
};

}  // namespace sonde::report
