// The fault suite: runs known-faulty programs and their repaired twins under the monitor and scores what it says.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <set>

#include <CLI/CLI.hpp>

#include "faults/readers.h"
#include "faults/run_one.h"
#include "faults/suite.h"
#include "faults/table.h"
#include "faults/temporary_folder.h"
#include "faults/variations.h"

namespace {

using namespace sonde::faults;

std::vector<std::filesystem::path> case_files(const std::vector<std::string>& folders,
                                              const std::vector<std::string>& only) {
  const std::set<std::string> wanted(only.begin(), only.end());
  std::set<std::filesystem::path> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".json") continue;
      if (wanted.empty() || wanted.contains(entry.path().stem().string())) files.insert(entry.path());
    }
  }
  return {files.begin(), files.end()};
}

// The cases that can be read; the others are told, and `trouble` is set.
std::vector<Case> load_cases(const std::vector<std::filesystem::path>& files, bool& trouble) {
  std::vector<Case> cases;
  for (const std::filesystem::path& file : files) {
    try {
      cases.push_back(load_case(file));
    } catch (const std::exception& error) {
      std::cerr << "rejected: " << error.what() << '\n';
      trouble = true;
    }
  }
  return cases;
}

int run_suite(const std::vector<std::filesystem::path>& files, std::size_t variations, const SuiteOptions& options,
              const std::string& json_file) {
  const auto start = std::chrono::steady_clock::now();
  const TemporaryFolder folder;
  bool trouble = false;
  std::vector<Case> cases = load_cases(files, trouble);
  if (cases.empty()) {
    std::cerr << "no cases\n";
    return 2;
  }
  if (variations > 0) cases = make_variations(cases, variations, folder.path());

  const std::vector<CaseScore> scores = run_cases(cases, options);
  if (variations > 0) discount_unlearnt(cases, scores);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<const CaseScore*> all;
  for (const CaseScore& score : scores) {
    all.push_back(&score);
    trouble = trouble ||
              std::any_of(score.runs.begin(), score.runs.end(), [](const Trial& run) { return !run.failure.empty(); });
  }
  if (options.bare) {
    print_bare(std::cout, scores);
    return trouble ? 1 : 0;
  }
  print_rows(std::cout, scores);
  print_benchmarks(std::cout, scores);
  if (!json_file.empty()) {
    std::ofstream stream(json_file);
    stream << to_json(scores, seconds).dump(1) << '\n';
    if (!stream.flush()) {
      std::cerr << "cannot write " << json_file << '\n';
      trouble = true;
    }
  }
  std::cout << '\n' << summary_line(add_up(all), seconds) << std::endl;
  return trouble ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Runs fault cases under the monitor and scores what it reports. Exit code: 0; 1 if a file was rejected or "
      "a run failed; 2 if there was nothing to run.");
  std::vector<std::string> folders{SONDE_FAULT_CASES};
  std::vector<std::string> only;
  std::string json_file, file, output, digits = SONDE_DIGITS;
  std::size_t variations = 0;
  SuiteOptions options;
  RunOne one;
  app.add_option("--cases", folders, "folder with case files, searched through; repeatable")->capture_default_str();
  app.add_option("--only", only, "the id of a case to run; repeatable");
  app.add_option("--json", json_file, "write every finding of every run to this file");
  app.add_option("--jobs", options.jobs, "runs at a time")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--seeds", options.seeds, "seeds of weights, order and dropout; the worst counts")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--limit", options.time_limit, "seconds a run may take")->capture_default_str();
  app.add_option("--digits", digits, "the table of digits")->capture_default_str();
  app.add_option("--variations", variations,
                 "instead of the cases: their healthy programs, and so many variations of them");
  app.add_flag("--every-step", options.every_step, "observe every step in full");
  app.add_flag("--replayed", options.replayed,
               "record each run in a trace file; it fails if the replay gives another report");
  app.add_flag("--bare", options.bare, "without a monitor: shows what the programs do");
  const auto internal = "one run in this process";
  app.add_option("--run-one", file, "a case file")->group(internal);
  app.add_option("--output", output, "where its result goes")->group(internal);
  app.add_option("--threads", one.threads, "of LibTorch")->group(internal);
  app.add_flag("--patched", one.patched, "the patched variant")->group(internal);
  CLI11_PARSE(app, argc, argv);
  options.digits = digits;

  try {
    if (file.empty()) return run_suite(case_files(folders, only), variations, options, json_file);
    one.file = file;
    one.output = output;
    one.digits = digits;
    one.bare = options.bare;
    one.every_step = options.every_step;
    one.replayed = options.replayed;
    one.seed = options.seeds.at(0);
    run_one(one);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
