#include "report/progress.h"

#include <limits>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

namespace sonde::report {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::string read_all(int descriptor) {
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  char bytes[4096];
  const auto count = ::read(descriptor, bytes, sizeof(bytes));
  return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : std::string();
}

// What a terminal takes arrives on its screen when the kernel gets to it; the mark is the last of it.
std::string shown(int terminal, int screen) {
  constexpr std::string_view kMark = "<end>";
  EXPECT_EQ(::write(terminal, kMark.data(), kMark.size()), static_cast<ssize_t>(kMark.size()));
  std::string text;
  char byte = 0;
  while (!text.ends_with(kMark) && ::read(screen, &byte, 1) == 1) text += byte;
  return text.substr(0, text.size() - kMark.size());
}

TEST(ProgressLine, IsNotDrawnWhereThereIsNoTerminal) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ProgressLine line(pipe[1], "sonde");
  EXPECT_FALSE(line.visible());
  line.draw({.step = 1}, kSecond);
  line.clear();
  EXPECT_EQ(read_all(pipe[0]), "");
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(ProgressLine, IsDrawnInPlaceAtMostFourTimesASecondAndTakenAway) {
  int terminal = -1;
  int screen = -1;
  ASSERT_EQ(::openpty(&screen, &terminal, nullptr, nullptr, nullptr), 0);
  {
    ProgressLine line(terminal, "sonde");
    EXPECT_TRUE(line.visible());
    line.draw({.step = 1}, kSecond);
    line.draw({.step = 2}, kSecond + kSecond / 5);
    line.draw({.step = 3}, kSecond + kSecond / 2);
    line.clear();
    line.clear();
  }
  EXPECT_EQ(shown(terminal, screen), "\rsonde: step 1, loss 0\x1b[K\rsonde: step 3, loss 0\x1b[K\r\x1b[K");
  ::close(screen);
  ::close(terminal);
}

TEST(ProgressText, SaysWhatIsKnown) {
  EXPECT_EQ(progress_text("sonde", {.step = 7, .loss = std::numeric_limits<double>::quiet_NaN()}), "sonde: step 7");
  EXPECT_EQ(
      progress_text("gen\x07", {.step = 7, .steps_per_second = 56.14, .loss = 0.0412, .errors = 1, .warnings = 2}),
      "sonde(gen ): step 7, 56.1 steps/s, loss 0.0412, 1 error, 2 warnings");
}

}  // namespace
}  // namespace sonde::report
