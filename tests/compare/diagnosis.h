// What the tests of parameter diagnosis have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "compare/parameter_diagnosis.h"

namespace sonde::compare {

using ::testing::HasSubstr;
using ::testing::Not;

class Diagnosis : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(7); }
};

using Shape = std::vector<std::int64_t>;

inline ParameterRole role(std::string operation, std::string part = "weight") {
  return {std::move(operation), std::move(part), {}, 0};
}

inline const ParameterRole kConv = role("conv2d");
inline const ParameterRole kLinear = role("linear");

inline std::optional<ParameterDifference> diagnose(const at::Tensor& reference, const at::Tensor& target,
                                                   const ParameterRole& role = kLinear, bool reduced = false) {
  return diagnose_parameter(reference, target, role, reduced);
}

// Of an expected difference; an empty one, with another cause than any expected, where there is none.
inline ParameterDifference difference(const at::Tensor& reference, const at::Tensor& target,
                                      const ParameterRole& role = kLinear, bool reduced = false) {
  const auto found = diagnose(reference, target, role, reduced);
  EXPECT_TRUE(found.has_value()) << "no difference was found";
  ParameterDifference none;
  none.cause = Cause::frozen_in;
  return found.value_or(none);
}

inline void expect_mended(const ParameterDifference& found, const at::Tensor& reference, const at::Tensor& target) {
  ASSERT_TRUE(found.mended.defined()) << found.message;
  EXPECT_TRUE(torch::equal(found.mended, reference.to(target.dtype())));
  EXPECT_EQ(found.mended.dtype(), target.dtype());
  EXPECT_NE(found.mended.data_ptr(), reference.data_ptr());
}

inline std::string evidence(const ParameterDifference& found) {
  std::string all;
  for (const auto& sentence : found.evidence) all += sentence + "\n";
  return all;
}

inline at::Tensor rows_of(const at::Tensor& tensor, const std::vector<std::int64_t>& order) {
  return tensor.index_select(0, torch::tensor(order));
}

}  // namespace sonde::compare
