// All experiments on healthy programs: they find nothing, and change nothing.
#include "architectures/architecture.h"

#include <gtest/gtest.h>
#include <sonde/sonde.h>

#include "monitor/training.h"
#include "preflight/snapshot.h"

namespace sonde::tests {
namespace {

using architectures::Architecture;

class PreflightOfArchitecture : public testing::TestWithParam<Architecture> {
 protected:
  PreflightOfArchitecture() { at::set_num_threads(1); }
};

TEST_P(PreflightOfArchitecture, FindsNothingAndChangesNothing) {
  torch::manual_seed(11);
  auto options = PreflightOptions::all();
  options.fit_steps = 30;
  for (auto& program : GetParam().make()) {
    const auto example = program.draw();
    const auto loss_of = [&](const torch::Tensor& input) { return program.loss(input, example.target); };
    const auto before = snapshot(*program.model) + snapshot(*program.optimizer);
    const auto report = preflight(program.model, loss_of, example.input, *program.optimizer, options);
    EXPECT_TRUE(snapshot(*program.model) + snapshot(*program.optimizer) == before) << program.name;
    EXPECT_EQ(kinds(report), "") << program.name;
    EXPECT_LE(report.findings.size(), 4u) << kinds(report, Severity::advice);
    // The generator is judged through another model, whose batch normalisation stays in training mode.
    EXPECT_EQ(not_observed(report, "whether"), program.name == "generator") << program.name << ": " << report.to_json();
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, PreflightOfArchitecture, testing::ValuesIn(architectures::all_architectures()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sonde::tests
