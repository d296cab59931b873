#include "command/shell.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <sys/wait.h>
#include <unistd.h>

namespace sonde::testing {

namespace fs = std::filesystem;

Shell::Shell()
    : folder_(fs::path(::testing::TempDir()) / ("sonde_" + std::to_string(::getpid()) +
                                                ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
  fs::create_directories(folder_);
}

Shell::~Shell() { fs::remove_all(folder_); }

Outcome Shell::run(std::string command) const {
  const std::string mark = "FOLDER/";
  for (std::size_t at = 0; (at = command.find(mark, at)) != std::string::npos;) {
    command.replace(at, mark.size(), folder_.string() + "/");
  }
  command += " >" + path("stdout") + " 2>" + path("stderr");
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("stdout"), read("stderr")};
}

void Shell::write(const std::string& name, const std::string& content) const {
  std::ofstream(path(name), std::ios::binary) << content;
}

std::string Shell::read(const std::string& name) const {
  std::ifstream in(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace sonde::testing
