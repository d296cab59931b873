#include "faults/suite.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "faults/process.h"
#include "faults/temporary_folder.h"

namespace sonde::faults {
namespace {

struct Job {
  const Case* of;
  Trial run;
};

std::string last_lines(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  std::string tail = text.str();
  if (tail.size() > 400) tail = "..." + tail.substr(tail.size() - 400);
  while (!tail.empty() && std::isspace(static_cast<unsigned char>(tail.back()))) tail.pop_back();
  return tail;
}

void run_job(Job& job, const SuiteOptions& options, const std::filesystem::path& folder, std::size_t number) {
  const std::filesystem::path output = folder / fmt::format("{}.json", number);
  const std::filesystem::path log = folder / fmt::format("{}.log", number);
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency() / options.jobs);
  std::vector<std::string> arguments = {std::filesystem::canonical("/proc/self/exe").string(),
                                        "--run-one",
                                        job.of->file.string(),
                                        "--digits",
                                        options.digits.string(),
                                        "--output",
                                        output.string(),
                                        "--seeds",
                                        std::to_string(job.run.seed),
                                        "--threads",
                                        std::to_string(threads)};
  if (job.run.variant == Variant::patched) arguments.emplace_back("--patched");
  if (options.bare) arguments.emplace_back("--bare");
  if (options.every_step) arguments.emplace_back("--every-step");
  if (options.replayed) arguments.emplace_back("--replayed");

  const ProcessEnd end = run_process(arguments, log.string(), options.time_limit);
  const Trial asked = job.run;
  try {
    if (!end.ok()) throw std::runtime_error(end.to_text() + ": " + last_lines(log));
    std::ifstream stream(output);
    job.run = read_run(nlohmann::json::parse(stream));
  } catch (const std::exception& error) { job.run.failure = error.what(); }
  job.run.variant = asked.variant;
  job.run.seed = asked.seed;
  job.run.seconds = end.seconds;
}

}  // namespace

Trial read_run(const nlohmann::json& result) {
  // JSON has no NaN; null stands for it.
  const auto number = [&](const char* key) {
    const nlohmann::json& value = result.at(key);
    return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  };
  Trial run;
  run.steps = result.at("steps").get<std::int64_t>();
  run.first_loss = number("first_loss");
  run.last_loss = number("last_loss");
  run.score = number("score");
  run.stopped_by = result.at("stopped_by").get<std::string>();
  run.refused = result.at("refused").get<std::string>();
  run.report = result.at("report");
  if (!run.report.is_null()) run.findings = read_findings(run.report);
  return run;
}

std::vector<CaseScore> run_cases(const std::vector<Case>& cases, const SuiteOptions& options) {
  std::vector<Job> jobs;
  for (const Case& of : cases) {
    for (std::uint64_t seed : options.seeds) {
      Trial run;
      run.seed = seed;
      run.variant = of.healthy() ? Variant::healthy : Variant::buggy;
      jobs.push_back({&of, run});
      if (!of.patched) continue;
      run.variant = Variant::patched;
      jobs.push_back({&of, run});
    }
  }

  const TemporaryFolder folder;
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < options.jobs; ++i) {
      workers.emplace_back([&] {
        for (std::size_t number; (number = next.fetch_add(1)) < jobs.size();) {
          run_job(jobs[number], options, folder.path(), number);
        }
      });
    }
  }

  std::vector<CaseScore> scores;
  std::size_t begin = 0;
  for (const Case& of : cases) {
    std::vector<Trial> runs;
    while (begin < jobs.size() && jobs[begin].of == &of) runs.push_back(std::move(jobs[begin++].run));
    scores.push_back(score_case(of, std::move(runs)));
  }
  return scores;
}

}  // namespace sonde::faults
