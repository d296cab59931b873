#include "faults/process.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include <gtest/gtest.h>

namespace sonde::faults {
namespace {

class Process : public ::testing::Test {
 protected:
  std::string log_ = ::testing::TempDir() + "sonde_process_test.log";
  void TearDown() override { std::filesystem::remove(log_); }
};

TEST_F(Process, GivesTheExitCodeAndKeepsTheOutput) {
  const ProcessEnd end = run_process({"/bin/sh", "-c", "echo said; exit 3"}, log_, 30);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_FALSE(end.ok());
  std::string word;
  std::ifstream(log_) >> word;
  EXPECT_EQ(word, "said");
}

TEST_F(Process, IsKilledAtTheLimit) {
  const ProcessEnd end = run_process({"/bin/sh", "-c", "exec sleep 600"}, log_, 0.05);
  EXPECT_TRUE(end.timed_out);
  EXPECT_FALSE(end.ok());
}

TEST_F(Process, SuccessIsZeroInTime) { EXPECT_TRUE(run_process({"/bin/sh", "-c", "true"}, log_, 30).ok()); }

TEST_F(Process, ASignalIsNoSuccess) {
  const ProcessEnd end = run_process({"/bin/sh", "-c", "kill -SEGV $$"}, log_, 30);
  EXPECT_FALSE(end.ok());
  EXPECT_EQ(end.exit_code, -1);
}

TEST_F(Process, AProgramThatIsNotThereIsAnError) {
  EXPECT_THROW(static_cast<void>(run_process({"/no/such/program"}, log_, 30)), std::system_error);
}

}  // namespace
}  // namespace sonde::faults
