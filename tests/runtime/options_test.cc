#include <sonde/options.h>

#include <limits>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace sonde {
namespace {

std::string error_of(const Options& options) {
  try {
    options.validate();
  } catch (const std::invalid_argument& error) { return error.what(); }
  return "none";
}

TEST(Options, AreValidByDefault) { EXPECT_EQ(error_of({}), "none"); }

TEST(Options, AcceptTheEndsOfTheirRanges) {
  EXPECT_EQ(error_of({.overhead = 1, .first_steps = 1, .max_blind_steps = 1, .ring_capacity = 256}), "none");
  EXPECT_EQ(error_of({.overhead = 1e-6, .ring_capacity = std::size_t{1} << 24}), "none");
}

TEST(Options, NameTheFieldItsValueAndWhatIsWanted) {
  EXPECT_EQ(error_of({.overhead = 0}), "sonde::Options::overhead is 0, wanted a share in (0, 1]");
  EXPECT_EQ(error_of({.overhead = 1.5}), "sonde::Options::overhead is 1.5, wanted a share in (0, 1]");
  EXPECT_EQ(error_of({.overhead = std::numeric_limits<double>::quiet_NaN()}),
            "sonde::Options::overhead is nan, wanted a share in (0, 1]");
  EXPECT_EQ(error_of({.first_steps = 0}), "sonde::Options::first_steps is 0, wanted at least 1");
  EXPECT_EQ(error_of({.max_blind_steps = 0}), "sonde::Options::max_blind_steps is 0, wanted at least 1");
  EXPECT_EQ(error_of({.ring_capacity = 255}),
            "sonde::Options::ring_capacity is 255, wanted records in [256, 16777216]");
  EXPECT_EQ(error_of({.ring_capacity = (std::size_t{1} << 24) + 1}),
            "sonde::Options::ring_capacity is 16777217, wanted records in [256, 16777216]");
  EXPECT_EQ(error_of({.on_fault = static_cast<OnFault>(7)}),
            "sonde::Options::on_fault is 7, wanted report, skip or abort");
}

}  // namespace
}  // namespace sonde
