#include <exception>
#include <iostream>

#include <sonde/version.h>
#include <CLI/CLI.hpp>

#include "command/commands.h"
#include "report/text.h"

namespace {

int run(int argc, char** argv) {
  using namespace sonde::command;
  int status = kFine;
  CLI::App app("What a program watched by Sonde recorded: reports, a live view, differences, a check for CI.", "sonde");
  app.set_version_flag("--version", std::string("sonde ").append(sonde::kVersion));
  app.require_subcommand(1);
  app.footer(
      "FILE is a trace file (Options::trace_file) or a report as JSON (Report::save). Exit codes: 0 fine; 1 check "
      "found\n"
      "something, or the runs of diff differ; 2 wrong usage, or a file that cannot be read or written.");
  add_report(app, status);
  add_watch(app, status);
  add_diff(app, status);
  add_check(app, status);
  add_compare(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? kFine : kTrouble; }
  if (!std::cout.flush()) throw std::runtime_error("the output could not be written");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "sonde: " << sonde::report::clean(error.what()) << '\n';
    return sonde::command::kTrouble;
  }
}
