// `sonde watch` beside a session that writes.
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/shell.h"
#include "runtime/session.h"
#include "runtime/small_run.h"

namespace sonde::command {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Watch : public testing::Shell {
 protected:
  [[nodiscard]] Options options() const {
    Options options = runtime::polled();
    options.trace_file = path("run.sonde");
    options.trace_records = 4096;
    return options;
  }
};

TEST_F(Watch, ShowsARunThatIsOnAndThenThatItHasEnded) {
  {
    runtime::Session session(options());
    const auto site = session.catalog().add(runtime::layer("fc"));
    EXPECT_THAT(sonde("watch --once FOLDER/run.sonde").out, StartsWith("test: running\nno step yet"));
    for (std::uint64_t step = 0; step < 35; ++step) runtime::push_step(session, site, step, step >= 30);
    session.poll();
    const std::string shown = sonde("watch --once FOLDER/run.sonde").out;
    EXPECT_THAT(shown, StartsWith("test: running\nstep 34"));
    EXPECT_THAT(shown, HasSubstr("  error["));
  }
  EXPECT_THAT(sonde("watch --once FOLDER/run.sonde").out, StartsWith("test: ended\nstep 34"));
  EXPECT_THAT(sonde("watch FOLDER/run.sonde").out, HasSubstr("  ended\n"));
}

TEST_F(Watch, EndsWhenTheProgramIsGone) {
  const pid_t child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    auto* const session = new runtime::Session(options());
    runtime::train(*session, false);
    ::_exit(0);  // without a word, as after kill -9
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_THAT(sonde("watch --once FOLDER/run.sonde").out, StartsWith("test: gone: the program ended without"));
  EXPECT_THAT(sonde("watch -i 0.05 FOLDER/run.sonde").out, HasSubstr("step 39"));
}

}  // namespace
}  // namespace sonde::command
