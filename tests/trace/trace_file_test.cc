#include "trace/trace_file.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_trace.h"
#include "trace/layout.h"

namespace sonde::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kRecords = 5;

std::string error_of(const std::string& bytes) {
  try {
    (void)read_trace(bytes);
  } catch (const TraceError& error) { return error.what(); }
  return "no error";
}

std::uint64_t lost(const Trace& trace, const std::string& what) {
  for (const Loss& loss : trace.lost)
    if (loss.what == what) return loss.count;
  return 0;
}

std::string sample_bytes() { return bytes_of(sample_trace(kRecords)); }
// The lane comes last.
std::size_t records_begin() { return sample_bytes().size() - (kRecords + 1) * sizeof(Record); }

TEST(TraceFile, GivesBackEverythingThatWasStored) {
  const Trace trace = read_trace(sample_bytes());
  EXPECT_EQ(trace.run.name, "net");
  EXPECT_EQ(trace.run.on_fault, OnFault::skip);
  EXPECT_EQ(trace.run.rules_off, (std::vector<std::string>{"dense-width"}));
  ASSERT_EQ(trace.sites.size(), 3U);
  const Site& site = trace.sites[1];
  EXPECT_EQ(site.id, 1U);
  EXPECT_EQ(site.layer, "encoder.0");
  EXPECT_TRUE(site.layer_owns);
  EXPECT_EQ(site.op_class, OpClass::linear);
  EXPECT_EQ(site.shape, (std::vector<std::int64_t>{64, 10}));
  EXPECT_EQ(site.scalars[1], std::numeric_limits<double>::infinity());
  EXPECT_EQ(site.source.line, 41U);
  EXPECT_EQ(trace.sites[2].since, 2U);
  ASSERT_EQ(trace.programs.size(), 2U);
  EXPECT_EQ(trace.programs[0].program.learning_rate, 0.1);
  EXPECT_TRUE(trace.programs[0].program.target_one_hot);
  EXPECT_EQ(trace.programs[0].program.device, "cpu");
  EXPECT_EQ(trace.programs[1].since, 3U);
  ASSERT_EQ(trace.unseen.size(), 1U);
  EXPECT_EQ(trace.unseen[0].count, 7U);
  ASSERT_EQ(trace.records.size(), kRecords);
  EXPECT_EQ(trace.records[3].tensor.mean, 0.75);
  EXPECT_EQ(trace.first, 0U);
  EXPECT_EQ(trace.overwritten, 0U);
  EXPECT_THAT(trace.lost, IsEmpty());
  EXPECT_EQ(bytes_of(trace), sample_bytes());
}

TEST(TraceFile, GivesBackASnapshotAndThatOlderRecordsAreGone) {
  Trace trace = sample_trace(kRecords);
  trace.snapshot = {3, "what was known"};
  trace.first = trace.overwritten = (std::uint64_t{1} << 32) + 7;
  trace.dropped = 2;
  trace.closed = false;
  for (Record& record : trace.records) record.sequence += 7;
  const Trace read = read_trace(bytes_of(trace));
  EXPECT_EQ(read.snapshot.position, 3U);
  EXPECT_EQ(read.snapshot.bytes, "what was known");
  EXPECT_EQ(read.first, trace.first);
  EXPECT_EQ(read.overwritten, trace.overwritten);
  EXPECT_EQ(read.dropped, 2U);
  EXPECT_FALSE(read.closed);
  ASSERT_EQ(read.records.size(), kRecords);
  EXPECT_EQ(read.records[0].step, 0U);
  EXPECT_THAT(read.lost, IsEmpty());
}

TEST(TraceFile, LeavesOutAddressesOfTheProcess) { EXPECT_TRUE(sample_trace(1).sites[1].frames.empty()); }

TEST(TraceFile, RestoresTheCatalog) {
  Catalog catalog;
  Trace trace = sample_trace(kRecords);
  restore(trace, catalog);
  Trace again = make_trace(catalog, trace.records);
  again.run = trace.run;
  EXPECT_EQ(bytes_of(again), bytes_of(trace));
}

TEST(TraceFile, StoresATraceWithoutRecords) {
  const Trace trace = read_trace(bytes_of(make_trace(Catalog(), {})));
  EXPECT_EQ(trace.sites.size(), 1U);
  EXPECT_TRUE(trace.records.empty());
  EXPECT_THAT(trace.lost, IsEmpty());
}

TEST(TraceFile, GoesThroughTheFileSystem) {
  const std::string path = testing::TempDir() + "/sonde_trace_file_test.trace";
  store_trace(sample_trace(kRecords), path);
  EXPECT_EQ(bytes_of(load_trace(path)), sample_bytes());
}

TEST(TraceFile, NamesTheFileThatCannotBeOpened) {
  try {
    (void)load_trace("no/such/file");
    FAIL();
  } catch (const TraceError& error) { EXPECT_STREQ(error.what(), "no/such/file: cannot be opened"); }
  EXPECT_THROW(store_trace(sample_trace(1), "no/such/file"), TraceError);
}

TEST(TraceFile, RefusesFoldersAndDevices) {
  for (const std::string& path : {testing::TempDir(), std::string("/dev/zero")}) {
    try {
      (void)load_trace(path);
      FAIL();
    } catch (const TraceError& error) { EXPECT_EQ(error.what(), path + ": is no regular file"); }
  }
}

