#include <clocale>
#include <cmath>
#include <limits>
#include <locale>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/comparison.h>
#include <nlohmann/json.hpp>

#include "comparison_sample.h"
#include "pattern.h"
#include "report/comparison_groups.h"
#include "report/text.h"

namespace sonde::report {
namespace {

using compare::Cause;
using compare::Fault;
using compare::Result;
using compare::Stage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ComparisonNames, AreDistinctAndInDashes) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Cause::frozen_in); ++i) names.insert(to_string(static_cast<Cause>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Cause::frozen_in) + 1);
  EXPECT_EQ(to_string(Cause::parameter_permuted), "parameter-permuted");
  EXPECT_EQ(to_string(Cause::frozen_in), "frozen-in");
  EXPECT_EQ(to_string(Stage::dynamic), "dynamic");
  EXPECT_EQ(to_string(static_cast<Stage>(99)), "invalid");
}

TEST(ComparisonText, TellsFaultsAsACompilerDoes) {
  EXPECT_TRUE(matches(
      faulty().text(),
      R"(sonde: net against resnet.pt: 5 faults, 1 without effect on these inputs; first divergence at layer1.0.bn1
       (batch_norm)

sonde: error[argument] layer1.0.bn1 (batch_norm) and 2 more                                         net.cpp:41
  differs   eps is 0.001 in the target, 1e-05 in the reference
  error     0.0021 at its output, 2300 times what rounding explains; up to 0.004 at that of layer2.0.bn1
  repair    set eps = 1e-05: the error falls to 0.8 times that
  also in   layer1.0.bn2, layer2.0.bn1

sonde: error[operation-missing] layer2.relu (relu) of the reference
  differs   the target has no relu after layer2.bn2

sonde: error[parameter-flatten-order] head.fc.weight (linear)                                       net.cpp:88
  differs   its columns are in the order (H, W, C) of (C, H, W) = (64, 7, 7); the reference has (C, H, W)
  why       in that order 31360 of 31360 elements are equal; as it is, 20
  error     1.21 at its output, 1200000 times what rounding explains
  repair    permute the columns to the order (C, H, W): the error falls to 0.5 times that

sonde: warning[argument] layer1.0.bn1 (batch_norm)                                                  net.cpp:41
  differs   momentum is 0.99 in the target, 0.1 in the reference
  error     3e-07 at its output, 0.33 times what rounding explains: without effect on these inputs
  repair    set momentum = 0.1

sonde: compared
  determinism  both give the same outputs twice
  parameters   161 of 162 parameters equal
  structure    57 of 57 operations correspond
  dynamic      not done: the structures differ
sonde: outputs
  before    relative error 1.3, 1400000 times what rounding explains; another best class in 60 of 64 samples,
            other best five in 64
  repaired  relative error 0.02, 22000 times what rounding explains; another best class in 3 of 64 samples,
            other best five in 10
sonde: not compared: head.quant (quantised)
)"));
}

TEST(ComparisonText, OfEqualModelsIsShort) {
  EXPECT_TRUE(matches(alike().text(), R"(sonde: net against resnet.pt: no faults
sonde: compared
  determinism  both give the same outputs twice
  parameters   162 of 162 parameters equal
  structure    57 of 57 operations correspond
sonde: outputs: relative error 8e-07, 0.89 times what rounding explains; the best classes of 64 samples are
       the same
)"));
  EXPECT_TRUE(alike().equal());
  EXPECT_FALSE(faulty().equal());
}

TEST(ComparisonText, FaultsWithoutEffectLeaveModelsEqual) {
  Result result = alike();
  result.faults.push_back(faulty().faults.back());
  EXPECT_TRUE(result.equal());
  EXPECT_THAT(result.text(), HasSubstr("no faults, 1 without effect on these inputs"));
  EXPECT_THAT(result.text(), Not(HasSubstr("error[")));
}

TEST(ComparisonText, ATriedRepairThatDidNotHelpIsSaidSo) {
  Result result = alike();
  result.faults = {wrong_eps()};
  result.faults[0].repair.accepted = false;
  result.faults[0].repair.error_after = 0.002;
  EXPECT_THAT(result.text(), HasSubstr("set eps = 1e-05: tried, but the error is then 2200 times that"));
}

TEST(ComparisonText, ARepairMayLeaveNoError) {
  Result result = alike();
  result.faults = {wrong_eps()};
  result.faults[0].repair.error_after = 0;
  EXPECT_THAT(result.text(), HasSubstr("set eps = 1e-05: no error is left"));
}

TEST(ComparisonText, NamesParametersWithTheirLayerOnce) {
  const auto named = [](const char* layer, const char* name) {
    Fault fault = wrong_eps();
    fault.stage = Stage::parameters;
    fault.target = {layer, "linear", 3, name, {}};
    return place_of(fault);
  };
  EXPECT_EQ(named("head.fc", "head.fc.weight"), "head.fc.weight (linear)");
  EXPECT_EQ(named("head.fc", "weight"), "head.fc.weight (linear)");
  EXPECT_EQ(named("weight", "weight"), "weight (linear)") << "a parameter of the model itself";
  EXPECT_EQ(named("", "weight"), "weight (linear)");
  EXPECT_EQ(named("head.fc", ""), "head.fc (linear)");
}

TEST(ComparisonText, WithoutARunThereIsNoErrorToTell) {
  Result result;
  result.faults = {wrong_eps()};
  result.faults[0].error = result.faults[0].floor = result.before.error = std::nan("");
  result.faults[0].repair.tried = result.faults[0].repair.accepted = false;
  EXPECT_THAT(result.text(), Not(HasSubstr("nan")));
  EXPECT_THAT(result.text(), HasSubstr("outputs that cannot be compared"));
  EXPECT_FALSE(Result{}.text().empty());
}

TEST(ComparisonText, SurvivesHostileNames) {
  Result result = faulty();
  const std::string hostile = "</script>\x1b[31m{0}\xff\nsonde: no faults";
  result.target = hostile;
  for (Fault& fault : result.faults) {
    fault.message = fault.target.layer = fault.target.name = fault.target.operation = fault.repair.what = hostile;
    fault.evidence = {hostile};
  }
  result.stages[0].summary = result.not_compared[0].what = hostile;
  const std::string text = result.text();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
  EXPECT_EQ(text.find("\nsonde: no faults"), std::string::npos);
}

TEST(ComparisonText, KeepsItsWidthAndKnowsNoLocale) {
  const std::string before = faulty().text();
  std::istringstream lines(before);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width(line), kWidth) << line;
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  std::ostringstream out;
  out.imbue(std::locale(std::locale::classic(), new Comma));
  faulty().print(out);
  EXPECT_EQ(out.str(), before);
}

TEST(ComparisonText, ThousandsOfFaultsStayReadable) {
  Result result = alike();
  for (int i = 0; i < 3000; ++i) {
    Fault fault = wrong_eps();
    fault.target.layer = "layer" + std::to_string(i);
    result.faults.push_back(fault);
  }
  EXPECT_LT(result.text().size(), 2000U);
  EXPECT_THAT(result.text(), HasSubstr("and 2991 more"));
  for (int i = 0; i < 3000; ++i) result.faults[i].message = "argument " + std::to_string(i);
  EXPECT_LT(result.text().size(), 20000U);
  EXPECT_THAT(result.text(), HasSubstr("2960 more faults; to_json() has all"));
}

TEST(ComparisonGroups, TheFirstDivergenceComesFirst) {
  Result result = faulty();
  EXPECT_THAT(groups_of(result), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3), ElementsAre(4), ElementsAre(5)));
  result.first_divergence = 1;
  EXPECT_THAT(groups_of(result), ElementsAre(ElementsAre(1, 0, 2), ElementsAre(3), ElementsAre(4), ElementsAre(5)));
  result.first_divergence = 4;
  EXPECT_THAT(groups_of(result), ElementsAre(ElementsAre(4), ElementsAre(0, 1, 2), ElementsAre(3), ElementsAre(5)));
  result.first_divergence = 77;  // of no fault
  EXPECT_EQ(groups_of(result).size(), 4U);
}

