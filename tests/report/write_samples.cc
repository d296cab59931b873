// Writes reports of every kind of finding and comparisons with every kind of fault, hostile ones too, as JSON and SARIF: what the schemas are tested on.
//
//   report_samples FOLDER
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include <sonde/comparison.h>
#include <sonde/report.h>

#include "comparison_sample.h"
#include "sample.h"

namespace sonde::report {
namespace {

constexpr const char* kHostile = "</script>{0} [x](1) \"\\\x01\x1b[31m\xff\xc3\xa9\n";

// One finding for each cause, over all severities and phases, with and without lines.
Report every_kind() {
  Report report = sick();
  report.findings.clear();
  for (int i = 0; i <= static_cast<int>(Cause::unknown); ++i) {
    Finding finding = log_of_zero();
    finding.severity = static_cast<Severity>(2 - i * 3 / (static_cast<int>(Cause::unknown) + 1));
    finding.origin.where.phase = static_cast<Phase>(i % 7);
    finding.causes.front().cause = static_cast<Cause>(i);
    if (i % 2 == 0) finding.origin.where.source = {};
    if (i % 3 == 0) finding.origin.where.source.function = "only_the_function";
    report.findings.push_back(finding);
  }
  return report;
}

Report hostile() {
  Report report = sick();
  report.context.monitor = report.context.device = kHostile;
  report.context.first_loss = std::numeric_limits<double>::quiet_NaN();
  report.context.last_loss = std::numeric_limits<double>::infinity();
  report.context.parameters = std::numeric_limits<std::uint64_t>::max();
  report.context.metrics.push_back({kHostile, Better::higher, Split::validation, 3, 0.1, 0.3, 7, 0.2});
  report.context.metrics.push_back({"not known", Better::inferred, Split::inferred, 1, 0.5, std::nan(""), 0, 0.5});
  for (Finding& finding : report.findings) {
    finding.origin.kind = finding.origin.message = finding.origin.where.layer = kHostile;
    finding.origin.where.source = {"/src/" + std::string(kHostile), kHostile, 0};
  }
  report.not_observed.push_back({kHostile, kHostile, 1});
  return report;
}

// One fault for each cause, over all stages.
compare::Result every_fault() {
  compare::Result result = faulty();
  for (int i = 0; i <= static_cast<int>(compare::Cause::frozen_in); ++i) {
    compare::Fault fault = wrong_eps();
    fault.cause = static_cast<compare::Cause>(i);
    fault.stage = static_cast<compare::Stage>(i % 6);
    fault.visible = i % 2 == 0;
    result.faults.push_back(fault);
  }
  return result;
}

compare::Result hostile_comparison() {
  compare::Result result = faulty();
  result.reference = result.target = kHostile;
  result.before.error = std::numeric_limits<double>::quiet_NaN();
  for (compare::Fault& fault : result.faults) {
    fault.message = fault.target.layer = fault.reference.name = fault.repair.what = kHostile;
    fault.error = std::numeric_limits<double>::infinity();
    fault.evidence.assign(2, kHostile);
  }
  result.not_compared.push_back({kHostile, kHostile});
  return result;
}

void write(const std::string& name, const Report& report) {
  std::ofstream(name + ".json") << report.to_json();
  std::ofstream(name + ".sarif") << report.to_sarif();
  std::ofstream(name + ".rooted.sarif") << report.to_sarif("/src");
}

}  // namespace
}  // namespace sonde::report

int main(int argc, char** argv) {
  using namespace sonde::report;
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  write(folder + "empty", {});
  write(folder + "healthy", healthy());
  write(folder + "sick", sick());
  write(folder + "every_kind", every_kind());
  write(folder + "hostile", hostile());
  for (const auto& [name, result] : {std::pair{"empty", sonde::compare::Result{}},
                                     {"equal", alike()},
                                     {"faulty", faulty()},
                                     {"every_fault", every_fault()},
                                     {"hostile", hostile_comparison()}})
    std::ofstream(folder + "comparison_" + name + ".json") << result.to_json();
}
