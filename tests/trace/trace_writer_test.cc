#include "trace/trace_writer.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sample_trace.h"

namespace sonde::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kLane = 16;

class TraceWriterTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(path_); }
  void TearDown() override { std::filesystem::remove(path_); }

  [[nodiscard]] std::string error_of_opening() const {
    try {
      const TraceWriter writer(path_, kLane, {});
    } catch (const TraceError& error) { return error.what(); }
    return "no error";
  }

  const std::string path_ =
      testing::TempDir() + "/sonde_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".trace";
};

// Pushes as a session does, numbers and all.
void push(Ring<Record>& ring, Sequence& sequence, std::uint32_t site) {
  Record record;
  record.site = site;
  record.step = record.sequence = static_cast<std::uint32_t>(sequence.next++);
  ASSERT_TRUE(ring.try_push(record));
}

TEST_F(TraceWriterTest, NamesTheFileThatCannotBeMade) {
  EXPECT_THROW(TraceWriter("/no/such/folder/x.trace", kLane, {}), TraceError);
  EXPECT_THROW(TraceWriter(testing::TempDir(), kLane, {}), TraceError);
  EXPECT_THROW(TraceWriter("/dev/null", kLane, {}), TraceError);
}

TEST_F(TraceWriterTest, LeavesAFileThatIsNoTraceAsItIs) {
  std::ofstream(path_) << "int main() {}\n";
  EXPECT_THAT(error_of_opening(), HasSubstr("holds something that is no trace"));
  EXPECT_EQ(std::filesystem::file_size(path_), 14U);
}

TEST_F(TraceWriterTest, SharesNoFileWithAnotherWriter) {
  const TraceWriter first(path_, kLane, {});
  EXPECT_THAT(error_of_opening(), HasSubstr("another monitor is writing to it"));
}

TEST_F(TraceWriterTest, ReplacesAnEarlierTrace) {
  { const TraceWriter first(path_, kLane, {"first"}); }
  const TraceWriter second(path_, kLane, {"second"});
  EXPECT_EQ(load_trace(path_).run.name, "second");
}

TEST_F(TraceWriterTest, HasEverythingInTheFileAtOnce) {
  TraceWriter writer(path_, kLane, {"net"});
  Catalog catalog(&writer.sequence(), &writer);
  Ring<Record> ring(writer.add_lane());
  const auto first = catalog.add(sample_site());
  push(ring, writer.sequence(), first);
  catalog.set_program(sample_program());
  const auto second = catalog.add(sample_site());
  push(ring, writer.sequence(), second);
  catalog.set_source(second, {"net.cpp", "forward", 7});
  catalog.not_observed("emb", "sparse gradient", 3);
  catalog.not_observed("emb", "sparse gradient");
  writer.write_snapshot(std::string("known"), 2);

  Trace trace = load_trace(path_);
  EXPECT_FALSE(trace.closed);
  EXPECT_THAT(trace.lost, IsEmpty());
  ASSERT_EQ(trace.sites.size(), 3U);
  EXPECT_EQ(trace.sites[1].since, 0U);
  EXPECT_EQ(trace.sites[2].since, 1U);
  EXPECT_EQ(trace.sites[2].source.line, 7U);
  ASSERT_EQ(trace.programs.size(), 1U);
  EXPECT_EQ(trace.programs[0].since, 1U);
  ASSERT_EQ(trace.unseen.size(), 1U);
  EXPECT_EQ(trace.unseen[0].count, 4U);
  ASSERT_EQ(trace.records.size(), 2U);
  EXPECT_EQ(trace.records[1].site, second);
  EXPECT_EQ(trace.snapshot.bytes, "known");
  writer.close();
  EXPECT_TRUE(load_trace(path_).closed);
}

TEST_F(TraceWriterTest, KeepsTheLastRecordsOfAFullLaneAndCountsTheOthers) {
  TraceWriter writer(path_, kLane, {});
  Catalog catalog(nullptr, &writer);
  Ring<Record> ring(writer.add_lane());
  const auto site = catalog.add(sample_site());
  for (int i = 0; i < 100; ++i) {
    push(ring, writer.sequence(), site);
    ring.release(1);
  }
  const Trace trace = load_trace(path_);
  // The slot that is written next may be half overwritten.
  ASSERT_EQ(trace.records.size(), kLane - 1);
  EXPECT_EQ(trace.records.front().step, 85U);
  EXPECT_EQ(trace.records.back().step, 99U);
  EXPECT_EQ(trace.first, 85U);
  EXPECT_EQ(trace.overwritten, 85U);
  EXPECT_THAT(trace.lost, IsEmpty());
}