TEST(ComparisonGroups, ValuesOfArgumentsMatterNumbersOfTensorsDoNot) {
  Result result = alike();
  result.faults = {wrong_eps(), wrong_eps()};
  result.faults[1].message = "eps is 0.1 in the target, 1e-05 in the reference";
  EXPECT_EQ(groups_of(result).size(), 2U);
  for (Fault& fault : result.faults) {
    fault.stage = Stage::parameters;
    fault.cause = Cause::parameter_not_loaded;
    fault.target.name = fault.target.layer + ".running_mean";
  }
  result.faults[0].message = "all its 64 elements are 0; the reference's are not";
  result.faults[1].message = "all its 128 elements are 0; the reference's are not";
  EXPECT_EQ(groups_of(result).size(), 1U);
  result.faults[1].target.name = "bn.running_var";
  EXPECT_EQ(groups_of(result).size(), 2U);
}

TEST(ComparisonJson, HasEveryFieldAndNullForWhatIsNotFinite) {
  Result result = faulty();
  result.faults[0].error = std::numeric_limits<double>::infinity();
  const auto json = nlohmann::json::parse(result.to_json());
  EXPECT_EQ(json["schema"]["name"], "sonde-comparison");
  EXPECT_EQ(json["faults"].size(), 6U);
  EXPECT_TRUE(json["faults"][0]["error"].is_null());
  EXPECT_TRUE(json["faults"][3]["floor"].is_null());
  EXPECT_EQ(json["faults"][4]["cause"], "parameter-flatten-order");
  EXPECT_EQ(json["faults"][4]["target"]["source"]["line"], 88);
  EXPECT_TRUE(json["faults"][3]["target"]["index"].is_null());
  EXPECT_EQ(json["first_divergence"], 0);
  EXPECT_EQ(json["equal"], false);
  EXPECT_EQ(json["after"]["top1_changed"], 3);
  EXPECT_TRUE(nlohmann::json::parse(Result{}.to_json())["first_divergence"].is_null());
}

TEST(ComparisonJson, ReplacesWhatIsNoUtf8) {
  Result result = alike();
  result.target = "\xff";
  EXPECT_EQ(nlohmann::json::parse(result.to_json())["target"], "\uFFFD");
}

}  // namespace
}  // namespace sonde::report
