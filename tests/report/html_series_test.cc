#include "report/html_series.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/huge_run.h"
#include "report/sample.h"

namespace sonde::report {
namespace {

using Json = nlohmann::ordered_json;

TimelineBin bin(float last, float min, float max, std::uint16_t samples = 2) { return {last, min, max, samples, 0}; }

// A run of one layer whose gradient has these bins.
Report with(const TimelineSeries& gradient) {
  Report report = healthy();
  report.timeline.layers.resize(1);
  report.timeline.layers[0].path = "fc1";
  report.timeline.layers[0].series[0] = gradient;
  report.timeline.observed.assign(gradient.size(), 1);
  return report;
}

TEST(HtmlSeries, CodesKeepWhatNoNumberIs) {
  const Coding coding{-3, 2};
  EXPECT_EQ(coding.code_of(std::numeric_limits<double>::quiet_NaN()), 65535);
  EXPECT_EQ(coding.code_of(std::numeric_limits<double>::infinity()), 65535);
  EXPECT_EQ(coding.code_of(0), 0);
  EXPECT_EQ(coding.code_of(1e-9), 1);
  EXPECT_EQ(coding.code_of(1e9), 65534);
}

TEST(HtmlSeries, CodesAreExactToAFewParts) {
  const Coding coding{-3, 2};
  for (double value = 1e-3; value < 100; value *= 1.37) {
    const double back = std::pow(10, -3 + (coding.code_of(value) - 1) * 5.0 / 65533);
    EXPECT_NEAR(back / value, 1, 1e-4);
  }
}

TEST(HtmlSeries, AConstantSeriesHasACode) { EXPECT_EQ((Coding{0.5, 0.5}).code_of(3.2), 1); }

TEST(HtmlSeries, TellsOnlyBinsThatWereMeasured) {
  TimelineSeries series(7);
  series[2] = bin(1, 1, 1);
  series[6] = bin(10, 10, 10);
  const Json json = series_json(with(series));
  ASSERT_EQ(json["series"].size(), 1U);
  ASSERT_EQ(json["series"][0].size(), 6U) << "without a range there is one list of codes";
  EXPECT_EQ(json["patterns"][0], "AgAGAA==");   // 2, 6
  EXPECT_EQ(json["series"][0][5], "AQD+/w==");  // the least and the largest
  EXPECT_EQ(json["series"][0][3], 0);
  EXPECT_EQ(json["series"][0][4], 1);
}

TEST(HtmlSeries, TellsTheRangeWithinBinsIfThereIsOne) {
  const Json json = series_json(with({bin(1, 0.5, 2)}));
  EXPECT_EQ(json["series"][0].size(), 8U);
}

TEST(HtmlSeries, MarksABinWithAnythingThatIsNotFinite) {
  TimelineBin one = bin(1, 1, 1);
  one.non_finite = 1;
  const Json json = series_json(with({one}));
  EXPECT_EQ(json["series"][0][5], "//8=");
}

TEST(HtmlSeries, SharesListsOfBins) {
  Report report = with({bin(1, 1, 1), bin(2, 2, 2)});
  report.timeline.layers.push_back(report.timeline.layers[0]);
  EXPECT_EQ(series_json(report)["patterns"].size(), 1U);
  report.timeline.layers[1].series[0].pop_back();
  EXPECT_EQ(series_json(report)["patterns"].size(), 2U);
}

TEST(HtmlSeries, PointsToTheLayerOfAFinding) {
  Report report = with({bin(1, 1, 1)});
  report.findings = {log_of_zero(), redundant_dropout()};
  report.findings[0].origin.where.layer = "fc1";
  const Json json = series_json(report);
  EXPECT_EQ(json["findings"][0]["layer"], 0);
  EXPECT_EQ(json["findings"][0]["step"], 37);
  EXPECT_EQ(json["findings"][0]["quantity"], static_cast<int>(Quantity::non_finite));
  EXPECT_TRUE(json["findings"][1]["layer"].is_null()) << "no such layer was measured";
}

TEST(HtmlSeries, AnOutputThatIsNotFiniteIsShownAmongOutputsIfItIsTheLayersOwn) {
  Report report = with({bin(1, 1, 1)});
  report.findings = {log_of_zero()};
  report.findings[0].origin.where.layer = "fc1";
  report.findings[0].origin.step = 0;
  TimelineBin bad = bin(1, 1, 1);
  bad.non_finite = 1;
  report.timeline.layers[0].series[static_cast<std::size_t>(Quantity::activation)] = {bad};
  EXPECT_EQ(series_json(report)["findings"][0]["quantity"], static_cast<int>(Quantity::activation));
}

TEST(HtmlSeries, AGradientThatIsNotFiniteIsShownAmongGradients) {
  Report report = with({bin(1, 1, 1)});
  report.findings = {log_of_zero()};
  report.findings[0].origin.where.phase = Phase::backward;
  EXPECT_EQ(series_json(report)["findings"][0]["quantity"], static_cast<int>(Quantity::output_gradient));
}

TEST(HtmlSeries, OfALossKeepsWhereItWasNotFinite) {
  Report report = healthy();
  TimelineBin bad;
  bad.samples = bad.non_finite = 1;
  report.timeline.losses.push_back({"nll_loss", 4, {bin(-2.5F, -2.5F, -2.5F), {}, bad}});
  const Json loss = series_json(report)["losses"][0];
  EXPECT_EQ(loss["steps"], Json({0, 8}));
  EXPECT_EQ(loss["last"], Json({-2.5, nullptr}));
  EXPECT_EQ(loss["bad"], Json({1}));
  EXPECT_FALSE(loss.contains("min"));
}

TEST(HtmlSeries, GetCoarserWhenTheyAreLarge) {
  TimelineSeries series;
  for (int i = 0; i < 512; ++i) series.push_back(bin(1, 0.5, 2));
  Report report = with(series);
  EXPECT_EQ(series_json(report)["columns"].size(), 512U);
  report.timeline.layers.assign(64, report.timeline.layers[0]);
  const Json json = series_json(report);
  EXPECT_EQ(json["columns"].size(), 256U);
  EXPECT_EQ(json["stepsPerBin"], 2);
}

TEST(HtmlSeries, OfTenThousandLayersStayBelowTenMegabytes) {
  testing::HugeRun run(10'000);
  const Report report = run.report(40, 25'000);
  const Json json = series_json(report);
  EXPECT_EQ(json["layers"].size(), 10'000U);
  EXPECT_GE(json["columns"].size(), 16U);
  EXPECT_EQ(json["series"][0].size(), 6U) << "no room for ranges";
  EXPECT_LT(report.to_html().size(), 10'000'000U);
}

}  // namespace
}  // namespace sonde::report
