// `sonde compare` hands over to the program sonde-compare, here a script that says what it was given.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/shell.h"

namespace sonde::command {
namespace {

using ::testing::HasSubstr;

class Compare : public testing::Shell {
 protected:
  Compare() {
    std::filesystem::create_directories(path("bin"));
    std::filesystem::copy_file(SONDE_COMMAND, path("bin/sonde"));
  }

  void put_program(const std::string& folder, const std::string& says, int status = 0) const {
    std::filesystem::create_directories(path(folder));
    const std::string name = folder + "/sonde-compare";
    write(name,
          "#!/bin/sh\necho \"" + says + "\"\nfor a in \"$@\"; do echo \"<$a>\"; done\nexit " + std::to_string(status));
    std::filesystem::permissions(path(name), std::filesystem::perms::owner_all);
  }

  // By a copy of the command that has no other programs beside it.
  [[nodiscard]] testing::Outcome compare(const std::string& arguments, const std::string& environment = "") const {
    return run(environment + " FOLDER/bin/sonde compare " + arguments);
  }
};

TEST_F(Compare, PassesArgumentsAndExitCodeThrough) {
  put_program("bin", "beside", 1);
  const auto outcome = compare("a.pt 'b c.onnx' --input x.npz --json '' -- --odd");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "beside\n<a.pt>\n<b c.onnx>\n<--input>\n<x.npz>\n<--json>\n<>\n<-->\n<--odd>\n");
  EXPECT_EQ(outcome.err, "");
  put_program("bin", "beside", 2);
  EXPECT_EQ(compare("").status, 2);
}

TEST_F(Compare, ItsHelpIsThatOfTheProgram) {
  put_program("bin", "beside");
  EXPECT_EQ(compare("--help").out, "beside\n<--help>\n");
  EXPECT_EQ(compare("-h").out, "beside\n<-h>\n");
  EXPECT_THAT(run("FOLDER/bin/sonde --help").out, HasSubstr("compare"));
}

TEST_F(Compare, LooksBesideItselfThenInLibexecThenOnThePath) {
  put_program("elsewhere", "on the path");
  const std::string environment = "PATH=:/nowhere:FOLDER/elsewhere:$PATH";
  EXPECT_THAT(compare("", environment).out, HasSubstr("on the path"));
  put_program("libexec", "in libexec");
  EXPECT_THAT(compare("", environment).out, HasSubstr("in libexec"));
  put_program("bin", "beside");
  EXPECT_THAT(compare("", environment).out, HasSubstr("beside"));
}

TEST_F(Compare, WithoutTheProgramSaysWhatIsMissing) {
  for (const char* environment : {"PATH=/nowhere", "PATH=", "env -u PATH"}) {
    const auto outcome = compare("a.pt b.pt --input x.npz", environment);
    EXPECT_EQ(outcome.status, 2) << environment;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("this sonde was built without LibTorch"));
  }
  std::filesystem::create_directories(path("bin/sonde-compare"));
  EXPECT_EQ(compare("", "PATH=/nowhere").status, 2) << "a folder is no program";
}

}  // namespace
}  // namespace sonde::command
