#include "analysis/timeline.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"
#include "analysis/timeline_bins.h"
#include "report/huge_run.h"

namespace sonde::analysis {
namespace {

using testing::FakeNetwork;
using testing::values;

Timeline timeline_of(FakeNetwork& network) {
  TimelineBuilder builder(network.catalog());
  builder.consume(network.pushed());
  return builder.timeline();
}

const TimelineLayer& layer(const Timeline& timeline, const std::string& path) {
  for (const TimelineLayer& layer : timeline.layers) {
    if (layer.path == path) return layer;
  }
  throw std::invalid_argument("no layer " + path);
}

std::size_t bytes_of(const Timeline& timeline) {
  std::size_t bytes = 0;
  for (const TimelineLayer& layer : timeline.layers) {
    for (const TimelineSeries& series : layer.series) bytes += series.capacity() * sizeof(TimelineBin);
  }
  return bytes;
}

TEST(TimelineBins, KeepLastLeastAndLargestAndCount) {
  TimelineSeries series;
  add_sample(series, 1, 4, false);
  add_sample(series, 1, 1, false);
  add_sample(series, 1, 2, false);
  EXPECT_EQ(series[0].samples, 0);
  EXPECT_TRUE(std::isnan(series[0].last));
  EXPECT_EQ(series[1].samples, 3);
  EXPECT_EQ(series[1].last, 2);
  EXPECT_EQ(series[1].min, 1);
  EXPECT_EQ(series[1].max, 4);
}

TEST(TimelineBins, CountWhatIsNotFiniteBesideWhatIs) {
  TimelineSeries series;
  add_sample(series, 0, 3, false);
  add_sample(series, 0, std::numeric_limits<double>::quiet_NaN(), false);
  add_sample(series, 0, 5, true);
  EXPECT_EQ(series[0].samples, 3);
  EXPECT_EQ(series[0].non_finite, 2);
  EXPECT_EQ(series[0].last, 5);
}

TEST(TimelineBins, HoldNumbersThatNoFloatCan) {
  TimelineSeries series;
  add_sample(series, 0, 1e300, false);
  EXPECT_EQ(series[0].max, std::numeric_limits<float>::max());
  EXPECT_EQ(series[0].non_finite, 0);
}

TEST(TimelineBins, CountNoFurtherThanTheyCan) {
  TimelineSeries series;
  for (int i = 0; i < 70'000; ++i) add_sample(series, 0, 1, true);
  EXPECT_EQ(series[0].samples, 65'535);
  EXPECT_EQ(series[0].non_finite, 65'535);
}

TEST(TimelineBins, MergeNeighboursAlsoAnOddNumberOfThem) {
  TimelineSeries series;
  for (const double value : {3.0, 1.0, 7.0}) add_sample(series, series.size(), value, false);
  merge_neighbours(series);
  ASSERT_EQ(series.size(), 2U);
  EXPECT_EQ(series[0].last, 1);
  EXPECT_EQ(series[0].max, 3);
  EXPECT_EQ(series[1].last, 7);
  TimelineSeries none;
  merge_neighbours(none);
  EXPECT_TRUE(none.empty());
}

TEST(TimelineCurve, NeverHasMoreThanItsBins) {
  CurveBuilder curve;
  for (std::uint64_t step = 0; step < 100'000; step += 7) curve.add(step, static_cast<double>(step));
  EXPECT_LE(curve.curve().bins.size(), CurveBuilder::kBins);
  EXPECT_GT(curve.curve().bins.size(), CurveBuilder::kBins / 2);
  EXPECT_EQ(curve.curve().steps_per_bin, 128U);
  EXPECT_EQ(curve.curve().bins.back().last, 99'995);
}

TEST(Timeline, OfNothingIsEmpty) {
  const trace::Catalog catalog;
  const Timeline timeline = TimelineBuilder(catalog).timeline();
  EXPECT_TRUE(timeline.layers.empty());
  EXPECT_TRUE(timeline.losses.empty());
}

TEST(Timeline, HasLayersInTheOrderOfTheDataFlow) {
  FakeNetwork network({"z", "a", "m"}, "aten::mse_loss");
  network.run(3);
  const Timeline timeline = timeline_of(network);
  ASSERT_EQ(timeline.layers.size(), 3U);
  EXPECT_EQ(timeline.layers[0].path, "z");
  EXPECT_EQ(timeline.layers[1].path, "a");
  EXPECT_EQ(timeline.layers[2].path, "m");
}

TEST(Timeline, FollowsTheSizesOfALayer) {
  FakeNetwork network({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  network.run(5, [&](std::uint64_t step) {
    auto& fc1 = network.layer("fc1");
    fc1.forward = values(2 + static_cast<double>(step));
    fc1.backward = values(0.5);
    fc1.gradient = 0.25;
    fc1.weight = 0.5;
    fc1.update = 0.0625;
  });
  const Timeline timeline = timeline_of(network);
  const TimelineLayer& fc1 = layer(timeline, "fc1");
  ASSERT_EQ(fc1[Quantity::activation].size(), 5U);
  EXPECT_EQ(fc1[Quantity::activation][4].last, 6);
  EXPECT_EQ(fc1[Quantity::output_gradient][0].last, 0.5);
  EXPECT_EQ(fc1[Quantity::gradient][0].last, 0.25);
  EXPECT_EQ(fc1[Quantity::weight][0].last, 0.5);
  EXPECT_EQ(fc1[Quantity::update_ratio][0].samples, 0) << "nothing was updated before the first step";
  EXPECT_EQ(fc1[Quantity::update_ratio][1].last, 0.125);
  EXPECT_TRUE(fc1[Quantity::dead_units].empty());
  EXPECT_TRUE(fc1[Quantity::saturation].empty());
  EXPECT_TRUE(layer(timeline, "relu1")[Quantity::weight].empty());
}

TEST(Timeline, FollowsDeadUnitsOfRectifiersAndTailsOfSaturatingActivations) {
  FakeNetwork network({"fc1", "relu1", "fc2", "sigmoid1", "fc3"}, "aten::mse_loss");
  network.run(2, [&](std::uint64_t) {
    network.layer("relu1").forward.units = 64;
    network.layer("relu1").forward.dead_units = 16;
    network.layer("sigmoid1").forward.beyond = 0.75F;
  });
  const Timeline timeline = timeline_of(network);
  EXPECT_EQ(layer(timeline, "relu1")[Quantity::dead_units][1].last, 0.25);
  EXPECT_EQ(layer(timeline, "sigmoid1")[Quantity::saturation][1].last, 0.75);
  EXPECT_TRUE(layer(timeline, "sigmoid1")[Quantity::dead_units].empty());
}

TEST(Timeline, KnowsNothingNotFiniteOfAHealthyRun) {
  FakeNetwork network({"fc1", "fc2"}, "aten::mse_loss");
  network.run(20);
  for (const TimelineLayer& one : timeline_of(network).layers) EXPECT_TRUE(one[Quantity::non_finite].empty());
}

TEST(Timeline, MarksWhatIsNotFiniteFromTheLayerWhereItBegan) {
  FakeNetwork network({"fc1", "fc2", "fc3"}, "aten::mse_loss");
  network.run(10, [&](std::uint64_t step) {
    network.layer("fc2").forward.nan = step == 7 ? 160 : 0;
    network.layer("fc3").forward.nan = step == 7 ? 640 : 0;
  });
  const Timeline timeline = timeline_of(network);
  EXPECT_TRUE(layer(timeline, "fc1")[Quantity::non_finite].empty());
  const TimelineLayer& fc2 = layer(timeline, "fc2");
  EXPECT_EQ(fc2[Quantity::non_finite][7].last, 0.25);
  EXPECT_EQ(fc2[Quantity::non_finite][9].last, 0);
  EXPECT_EQ(fc2[Quantity::activation][7].non_finite, 1);
  EXPECT_EQ(fc2[Quantity::activation][6].non_finite, 0);
}

TEST(Timeline, KnowsWhereAStepWentBadThatWasNotObserved) {
  FakeNetwork network({"fc1", "fc2"}, "aten::mse_loss");
  network.run(10, [&](std::uint64_t step) {
    network.observed = step < 5;
    if (step < 8) return;
    trace::Record origin = network.record(trace::RecordKind::origin, network.layer("fc2").site, Phase::forward);
    origin.origin = {};
    origin.origin.kind = step == 8 ? trace::OriginKind::operation : trace::OriginKind::node;
    origin.origin.count = 640;
    origin.origin.negative_infinity = 160;
    network.extra = {origin};
  });
  const Timeline timeline = timeline_of(network);
  const TimelineLayer& fc2 = layer(timeline, "fc2");
  ASSERT_EQ(fc2[Quantity::non_finite].size(), 9U);
  EXPECT_EQ(fc2[Quantity::non_finite][8].last, 0.25);
  ASSERT_EQ(fc2[Quantity::output_gradient].size(), 10U);
  EXPECT_EQ(fc2[Quantity::output_gradient][9].non_finite, 1);
  EXPECT_TRUE(layer(timeline, "fc1")[Quantity::non_finite].empty());
}

TEST(Timeline, PutsAnOperationThatIsNoModuleToTheLayerItFollows) {
  trace::Catalog catalog;
  trace::Site site;
  site.layer = "fc1";
  site.layer_owns = true;
  site.module_type = "Linear";
  site.op_class = trace::OpClass::linear;
  const std::uint32_t own = catalog.add(site);
  site.layer_owns = false;
  site.op_class = trace::OpClass::saturating;
  const std::uint32_t follower = catalog.add(site);
  catalog.set_source(own, {"net.cpp", "forward", 12});
  catalog.set_source(follower, {"net.cpp", "forward", 13});
  TimelineBuilder builder(catalog);
  std::vector<trace::Record> records(3);
  records[0].site = follower;
  records[0].tensor = values(0.5);
  records[0].tensor.beyond = 0.5F;
  records[1].site = own;
  records[1].tensor = values(3);
  records[2].kind = trace::RecordKind::step_end;
  records[2].facts = {};
  builder.consume(records);
  const Timeline timeline = builder.timeline();
  ASSERT_EQ(timeline.layers.size(), 1U);
  const TimelineLayer& fc1 = timeline.layers[0];
  EXPECT_EQ(fc1.type, "Linear");
  EXPECT_EQ(fc1.source.line, 12U);
  EXPECT_EQ(fc1[Quantity::activation][0].last, 3) << "the size of the layer's own output";
  EXPECT_EQ(fc1[Quantity::saturation][0].last, 0.5);
}

TEST(Timeline, TakesTheLargestParameterForALayerAlsoIfItIsNotMeasuredOnEveryStep) {
  trace::Catalog catalog;
  trace::Site site;
  site.layer = "fc1";
  site.op_class = trace::OpClass::parameter;
  site.parameter = "bias";
  site.shape = {10};
  const std::uint32_t bias = catalog.add(site);
  site.parameter = "weight";
  site.shape = {10, 20};
  const std::uint32_t weight = catalog.add(site);
  TimelineBuilder builder(catalog);
  for (std::uint64_t step = 0; step < 3; ++step) {
    trace::Record record;
    record.step = step;
    record.phase = Phase::gradient;
    record.site = bias;
    record.tensor = values(7);
    builder.consume({&record, 1});
    record.site = weight;
    record.tensor = values(2);
    if (step != 1) builder.consume({&record, 1});
    record.kind = trace::RecordKind::step_end;
    record.facts = {};
    builder.consume({&record, 1});
  }
  const TimelineSeries gradient = builder.timeline().layers.at(0)[Quantity::gradient];
  ASSERT_EQ(gradient.size(), 3U);
  EXPECT_EQ(gradient[0].last, 2);
  EXPECT_EQ(gradient[1].samples, 0);
  EXPECT_EQ(gradient[2].last, 2);
}

TEST(Timeline, HasACurveForEachLossAndOneForTheRate) {
  FakeNetwork network({"fc1"}, "aten::mse_loss");
  network.run(4, [&](std::uint64_t step) {
    network.loss = step == 3 ? std::numeric_limits<double>::infinity() : 1.0 / static_cast<double>(step + 1);
    network.learning_rate = 0.5;
    network.observed = step == 0;
  });
  const Timeline timeline = timeline_of(network);
  ASSERT_EQ(timeline.losses.size(), 1U);
  EXPECT_EQ(timeline.losses[0].name, "mse_loss");
  ASSERT_EQ(timeline.losses[0].bins.size(), 4U);
  EXPECT_EQ(timeline.losses[0].bins[1].last, 0.5);
  EXPECT_EQ(timeline.losses[0].bins[3].non_finite, 1);
  EXPECT_EQ(timeline.learning_rate.bins[3].last, 0.5);
  EXPECT_EQ(timeline.observed, std::vector<std::uint32_t>{1});
}

TEST(Timeline, OfALongRunHasAtMost512Bins) {
  FakeNetwork network({"fc1"}, "aten::mse_loss");
  network.run(3000);
  const Timeline timeline = timeline_of(network);
  EXPECT_EQ(timeline.steps_per_bin, 8U);
  EXPECT_EQ(layer(timeline, "fc1")[Quantity::weight].size(), 375U);
  EXPECT_EQ(layer(timeline, "fc1")[Quantity::weight][0].samples, 8);
  EXPECT_EQ(timeline.observed.size(), 375U);
  EXPECT_EQ(timeline.observed[0], 8U);
}

TEST(Timeline, DoesNotDependOnHowRecordsAreHandedOver) {
  FakeNetwork network({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  network.run(700);
  TimelineBuilder one_by_one(network.catalog());
  for (const trace::Record& record : network.pushed()) one_by_one.consume({&record, 1});
  const Timeline a = timeline_of(network), b = one_by_one.timeline();
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    for (std::size_t quantity = 0; quantity < kQuantities; ++quantity) {
      const TimelineSeries &x = a.layers[i].series[quantity], &y = b.layers[i].series[quantity];
      ASSERT_EQ(x.size(), y.size());
      for (std::size_t bin = 0; bin < x.size(); ++bin) {
        EXPECT_EQ(x[bin].samples, y[bin].samples);
        EXPECT_TRUE(x[bin].samples == 0 || x[bin].last == y[bin].last);
      }
    }
  }
}

TEST(Timeline, SurvivesRecordsOfNoSense) {
  FakeNetwork network({"fc1"}, "aten::mse_loss");
  TimelineBuilder builder(network.catalog());
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    trace::Record record;
    record.kind = static_cast<trace::RecordKind>(random() % 9);
    record.phase = static_cast<Phase>(random() % 9);
    record.flags = static_cast<std::uint8_t>(random());
    record.site = i % 3 == 0 ? static_cast<std::uint32_t>(random()) : static_cast<std::uint32_t>(random() % 6);
    record.step = i % 5 == 0 ? random() : random() % 100;
    record.tensor = values(1);
    record.tensor.count = random() % 3;
    record.tensor.nan = random() % 9;
    builder.consume({&record, 1});
  }
  const Timeline timeline = builder.timeline();
  EXPECT_LE(bytes_of(timeline), 6 * kQuantities * 512 * sizeof(TimelineBin));
}

TEST(Timeline, OfManyLayersStaysWithinItsMemory) {
  testing::HugeRun run(10'000);
  run.observe(40, 25'000);
  const Timeline timeline = run.timeline();
  EXPECT_EQ(timeline.layers.size(), 10'000U);
  EXPECT_EQ(timeline.series_left_out, 0U);
  EXPECT_LE(bytes_of(timeline), TimelineBuilder::kBytes);
  EXPECT_GE(timeline.observed.size(), 16U);
  EXPECT_LE(timeline.observed.size(), 32U);
}

TEST(Timeline, OfTooManyLayersCountsWhatItLeavesOut) {
  testing::HugeRun run(25'000);
  run.observe(2, 1);
  const Timeline timeline = run.timeline();
  EXPECT_EQ(timeline.layers.size(), 25'000U);
  EXPECT_EQ(timeline.series_left_out, 25'000 * 6 - TimelineBuilder::kMostSeries);
  EXPECT_LE(bytes_of(timeline), TimelineBuilder::kBytes);
}

}  // namespace
}  // namespace sonde::analysis
