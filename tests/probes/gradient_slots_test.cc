#include "probes/gradient_slots.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace sonde::probes {
namespace {

trace::TensorStats stats_with(double mean) {
  trace::TensorStats stats;
  stats.mean = mean;
  return stats;
}

const at::TensorImpl& impl_of(const at::Tensor& tensor) { return *tensor.unsafeGetTensorImpl(); }

class GradientSlotsTest : public testing::Test {
 protected:
  GradientSlots slots;
  std::uint32_t first = slots.add(2);
  at::Tensor gradient = at::ones({3});
  trace::TensorStats stats;
};

TEST_F(GradientSlotsTest, NothingComesOutOfAnEmptySlot) {
  EXPECT_FALSE(slots.take(first, impl_of(gradient), stats));
  slots.put(first, impl_of(gradient), stats_with(1));
  EXPECT_FALSE(slots.take(first + 1, impl_of(gradient), stats));
}

TEST_F(GradientSlotsTest, WhatWasPutInComesOutOnce) {
  slots.put(first, impl_of(gradient), stats_with(1));
  slots.put(first + 1, impl_of(gradient), stats_with(2));
  ASSERT_TRUE(slots.take(first + 1, impl_of(gradient), stats));
  EXPECT_EQ(stats.mean, 2);
  ASSERT_TRUE(slots.take(first, impl_of(gradient), stats));
  EXPECT_EQ(stats.mean, 1);
  EXPECT_FALSE(slots.take(first, impl_of(gradient), stats));
}

TEST_F(GradientSlotsTest, AnotherTensorIsNotTakenForIt) {
  slots.put(first, impl_of(gradient), stats_with(1));
  const auto other = at::ones({3});
  EXPECT_FALSE(slots.take(first, impl_of(other), stats));
}

TEST_F(GradientSlotsTest, AGradientThatWasWrittenSinceIsNotTakenForWhatItWas) {
  slots.put(first, impl_of(gradient), stats_with(1));
  gradient.mul_(2);
  EXPECT_FALSE(slots.take(first, impl_of(gradient), stats));
}

// The engine adds up what goes to one input, and the sum may lie where the first of them lay.
TEST_F(GradientSlotsTest, ASlotThatGotTwoGradientsIsNotTrusted) {
  slots.put(first, impl_of(gradient), stats_with(1));
  slots.put(first, impl_of(at::ones({3})), stats_with(2));
  EXPECT_FALSE(slots.take(first, impl_of(gradient), stats));
  slots.put(first, impl_of(gradient), stats_with(3));
  ASSERT_TRUE(slots.take(first, impl_of(gradient), stats)) << "it is empty again, and trusted";
  EXPECT_EQ(stats.mean, 3);
}

TEST_F(GradientSlotsTest, ASlotThatGotAnUnknownGradientBeforeOrAfterIsNotTrusted) {
  slots.put_unknown(first);
  slots.put(first, impl_of(gradient), stats_with(1));
  slots.put(first + 1, impl_of(gradient), stats_with(1));
  slots.put_unknown(first + 1);
  EXPECT_FALSE(slots.take(first, impl_of(gradient), stats));
  EXPECT_FALSE(slots.take(first + 1, impl_of(gradient), stats));
}

TEST_F(GradientSlotsTest, GradientsOnTheirWayAreNotKeptInMemory) {
  slots.put(first, impl_of(gradient), stats_with(1));
  EXPECT_EQ(gradient.use_count(), 1);
  EXPECT_EQ(gradient.weak_use_count(), 1) << "the strong references hold one weak one together";
}

}  // namespace
}  // namespace sonde::probes
