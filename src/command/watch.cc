#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "command/commands.h"
#include "command/frame.h"
#include "command/input.h"
#include "runtime/replay.h"
#include "runtime/snapshot.h"

namespace sonde::command {
namespace {

struct Choice {
  std::string file;
  double interval = 1;
  bool once = false;
};

volatile std::sig_atomic_t interrupted = 0;

extern "C" void interrupt(int /*signal*/) { interrupted = 1; }

std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 100;
}

// Sleeps, or less if a signal comes.
void wait(double seconds) {
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(seconds);
  time.tv_nsec = static_cast<long>((seconds - static_cast<double>(time.tv_sec)) * 1e9);
  ::nanosleep(&time, nullptr);
}

// True if some process holds the trace for writing. A program that opens it in this very moment would be refused its
// lock, so it is asked only when nothing new came.
bool has_writer(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool free = ::flock(file, LOCK_SH | LOCK_NB) == 0;
  ::close(file);
  return !free;
}

// The report that the running monitor keeps in its trace; replaying all of it costs too much to do each second.
Report report_of(const trace::Trace& trace) {
  if (!trace.snapshot.bytes.empty()) {
    if (auto kept = runtime::decode_report(trace.snapshot.bytes)) return *kept;
  }
  return runtime::replay(trace);
}

// Shows frames one over the other on a terminal, one line each elsewhere.
class Screen {
 public:
  void show(const trace::Trace& trace, const Report& report, RunState state) {
    if (!terminal_) {
      const std::string line = short_line(trace, report, state);
      if (line != last_) std::cout << line << std::endl;
      last_ = line;
      return;
    }
    std::string text = drawn_ > 0 ? fmt::format("\x1b[{}F\x1b[J", drawn_) : std::string();
    const std::vector<std::string> lines = frame(trace, report, state, terminal_width());
    for (const std::string& line : lines) text += line + '\n';
    drawn_ = lines.size();
    std::cout << text << std::flush;
  }

 private:
  const bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::size_t drawn_ = 0;  // lines of the last frame
  std::string last_;
};

int watch(const Choice& choice) {
  Screen screen;
  std::uint64_t last_records = 0;
  while (interrupted == 0) {
    const trace::Trace trace = read_trace(choice.file, "watch");
    const std::uint64_t records = trace.first + trace.records.size();
    const bool quiet = records == last_records;
    last_records = records;
    RunState state = trace.closed ? RunState::ended : RunState::running;
    if (state == RunState::running && (quiet || choice.once) && !has_writer(choice.file)) state = RunState::gone;
    const Report report = report_of(trace);
    if (choice.once) {
      for (const std::string& line : frame(trace, report, state, terminal_width())) std::cout << line << '\n';
      return kFine;
    }
    screen.show(trace, report, state);
    if (state != RunState::running) return kFine;
    wait(choice.interval);
  }
  return kFine;
}

}  // namespace

void add_watch(CLI::App& app, int& status) {
  auto choice = std::make_shared<Choice>();
  CLI::App* sub = app.add_subcommand("watch", "Show a running program: step, loss, strangest layers, incidents");
  sub->add_option("FILE", choice->file, "Trace file that the program writes (Options::trace_file)")->required();
  sub->add_option("-i,--interval", choice->interval, "Seconds between two looks at the file")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  sub->add_flag("--once", choice->once, "Show one frame and end");
  sub->callback([choice, &status] {
    struct sigaction action {};
    action.sa_handler = interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    status = watch(*choice);
  });
}

}  // namespace sonde::command
