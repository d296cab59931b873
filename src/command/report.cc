#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include "command/commands.h"
#include "command/events.h"
#include "command/input.h"
#include "report/format.h"
#include "report/whole_file.h"

namespace sonde::command {
namespace {

struct Choice {
  std::string file;
  std::string format;
  std::string output;
  std::string root;
  std::string tensorboard;
};

const report::Format& format_of(const Choice& choice) {
  if (!choice.format.empty()) return *report::format_named(choice.format);
  if (choice.output.empty()) return *report::format_named("text");
  const report::Format* format = report::format_of_file(choice.output);
  if (format == nullptr) {
    throw std::runtime_error(choice.output + ": no known format; give --format, or a name that ends in one of " +
                             report::endings_of_formats());
  }
  return *format;
}

void run(const Choice& choice) {
  if (!choice.tensorboard.empty()) {
    write_events(read_trace(choice.file, "report --tensorboard"), choice.file, choice.tensorboard);
    if (choice.output.empty() && choice.format.empty()) return;
  }
  const report::Format& format = format_of(choice);
  std::string root;
  if (!choice.root.empty()) root = std::filesystem::absolute(choice.root).lexically_normal().string();
  const std::string text = format.write(read_report(choice.file), root);
  if (choice.output.empty()) {
    std::cout << text;
  } else {
    report::write_whole_file(choice.output, text);
  }
}

std::string known_format(const std::string& name) {
  if (report::format_named(name) != nullptr) return {};
  return "is '" + name + "'; it can be " + report::names_of_formats();
}

}  // namespace

void add_report(CLI::App& app, int& status) {
  auto choice = std::make_shared<Choice>();
  choice->root = ".";
  CLI::App* sub = app.add_subcommand("report", "Write what is known of a run, as text or in another format");
  sub->add_option("FILE", choice->file, "Trace file or report as JSON")->required();
  sub->add_option("-f,--format", choice->format,
                  report::names_of_formats() + "; by default as the name of --output ends, else text")
      ->check(known_format);
  sub->add_option("-o,--output", choice->output, "File to write, in full or not at all; by default standard output");
  sub->add_option(
         "--root", choice->root,
         "For sarif: files below this directory are named relative to it, as code scanning needs them; empty for "
         "none")
      ->capture_default_str();
  sub->add_option("--tensorboard", choice->tensorboard,
                  "Directory for TensorBoard's events of a trace; without --output and --format that is all");
  sub->callback([choice, &status] {
    run(*choice);
    status = kFine;
  });
}

}  // namespace sonde::command
