#include "architectures/architecture.h"

#include <gtest/gtest.h>
#include <sonde/sonde.h>

namespace sonde::architectures {
namespace {

constexpr int kSteps = 30;

std::string line_of(const Finding& finding) {
  const auto& origin = finding.origin;
  return std::string(to_string(finding.severity)) + "[" + std::string(to_string(finding.causes.at(0).cause)) + "] " +
         origin.kind + " in " + origin.where.layer + origin.where.part + " " + origin.where.operation + " at step " +
         std::to_string(origin.step) + ": " + origin.message + "\n";
}

std::string lines_of(const Report& report, Severity least, Severity most) {
  std::string text;
  for (const auto& finding : report.findings)
    if (finding.severity >= least && finding.severity <= most) text += line_of(finding);
  return text;
}

class HealthyArchitecture : public testing::TestWithParam<Architecture> {
 protected:
  HealthyArchitecture() { at::set_num_threads(1); }

  static std::vector<Report> train(Options options) {
    torch::manual_seed(11);
    auto programs = GetParam().make();
    options.background = false;  // what is seen depends on no thread
    std::vector<std::unique_ptr<Monitor>> monitors;
    for (auto& program : programs) {
      options.name = program.name;
      monitors.push_back(std::make_unique<Monitor>(program.model, *program.optimizer, options));
    }
    for (int step = 0; step < kSteps; ++step) {
      for (std::size_t i = 0; i < programs.size(); ++i) {
        const auto example = programs[i].draw();
        programs[i].optimizer->zero_grad();
        monitors[i]->backward(programs[i].loss(example.input, example.target));
        programs[i].optimizer->step();
      }
    }
    std::vector<Report> reports;
    for (auto& monitor : monitors) reports.push_back(monitor->report());
    return reports;
  }

  static void expect_silence(const std::vector<Report>& reports) {
    for (const auto& report : reports) {
      EXPECT_EQ(report.context.steps, static_cast<std::uint64_t>(kSteps));
      EXPECT_EQ(lines_of(report, Severity::warning, Severity::error), "");
      const auto advices = report.findings.size() - report.count(Severity::warning);
      EXPECT_LE(advices, 4u) << lines_of(report, Severity::advice, Severity::advice);
    }
  }
};

TEST_P(HealthyArchitecture, GetsNoWarningAndFewAdvicesWithDefaultOptions) { expect_silence(train(Options())); }

TEST_P(HealthyArchitecture, GetsNoWarningAndFewAdvicesWhenEveryStepIsObserved) {
  Options options;
  options.every_step = true;
  expect_silence(train(options));
}

TEST_P(HealthyArchitecture, LearnsInThirtySteps) {
  if (GetParam().name == "DCGAN") GTEST_SKIP() << "two losses that work against each other";
  for (const auto& report : train(Options())) EXPECT_LT(report.context.last_loss, report.context.first_loss);
}

INSTANTIATE_TEST_SUITE_P(Architectures, HealthyArchitecture, testing::ValuesIn(all_architectures()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sonde::architectures
