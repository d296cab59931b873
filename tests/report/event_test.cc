#include "report/event.h"

#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace sonde::report {
namespace {

TEST(Histogram, OfNothingIsEmpty) {
  EXPECT_EQ(histogram_of({}).count, 0);
  EXPECT_EQ(histogram_of({std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}).count, 0);
}

TEST(Histogram, CountsEveryValueOnce) {
  const Histogram histogram = histogram_of({0, 1, 2, 3, 3, -std::numeric_limits<double>::infinity()});
  EXPECT_EQ(histogram.min, 0);
  EXPECT_EQ(histogram.max, 3);
  EXPECT_EQ(histogram.count, 5);
  EXPECT_EQ(histogram.sum, 9);
  EXPECT_EQ(histogram.sum_of_squares, 23);
  ASSERT_EQ(histogram.limits.size(), 30U);
  EXPECT_EQ(histogram.limits.back(), 3);
  EXPECT_EQ(std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0.0), 5);
  EXPECT_EQ(histogram.counts.front(), 1);
  EXPECT_EQ(histogram.counts.back(), 2);
}

TEST(Histogram, OfEqualValuesHasOneBucket) {
  const Histogram histogram = histogram_of({2, 2, 2});
  EXPECT_EQ(histogram.limits, std::vector<double>{2});
  EXPECT_EQ(histogram.counts, std::vector<double>{3});
}

TEST(Histogram, DoesNotDependOnTheOrderOfItsValues) {
  const Histogram a = histogram_of({1e16, 1, -1e16, 1});
  const Histogram b = histogram_of({1, 1e16, 1, -1e16});
  EXPECT_EQ(a.sum, b.sum);
}

// Bytes by hand, from the wire format: key = field number * 8 + type.
TEST(Event, OfTheVersionIsTheFirstOfAFile) {
  EXPECT_EQ(version_event(1.5), std::string("\x09\0\0\0\0\0\0\xF8\x3F\x1A\x0D"
                                            "brain.Event:2",
                                            24));
}

TEST(Event, HoldsAScalar) {
  SummaryEvent event(0, 3);
  EXPECT_TRUE(event.empty());
  event.add_scalar("a", 0.5, "");
  EXPECT_FALSE(event.empty());
  EXPECT_EQ(event.encode(), std::string("\x09\0\0\0\0\0\0\0\0"  // wall_time = 0
                                        "\x10\x03"              // step = 3
                                        "\x2A\x0A"              // summary, ten bytes
                                        "\x0A\x08"              // value
                                        "\x0A\x01"
                                        "a"
                                        "\x15\0\0\0\x3F",  // tag, simple_value
                                        23));
}

}  // namespace
}  // namespace sonde::report
