#include "faults/generators.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "faults/readers.h"

namespace sonde::faults {
namespace {

// The pinned values were computed from the definitions in README.md by a second implementation.
Dataset make(const char* data) { return make_dataset(read_data(nlohmann::json::parse(data), "/data"), SONDE_DIGITS); }

void expect_begins(const Array& array, const std::vector<double>& values) {
  ASSERT_GE(array.values.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(array.values[i], values[i], 1e-9) << "element " << i;
}

TEST(Generators, Blobs) {
  const Dataset set = make(R"({"generator": "blobs", "n": 6, "seed": 7, "features": 3, "classes": 2, "spread": 0.5,
                               "distance": 2, "labels": "index"})");
  expect_begins(set.x, {-0.105325888945, 2.07393042324, -0.296450286074, 0.990520785917});
  EXPECT_NEAR(set.x.values.back(), 0.0446160365294, 1e-9);
  expect_begins(set.y, {0, 1, 0, 1, 0, 1});
  EXPECT_TRUE(set.y_integral);
}

TEST(Generators, Circles) {
  const Dataset set = make(R"({"generator": "circles", "n": 4, "seed": 7, "noise": 0.1, "factor": 0.5,
                               "labels": "zero_one"})");
  expect_begins(set.x, {1.01446563074, 0.44378230002, -0.00639757539159, 0.517104279402});
  EXPECT_EQ(set.y.shape, (Shape{4, 1}));
}

TEST(Generators, Patterns) {
  const Dataset set = make(R"({"generator": "patterns", "n": 4, "seed": 7, "channels": 3, "height": 4, "width": 5,
                               "classes": 2, "noise": 0.1, "labels": "index"})");
  EXPECT_EQ(set.x.shape, (Shape{4, 3, 4, 5}));
  expect_begins(set.x, {0.857870758948, 0.0351287928354, 0.915835856169, 0.171528752022});
  EXPECT_NEAR(set.x.values.back(), 0.269135049117, 1e-9);
}

TEST(Generators, FunctionOfOneOutput) {
  const Dataset set = make(R"({"generator": "function", "n": 4, "seed": 7, "features": 2, "function": "linear",
                               "coef": [2, -1], "x_range": [-1, 1], "offset": 1, "y_scale": 3, "labels": "real"})");
  expect_begins(set.x, {-0.847383417422, -0.545321849873});
  expect_begins(set.y, {-0.448334954912, 7.44519218314, -0.608426677762, 5.94807271217});
}

TEST(Generators, FunctionOfSeveralOutputs) {
  const Dataset set = make(R"({"generator": "function", "n": 4, "seed": 7, "features": 3, "outputs": 2,
                               "function": "abs", "x_range": [-1, 1], "noise": 0.1, "labels": "real"})");
  EXPECT_EQ(set.y.shape, (Shape{4, 2}));
  expect_begins(set.y, {0.545268130199, 0.575782676737, 0.883336817757, 0.0525917110641});
}

TEST(Generators, Series) {
  const Dataset set = make(R"({"generator": "series", "n": 3, "seed": 7, "length": 4, "noise": 0.1,
                               "labels": "real"})");
  EXPECT_EQ(set.x.shape, (Shape{3, 4, 1}));
  expect_begins(set.x, {0.321306277505, 0.723518761919, 0.826713536957, 0.921614237218});
  expect_begins(set.y, {0.995831657734, 0.654241394429, -0.373529466247});
}

TEST(Generators, Tokens) {
  const char* tokens = R"({"generator": "tokens", "n": 4, "seed": 7, "length": 5, "vocab": 20, "classes": 2,
                           "signal": 0.5, "labels": "index"})";
  expect_begins(make(tokens).x, {6, 8, 16, 3});
  nlohmann::json bag = nlohmann::json::parse(tokens);
  bag["bag"] = true;
  const Dataset bags = make(bag.dump().c_str());
  EXPECT_EQ(bags.x.shape, (Shape{4, 20}));
  EXPECT_EQ(bags.x.values[6], 1);
  EXPECT_EQ(bags.x.values[7], 0);
}

TEST(Generators, Digits) {
  const Dataset set = make(R"({"generator": "digits", "n": 3, "seed": 7, "size": 16, "labels": "index"})");
  EXPECT_EQ(set.x.shape, (Shape{3, 1, 16, 16}));
  expect_begins(set.y, {0, 5, 1});
  EXPECT_EQ(std::accumulate(set.x.values.begin(), set.x.values.begin() + 256, 0.0), 1456);
  EXPECT_EQ(set.x.values[4 * 16 + 4], 9);
  EXPECT_EQ(set.x.values[4 * 16 + 7], 14);
}

TEST(Generators, XorCountsInBinary) {
  const Dataset set = make(R"({"generator": "xor", "n": 5, "labels": "pm_one"})");
  expect_begins(set.x, {0, 0, 1, 0, 0, 1, 1, 1, 0, 0});
  expect_begins(set.y, {-1, 1, 1, -1, -1});
}

