#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/readers.h"
#include "tests/faults/sample_case.h"

namespace sonde::faults {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What the check says of a model on 3-channel 8x8 images of four classes, with the given loss and labels.
std::string verdict(const char* model, const char* loss = "cross_entropy", const char* labels = "index") {
  json document = testing::sample_case();
  document["data"] = {{"generator", "patterns"}, {"n", 8}, {"channels", 3}, {"height", 8}, {"width", 8}, {"classes", 4},
                      {"labels", labels}};
  document["model"] = json::parse(model);
  document["loss"]["type"] = loss;
  try {
    static_cast<void>(read_case(document));
    return "fits";
  } catch (const std::exception& error) { return error.what(); }
}

TEST(Shapes, AConvolutionalNetworkThatFitsIsAccepted) {
  EXPECT_EQ(verdict(R"([{"type": "Conv2d", "name": "c", "in": 3, "out": 5, "kernel": 3, "stride": 2, "padding": 1},
                        {"type": "BatchNorm2d", "name": "b", "features": 5},
                        {"type": "MaxPool2d", "name": "p", "kernel": 2}, {"type": "Flatten", "name": "f"},
                        {"type": "Linear", "name": "l", "in": 20, "out": 4}])"),
            "fits");
}

TEST(Shapes, WhatArrivesAtALinearLayerIsSaid) {
  EXPECT_THAT(verdict(R"([{"type": "Flatten", "name": "f"}, {"type": "Linear", "name": "l", "in": 100, "out": 4}])"),
              AllOf(StartsWith("/model/1/in"), HasSubstr("192"), HasSubstr("100")));
}

TEST(Shapes, ChannelsMustAgree) {
  EXPECT_THAT(verdict(R"([{"type": "Conv2d", "name": "c", "in": 1, "out": 5, "kernel": 3}])"),
              StartsWith("/model/0/in"));
}

TEST(Shapes, AWindowMustFitTheImage) {
  EXPECT_THAT(verdict(R"([{"type": "MaxPool2d", "name": "p", "kernel": 9}])"), StartsWith("/model/0/kernel"));
  EXPECT_THAT(verdict(R"([{"type": "MaxPool2d", "name": "p", "kernel": 8}, {"type": "Flatten", "name": "f"},
                          {"type": "Linear", "name": "l", "in": 3, "out": 4}])"),
              "fits");
}

TEST(Shapes, SamePaddingKeepsTheSize) {
  EXPECT_EQ(verdict(R"([{"type": "Conv2d", "name": "c", "in": 3, "out": 1, "kernel": 4, "padding": "same"},
                        {"type": "Flatten", "name": "f"}, {"type": "Linear", "name": "l", "in": 64, "out": 4}])"),
            "fits");
}

TEST(Shapes, AReshapeKeepsTheNumberOfElements) {
  EXPECT_THAT(verdict(R"([{"type": "Reshape", "name": "r", "shape": [3, 60]}])"),
              AllOf(StartsWith("/model/0/shape"), HasSubstr("192")));
}

TEST(Shapes, TheBodyOfAResidualGivesBackWhatItGets) {
  EXPECT_THAT(verdict(R"([{"type": "Residual", "name": "r", "body": [
                            {"type": "Conv2d", "name": "c", "in": 3, "out": 4, "kernel": 1}]}])"),
              StartsWith("/model/0/body"));
  EXPECT_THAT(verdict(R"([{"type": "Residual", "name": "r", "body": [
                            {"type": "Linear", "name": "inner", "in": 7, "out": 8}]}])"),
              StartsWith("/model/0/body/0/in"));
}

TEST(Shapes, RecurrentLayersReadSequences) {
  EXPECT_EQ(verdict(R"([{"type": "Reshape", "name": "r", "shape": [24, 8]},
                        {"type": "LSTM", "name": "rnn", "input": 8, "hidden": 5, "bidirectional": true, "select": "last"},
                        {"type": "Linear", "name": "l", "in": 10, "out": 4}])"),
            "fits");
  EXPECT_THAT(verdict(R"([{"type": "GRU", "name": "rnn", "input": 8, "hidden": 5}])"), StartsWith("/model/0/type"));
}

TEST(Shapes, LabelsMustGoWithTheLoss) {
  const char* scores = R"([{"type": "Flatten", "name": "f"}, {"type": "Linear", "name": "l", "in": 192, "out": 4}])";
  EXPECT_EQ(verdict(scores, "cce_probs", "one_hot"), "fits");
  EXPECT_THAT(verdict(scores, "nll", "one_hot"), StartsWith("/loss/type"));
  EXPECT_THAT(verdict(scores, "bce", "zero_one"), StartsWith("/loss/type"));
  // A broadcast that LibTorch accepts is a fault to be found, not a mistake of the case.
  EXPECT_EQ(verdict(scores, "mse", "zero_one"), "fits");
}

TEST(Shapes, LoopFieldsNameLayersOfTheModel) {
  json document = testing::sample_case();
  document["loop"]["freeze"] = {"nowhere"};
  EXPECT_THROW(static_cast<void>(read_case(document)), CaseError);
  document["loop"]["freeze"] = {"fc"};
  EXPECT_NO_THROW(static_cast<void>(read_case(document)));
}

TEST(Shapes, AnEmbeddingWantsTokens) {
  json document = testing::sample_case();
  document["data"] = {{"generator", "tokens"}, {"n", 9},       {"length", 5},
                      {"vocab", 30},           {"classes", 3}, {"labels", "index"}};
  document["model"] = json::parse(R"([{"type": "Embedding", "name": "e", "num": 30, "dim": 4},
      {"type": "Flatten", "name": "f"}, {"type": "Linear", "name": "out", "in": 20, "out": 3}])");
  EXPECT_NO_THROW(static_cast<void>(read_case(document)));
  document["data"]["range"] = {0, 1};
  EXPECT_THROW(static_cast<void>(read_case(document)), CaseError);
}

}  // namespace
}  // namespace sonde::faults
