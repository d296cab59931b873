#include "analysis/metric_kind.h"

#include <gtest/gtest.h>

namespace sonde::analysis {
namespace {

void expect(std::string_view name, Better better, Split split, MetricOptions told = {}) {
  const MetricOptions kind = kind_of(name, told);
  EXPECT_EQ(kind.better, better) << name;
  EXPECT_EQ(kind.split, split) << name;
}

TEST(MetricKind, NamesThatSayNothingLeaveItOpen) {
  expect("quality", Better::inferred, Split::inferred);
  expect("", Better::inferred, Split::inferred);
  expect("value", Better::inferred, Split::inferred);     // not val + ue
  expect("lossless", Better::inferred, Split::inferred);  // not a loss
  expect("contest", Better::inferred, Split::inferred);
  expect("eval_return", Better::inferred, Split::validation);  // a return may fall for many reasons
}

TEST(MetricKind, NamesThatContradictThemselvesLeaveItOpen) {
  expect("train_val_gap", Better::inferred, Split::inferred);
  expect("accuracy_loss", Better::inferred, Split::inferred);
}

TEST(MetricKind, NamesSaySplitAndDirection) {
  expect("val_loss", Better::lower, Split::validation);
  expect("validation/perplexity", Better::lower, Split::validation);
  expect("Test Accuracy", Better::higher, Split::validation);
  expect("dev.F1", Better::higher, Split::validation);
  expect("held_out_error", Better::lower, Split::validation);
  expect("train_acc", Better::higher, Split::training);
  expect("valloss", Better::lower, Split::validation);
  expect("TestAcc", Better::higher, Split::validation);
  expect("mAP", Better::higher, Split::inferred);
}

TEST(MetricKind, WhatIsToldStands) {
  expect("val_loss", Better::higher, Split::training, {Better::higher, Split::training});
  expect("quality", Better::higher, Split::inferred, {Better::higher, Split::inferred});
}

}  // namespace
}  // namespace sonde::analysis
