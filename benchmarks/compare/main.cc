// The compare suite: models with known faults against their references, and clean models run differently.
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "compare/suite.h"
#include "compare/table.h"

namespace {

using namespace sonde::pairs;

int self_check(const SuiteOptions& options) {
  std::size_t checked = 0, wrong = 0;
  for_each_pair(options, [&](Group group, const Pair& pair) {
    ++checked;
    const std::string why = check_pair(pair);
    if (why.empty()) return;
    ++wrong;
    std::cout << fmt::format("{} {} {} seed {}{}: {}\n", to_string(group), pair.kind, pair.architecture, pair.seed,
                             pair.script ? " (script)" : "", why);
  });
  std::cout << fmt::format("self-check: pairs={} wrong={}\n", checked, wrong);
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares models with known faults to their references, and scores what the comparison says.");
  SuiteOptions options;
  std::string json_file;
  bool check = false, verbose = false;
  app.add_option("--json", json_file, "write the outcome of every pair to this file");
  app.add_option("--kinds", options.kinds, "only these kinds of fault or clean pair")->delimiter(',');
  app.add_option("--architectures", options.architectures, "only these")->delimiter(',');
  app.add_option("--groups", options.groups, "only these: single, two_at_once, clean, bf16_faulty, bf16_clean")
      ->delimiter(',');
  app.add_option("--seeds", options.seeds, "how many")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_flag("--self-check", check, "only whether faults have an effect and clean pairs none");
  app.add_flag("--verbose", verbose, "print what was said of every pair that went wrong");
  CLI11_PARSE(app, argc, argv);
  if (check) return self_check(options);

  std::vector<Outcome> outcomes;
  for_each_pair(options, [&](Group group, const Pair& pair) {
    outcomes.push_back(compare_pair(group, pair));
    if (verbose) print_failure(std::cout, outcomes.back());
  });
  print_table(std::cout, outcomes);
  if (!json_file.empty()) {
    std::ofstream stream(json_file);
    stream << to_json(outcomes).dump(1) << '\n';
    if (!stream.flush()) {
      std::cerr << "cannot write " << json_file << '\n';
      return 1;
    }
  }
  std::cout << '\n' << summary_line(outcomes) << std::endl;
  return 0;
}