TEST(TraceFile, RefusesWhatIsNoTrace) {
  EXPECT_THAT(error_of(""), HasSubstr("not a Sonde trace"));
  EXPECT_THAT(error_of("label,0,1,2\n1,0,0,0\n1,0,0,0\n1,0,0,0\n"), HasSubstr("not a Sonde trace"));
  EXPECT_THAT(error_of(std::string(4096, '\0')), HasSubstr("not a Sonde trace"));
}

TEST(TraceFile, RefusesAnotherVersionAndNamesBoth) {
  std::string bytes = sample_bytes();
  bytes[8] = 9;
  EXPECT_EQ(error_of(bytes), "trace of version 9, this program reads version 3");
}

TEST(TraceFile, RefusesRecordsOfAnotherSize) {
  std::string bytes = sample_bytes();
  bytes[12] = 64;
  EXPECT_THAT(error_of(bytes), HasSubstr("records of 64 bytes"));
}

TEST(TraceFile, SaysHowMuchOfTheHeaderIsThere) {
  EXPECT_EQ(error_of(sample_bytes().substr(0, 20)), "truncated trace: 20 bytes, the header alone has 256");
}

TEST(TraceFile, ReadsEveryCompleteRecordOfATruncatedFile) {
  const std::string bytes = sample_bytes();
  for (std::size_t whole = 0; whole < kRecords; ++whole) {
    const Trace trace = read_trace(bytes.substr(0, records_begin() + whole * sizeof(Record) + 100));
    ASSERT_EQ(trace.records.size(), whole);
    EXPECT_EQ(lost(trace, "records"), kRecords - whole);
  }
}

TEST(TraceFile, PassesOverARecordThatCannotBeOne) {
  const auto damage = [](std::size_t offset, char value) {
    std::string bytes = sample_bytes();
    bytes[records_begin() + 2 * sizeof(Record) + offset] = value;
    return read_trace(bytes);
  };
  for (const Trace& trace : {damage(0, 9), damage(1, 99), damage(2, 77), damage(4, 3)}) {
    EXPECT_EQ(trace.records.size(), kRecords - 1);
    EXPECT_EQ(lost(trace, "records"), 1U);
  }
}

TEST(TraceFile, KeepsTheOtherSitesWhereOneIsDamaged) {
  std::string bytes = sample_bytes();
  bytes[bytes.find("encoder.0")] ^= 1;
  const Trace trace = read_trace(bytes);
  ASSERT_EQ(trace.sites.size(), 3U);
  EXPECT_EQ(trace.sites[1].layer, "");
  EXPECT_EQ(trace.sites[2].layer, "head");
  EXPECT_EQ(trace.records.size(), kRecords);
  EXPECT_EQ(lost(trace, "entries of the catalog"), 1U);
}

TEST(TraceFile, ReadsWhatStandsBehindADamagedChunk) {
  std::string bytes = sample_bytes();
  bytes[sizeof(FileHeader) + offsetof(ChunkHeader, size)] ^= 8;  // the journal's
  const Trace trace = read_trace(bytes);
  EXPECT_EQ(trace.sites.size(), 1U);
  EXPECT_GT(lost(trace, "bytes outside of any chunk"), 0U);
  EXPECT_EQ(lost(trace, "records"), kRecords);  // whose sites nobody knows
}

TEST(TraceFile, ClaimsNoMemoryForAnAnnouncedSizeThatIsNotThere) {
  std::string bytes = sample_bytes();
  std::memset(&bytes[records_begin() - 64], 0x7f, 8);  // the lane's count
  Trace trace = read_trace(bytes);
  EXPECT_LE(trace.records.size(), kRecords);
  EXPECT_EQ(lost(trace, "counts of records"), 1U);
  bytes = sample_bytes();
  std::memset(&bytes[sizeof(FileHeader) + 64], 0xff, 8);  // the journal's
  trace = read_trace(bytes);
  EXPECT_EQ(trace.sites.size(), 3U);
  EXPECT_GT(lost(trace, "bytes of the catalog"), 0U);
}

TEST(TraceFile, ReadsATruncatedFileWhereverItEnds) {
  const std::string whole = sample_bytes();
  for (std::size_t size = sizeof(FileHeader); size < whole.size(); ++size) {
    const Trace trace = read_trace(whole.substr(0, size));
    EXPECT_LE(trace.records.size(), kRecords);
    // What is missing is told, but for an end that is padding or a slot never written.
    if (size < records_begin() + kRecords * sizeof(Record) && size % kCacheLine != 0) {
      EXPECT_FALSE(trace.lost.empty()) << size;
    }
  }
}

TEST(TraceFile, SurvivesEachFlippedBitAndDropsAtMostWhatItTouches) {
  const std::string whole = sample_bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      try {
        const Trace trace = read_trace(bytes);
        EXPECT_LE(trace.records.size(), kRecords);
        if (at >= records_begin()) { EXPECT_GE(trace.records.size(), kRecords - 1) << at; }
      } catch (const TraceError&) { EXPECT_LT(at, 16U); }  // no trace, or of another version
    }
  }
}

TEST(TraceFile, SurvivesGarbage) {
  std::mt19937 random(7);
  const std::string whole = sample_bytes();
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    const std::size_t from = 16 + random() % (bytes.size() - 16);
    for (std::size_t i = from; i < std::min(bytes.size(), from + random() % 200); ++i)
      bytes[i] = static_cast<char>(random());
    try {
      EXPECT_LE(read_trace(bytes.substr(0, random() % (bytes.size() + 1))).records.size(), kRecords);
    } catch (const TraceError&) {}
  }
}

}  // namespace
}  // namespace sonde::trace
