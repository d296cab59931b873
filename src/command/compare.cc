// `sonde compare` needs LibTorch, which the command itself does without: the work is done by the program sonde-compare,
// which takes the place of this process.
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "command/commands.h"

namespace sonde::command {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "sonde-compare";

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

// Beside this program, in the libexec folder of its prefix, then where the shell would look.
fs::path find_program() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> folders;
  if (!error) folders = {here, here.parent_path() / "libexec"};
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): there is one thread
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto end = rest.find(':');
    if (end != 0) folders.emplace_back(rest.substr(0, end));
    rest.erase(0, end == std::string::npos ? end : end + 1);
  }
  for (const fs::path& folder : folders)
    if (is_program(folder / kProgram)) return folder / kProgram;
  throw std::runtime_error(std::string("compare needs the program ") + kProgram + ", which is not beside " +
                           (error ? std::string("sonde") : (here / "sonde").string()) +
                           ", nor in ../libexec or on PATH: this sonde was built without LibTorch");
}

[[noreturn]] void become(const fs::path& program, std::vector<std::string> arguments) {
  std::vector<char*> argv;
  std::string name = program.string();
  argv.push_back(name.data());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  throw std::runtime_error(program.string() + ": " + std::generic_category().message(errno));
}

}  // namespace

void add_compare(CLI::App& app, int&) {
  CLI::App* sub =
      app.add_subcommand("compare", "Find where a converted or ported model goes wrong, why, and the repair");
  sub->set_help_flag();  // all that follows is sonde-compare's, --help too
  sub->prefix_command();
  sub->callback([sub] { become(find_program(), sub->remaining()); });
}

}  // namespace sonde::command