TEST(Generators, TablesAreRepeatedInOrder) {
  const Dataset set = make(R"({"generator": "table", "n": 3, "x": [[[1, 2]], [[3, 4]]], "y": [0, 1],
                               "labels": "one_hot"})");
  EXPECT_EQ(set.x.shape, (Shape{3, 1, 2}));
  expect_begins(set.x, {1, 2, 3, 4, 1, 2});
  expect_begins(set.y, {1, 0, 0, 1, 1, 0});
}

TEST(Defects, ImbalanceSpreadsClassZeroEvenly) {
  const Dataset set = make(R"({"generator": "blobs", "n": 8, "features": 1, "classes": 3, "imbalance": 0.5,
                               "labels": "index"})");
  expect_begins(set.y, {1, 0, 2, 0, 1, 0, 2, 0});
}

TEST(Defects, SortingKeepsSamplesAndLabelsTogether) {
  const Dataset set = make(R"({"generator": "xor", "n": 4, "labels": "zero_one", "sorted_by_class": true})");
  expect_begins(set.y, {0, 0, 1, 1});
  expect_begins(set.x, {0, 0, 1, 1, 1, 0, 0, 1});
}

TEST(Defects, ConstantLabels) {
  const Dataset set = make(R"({"generator": "xor", "n": 3, "labels": "one_hot", "constant_label": 1})");
  expect_begins(set.y, {0, 1, 0, 1, 0, 1});
}

TEST(Defects, ShuffledLabelsAreTheSameLabels) {
  const char* data = R"({"generator": "blobs", "n": 30, "seed": 3, "features": 2, "classes": 3, "labels": "index",
                         "shuffle_labels": false})";
  nlohmann::json shuffled = nlohmann::json::parse(data);
  shuffled["shuffle_labels"] = true;
  const Dataset before = make(data);
  Dataset after = make(shuffled.dump().c_str());
  EXPECT_NE(after.y.values, before.y.values);
  EXPECT_EQ(after.x.values, before.x.values);
  EXPECT_EQ(std::count(after.y.values.begin(), after.y.values.end(), 0.0), 10);
}

TEST(Defects, SomeInputsAreNan) {
  const Dataset set = make(R"({"generator": "blobs", "n": 100, "features": 10, "classes": 2, "labels": "index",
                               "nan_fraction": 0.1})");
  const auto missing = std::count_if(set.x.values.begin(), set.x.values.end(), [](double v) { return std::isnan(v); });
  EXPECT_NEAR(static_cast<double>(missing), 100, 40);
}

TEST(Rescaling, OverallByFeatureAndStandard) {
  const char* format = R"({"generator": "table", "n": 2, "x": [[1, 10], [3, 10]], "y": [0, 1], "labels": "index",
                           "range": RANGE})";
  const auto rescaled = [&](const std::string& range) {
    std::string data = format;
    return make(data.replace(data.find("RANGE"), 5, range).c_str()).x.values;
  };
  EXPECT_EQ(rescaled("[0, 9]"), (std::vector<double>{0, 9, 2, 9}));
  EXPECT_EQ(rescaled("[[0, 1], [5, 6]]"), (std::vector<double>{0, 5, 1, 5}));
  EXPECT_EQ(rescaled("\"standard\""), (std::vector<double>{-1, 0, 1, 0}));
  EXPECT_EQ(rescaled("null"), (std::vector<double>{1, 10, 3, 10}));
}

TEST(Labels, TheInputAsTargetIsSharpWhereTheInputIsDegraded) {
  const Dataset set = make(R"({"generator": "table", "n": 1, "x": [[[[1, 3], [5, 7]]]], "y": [0], "labels": "input",
                               "degrade": 2})");
  EXPECT_EQ(set.y.values, (std::vector<double>{1, 3, 5, 7}));
  EXPECT_EQ(set.x.values, (std::vector<double>{4, 4, 4, 4}));
}

TEST(Labels, FlatLabelsLackTheColumn) {
  const char* data = R"({"generator": "xor", "n": 4, "labels": "zero_one", "flat_labels": true})";
  EXPECT_EQ(make(data).y.shape, Shape{4});
}

TEST(Labels, EncodingsThatTheTargetsCannotHaveAreRefused) {
  EXPECT_THROW(make(R"({"generator": "series", "n": 4, "length": 5, "labels": "index"})"), CaseError);
  EXPECT_THROW(make(R"({"generator": "blobs", "n": 4, "features": 2, "classes": 3, "labels": "pm_one"})"), CaseError);
  EXPECT_THROW(make(R"({"generator": "table", "n": 2, "x": [1, 2], "y": [0.5, 1], "labels": "index"})"), CaseError);
}

}  // namespace
}  // namespace sonde::faults
