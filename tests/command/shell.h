// Runs the command as a shell would, in a folder of its own.
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace sonde::testing {

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

class Shell : public ::testing::Test {
 protected:
  Shell();
  ~Shell() override;

  // `arguments` as a shell reads them; FOLDER/ stands for the test's folder.
  [[nodiscard]] Outcome sonde(const std::string& arguments) const { return run(SONDE_COMMAND " " + arguments); }
  // Any command line.
  [[nodiscard]] Outcome run(std::string command) const;
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& content) const;
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace sonde::testing
