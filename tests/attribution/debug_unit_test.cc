// Compiled without NDEBUG, as a user's debug build is, against a release build of LibTorch: the probe must still get data.
#include <gtest/gtest.h>

#include "observation.h"

#ifdef NDEBUG
#error "this file must be compiled without NDEBUG"
#endif

namespace sonde::attribution {
namespace {

TEST(DebugBuild, OfTheUsersProgramIsObservedToo) {
  Tree tree;
  auto linear = tree->add("linear", torch::nn::Linear(6, 3));
  const auto x = noise({6, 6});
  const auto seen = observe(tree.ptr(), [&] { return torch::relu(linear(x)).square().mean(); });
  const auto relu = seen.forward(1, "aten::relu");
  ASSERT_EQ(relu.size(), 1u);
  EXPECT_EQ(relu[0].site.layer, "linear");
  EXPECT_EQ(relu[0].stats.count, 18u);
}

}  // namespace
}  // namespace sonde::attribution