TEST_F(TraceWriterTest, PutsTheRecordsOfSeveralLanesInTheOrderPushed) {
  TraceWriter writer(path_, kLane, {});
  Ring<Record> one(writer.add_lane());
  Ring<Record> other(writer.add_lane());
  for (int i = 0; i < 10; ++i) push(i % 3 == 0 ? one : other, writer.sequence(), 0);
  const Trace trace = load_trace(path_);
  ASSERT_EQ(trace.records.size(), 10U);
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(trace.records[i].step, i);
}

TEST_F(TraceWriterTest, TellsOfRecordsThatWentElsewhere) {
  TraceWriter writer(path_, kLane, {});
  Ring<Record> lane(writer.add_lane());
  Ring<Record> memory(128);
  for (int i = 0; i < 110; ++i) push(i % 11 == 0 ? lane : memory, writer.sequence(), 0);
  const Trace trace = load_trace(path_);
  EXPECT_EQ(trace.records.size(), 10U);
  ASSERT_EQ(trace.lost.size(), 1U);
  EXPECT_EQ(trace.lost[0].what, "records that are in no lane");
  EXPECT_EQ(trace.lost[0].count, 100U);
}

TEST_F(TraceWriterTest, MakesNoMoreLanesThanItMay) {
  TraceWriter writer(path_, kLane, {});
  for (std::size_t i = 0; i < TraceWriter::kLanes; ++i) (void)writer.add_lane();
  EXPECT_THROW((void)writer.add_lane(), TraceError);
}

TEST_F(TraceWriterTest, KeepsACatalogThatNeedsSeveralChunks) {
  TraceWriter writer(path_, kLane, {});
  Catalog catalog(nullptr, &writer);
  Site site = sample_site();
  site.layer = std::string(100'000, 'x');
  for (int i = 0; i < 9; ++i) catalog.add(site);
  site.layer = std::string(1'000'000, 'y');
  catalog.add(site);
  const Trace trace = load_trace(path_);
  ASSERT_EQ(trace.sites.size(), 11U);
  EXPECT_EQ(trace.sites[9].layer.size(), 100'000U);
  EXPECT_EQ(trace.sites[10].layer, site.layer);
  EXPECT_EQ(writer.journal_failure(), "");
}

TEST_F(TraceWriterTest, GivesTheCatalogUpWhenItGrowsWithoutBound) {
  TraceWriter writer(path_, kLane, {});
  Catalog catalog(nullptr, &writer);
  Site site = sample_site();
  site.layer = std::string(TraceWriter::kJournalBytes / 2, 'x');
  for (int i = 0; i < 3; ++i) catalog.add(site);
  EXPECT_THAT(writer.journal_failure(), HasSubstr("grown beyond"));
  const Trace trace = load_trace(path_);
  EXPECT_EQ(trace.sites.size(), 2U);
  ASSERT_EQ(trace.lost.size(), 1U);
  EXPECT_EQ(trace.lost[0].what, "part of the catalog");
}

TEST_F(TraceWriterTest, KeepsTheLatestSnapshotWhateverItsSize) {
  TraceWriter writer(path_, kLane, {});
  for (std::size_t i = 1; i < 12; ++i) {
    const std::string bytes(std::size_t{1} << (2 * i), 'a');
    writer.write_snapshot(bytes, i);
    const Trace trace = load_trace(path_);
    EXPECT_EQ(trace.snapshot.position, i);
    EXPECT_EQ(trace.snapshot.bytes, bytes);
  }
}

TEST_F(TraceWriterTest, FallsBackOnTheSnapshotBeforeATornOne) {
  TraceWriter writer(path_, kLane, {});
  writer.write_snapshot(std::string("older"), 1);
  writer.write_snapshot(std::string("newer"), 2);
  std::ifstream in(path_, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  bytes[bytes.find("newer")] = 'N';
  EXPECT_EQ(read_trace(bytes).snapshot.bytes, "older");
}

TEST_F(TraceWriterTest, GoesOnWithoutTheFilesName) {
  TraceWriter writer(path_, kLane, {});
  EXPECT_FALSE(writer.removed());
  std::filesystem::remove(path_);
  EXPECT_TRUE(writer.removed());
  Ring<Record> ring(writer.add_lane());
  push(ring, writer.sequence(), 0);
}

}  // namespace
}  // namespace sonde::trace
