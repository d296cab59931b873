#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sonde/finding.h>

namespace sonde {
namespace {

TEST(Names, OfCausesAreThoseOfTheFaultSuite) {
  EXPECT_EQ(to_string(Cause::input_not_normalized), "input-not-normalized");
  EXPECT_EQ(to_string(Cause::class_imbalance), "class-imbalance");
  EXPECT_EQ(to_string(Cause::missing_activation), "missing-activation");
  EXPECT_EQ(to_string(Cause::too_deep), "too-deep");
  EXPECT_EQ(to_string(Cause::wrong_loss), "wrong-loss");
  EXPECT_EQ(to_string(Cause::learning_rate_too_high), "learning-rate-too-high");
  EXPECT_EQ(to_string(Cause::bad_initialization), "bad-initialization");
  EXPECT_EQ(to_string(Cause::missing_zero_grad), "missing-zero-grad");
  EXPECT_EQ(to_string(Cause::repeated_batch), "repeated-batch");
  EXPECT_EQ(to_string(Cause::overflow), "overflow");
  EXPECT_EQ(to_string(Cause::sqrt_at_zero), "sqrt-at-zero");
  EXPECT_EQ(to_string(Cause::unknown), "unknown");
}

TEST(Names, OfCausesAreDistinctAndInKebabCase) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Cause::unknown); ++i) {
    const std::string name(to_string(static_cast<Cause>(i)));
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos) << name;
  }
}

TEST(Names, OfSeveritiesAndPhases) {
  EXPECT_EQ(to_string(Severity::advice), "advice");
  EXPECT_EQ(to_string(Severity::error), "error");
  EXPECT_EQ(to_string(Phase::input), "input");
  EXPECT_EQ(to_string(Phase::update), "update");
}

TEST(Names, OfNumbersThatAreNoneAreInvalid) {
  EXPECT_EQ(to_string(static_cast<Cause>(200)), "invalid");
  EXPECT_EQ(to_string(static_cast<Severity>(3)), "invalid");
}

}  // namespace
}  // namespace sonde
