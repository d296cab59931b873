// What timeline and HTML report of a very large run cost: processor time a record (making it up included), memory, the
// page's size.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include <CLI/CLI.hpp>

#include "report/huge_run.h"

namespace {

// Of processor time, so that other programs on the machine do not count.
double seconds(std::clock_t since) { return static_cast<double>(std::clock() - since) / CLOCKS_PER_SEC; }

std::size_t bytes_of(const sonde::Timeline& timeline) {
  std::size_t bytes = 0;
  for (const auto& layer : timeline.layers) {
    for (const auto& series : layer.series) bytes += series.capacity() * sizeof(sonde::TimelineBin);
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Timeline and HTML report of a very large run");
  std::size_t layers = 10'000;
  std::uint64_t steps = 1'000'000, every = 1'000;
  app.add_option("--layers", layers, "layers, with six records each on an observed step")->check(CLI::PositiveNumber);
  app.add_option("--steps", steps, "steps of the run")->check(CLI::PositiveNumber);
  app.add_option("--every", every, "steps from one that is observed to the next")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  sonde::testing::HugeRun run(layers);
  const std::clock_t start = std::clock();
  const std::uint64_t records = run.observe(steps / every, every);
  const double fed = seconds(start);
  const sonde::Report report = run.report(1, every);
  const std::clock_t before = std::clock();
  const std::size_t page = report.to_html().size();
  const double written = seconds(before);
  std::printf(
      "layers=%zu steps=%llu records=%llu ns_per_record=%.0f bins=%zu timeline_MiB=%.1f page_MB=%.2f page_s=%.2f\n",
      layers, static_cast<unsigned long long>(steps), static_cast<unsigned long long>(records),
      1e9 * fed / static_cast<double>(records), report.timeline.observed.size(),
      static_cast<double>(bytes_of(report.timeline)) / (1 << 20), static_cast<double>(page) / 1e6, written);
}
