#include "trace/trace_file.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sonde::trace {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kHeaderSize = 32;

Trace sample() {
  Catalog catalog;
  Site site;
  site.layer = "encoder.0";
  site.layer_owns = true;
  site.module_type = "Linear";
  site.operation = "aten::addmm";
  site.op_class = OpClass::linear;
  site.occurrence = 2;
  site.shape = {64, 10};
  site.dtype = "float";
  site.inputs = {0};
  site.scalars = {0.5, std::numeric_limits<double>::infinity()};
  site.frames = {0x1234};
  site.source = {"train.cpp", "main", 41};
  catalog.add(site);
  Program program;
  program.optimizer = "SGD";
  program.learning_rate = 0.1;
  program.target_shape = {64};
  program.target_one_hot = true;
  program.told_task = "multiclass";
  program.target_distinct = 10;
  program.features = {{-1, 1, 0.5, 0.25}};
  program.groups = {{"Adam", 0.001, 0.9, 0.01, {"fc.weight", "fc.bias"}}};
  program.modules = {{"", "Net", true}, {"fc", "Linear", false}};
  program.tied = {{"fc.weight", "head.weight"}};
  program.parameters = 650;
  program.device = "cpu";
  catalog.set_program(program);
  catalog.not_observed("emb", "sparse gradient", 7);
  std::vector<Record> records(5);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].step = i;
    records[i].site = 1;
    records[i].tensor.mean = 0.25 * static_cast<double>(i);
  }
  return make_trace(catalog, records);
}

std::string bytes_of(const Trace& trace) {
  std::ostringstream out;
  write_trace(trace, out);
  return out.str();
}

Trace read_bytes(const std::string& bytes) {
  std::istringstream in(bytes);
  return read_trace(in);
}

std::string error_of(const std::string& bytes) {
  try {
    (void)read_bytes(bytes);
  } catch (const TraceError& error) { return error.what(); }
  return "no error";
}

std::size_t records_begin() { return bytes_of(sample()).size() - 5 * sizeof(Record); }

TEST(TraceFile, GivesBackEverythingThatWasStored) {
  const Trace trace = read_bytes(bytes_of(sample()));
  ASSERT_EQ(trace.sites.size(), 2U);
  const Site& site = trace.sites[1];
  EXPECT_EQ(site.id, 1U);
  EXPECT_EQ(site.layer, "encoder.0");
  EXPECT_TRUE(site.layer_owns);
  EXPECT_EQ(site.op_class, OpClass::linear);
  EXPECT_EQ(site.shape, (std::vector<std::int64_t>{64, 10}));
  EXPECT_EQ(site.scalars[1], std::numeric_limits<double>::infinity());
  EXPECT_EQ(site.source.line, 41U);
  EXPECT_EQ(trace.program.learning_rate, 0.1);
  EXPECT_TRUE(trace.program.target_one_hot);
  EXPECT_EQ(trace.program.device, "cpu");
  ASSERT_EQ(trace.unseen.size(), 1U);
  EXPECT_EQ(trace.unseen[0].count, 7U);
  ASSERT_EQ(trace.records.size(), 5U);
  EXPECT_EQ(trace.records[3].tensor.mean, 0.75);
  EXPECT_EQ(trace.missing, 0U);
  EXPECT_EQ(bytes_of(trace), bytes_of(sample()));
}

TEST(TraceFile, LeavesOutAddressesOfTheProcess) { EXPECT_TRUE(sample().sites[1].frames.empty()); }

TEST(TraceFile, RestoresTheCatalog) {
  Catalog catalog;
  restore(sample(), catalog);
  EXPECT_EQ(bytes_of(make_trace(catalog, sample().records)), bytes_of(sample()));
}

TEST(TraceFile, StoresATraceWithoutRecords) {
  const Trace trace = read_bytes(bytes_of(make_trace(Catalog(), {})));
  EXPECT_EQ(trace.sites.size(), 1U);
  EXPECT_TRUE(trace.records.empty());
}

TEST(TraceFile, GoesThroughTheFileSystem) {
  const std::string path = testing::TempDir() + "/sonde_trace_file_test.trace";
  store_trace(sample(), path);
  EXPECT_EQ(bytes_of(load_trace(path)), bytes_of(sample()));
}

TEST(TraceFile, NamesTheFileThatCannotBeOpened) {
  try {
    (void)load_trace("no/such/file");
    FAIL();
  } catch (const TraceError& error) { EXPECT_STREQ(error.what(), "no/such/file: cannot be opened"); }
  EXPECT_THROW(store_trace(sample(), "no/such/file"), TraceError);
}

TEST(TraceFile, RefusesWhatIsNoTrace) {
  EXPECT_THAT(error_of(""), HasSubstr("not a Sonde trace"));
  EXPECT_THAT(error_of("label,0,1,2\n1,0,0,0\n1,0,0,0\n1,0,0,0\n"), HasSubstr("not a Sonde trace"));
}

TEST(TraceFile, RefusesAnotherVersionAndNamesBoth) {
  std::string bytes = bytes_of(sample());
  bytes[8] = 9;
  EXPECT_EQ(error_of(bytes), "trace of version 9, this program reads version 2");
}

TEST(TraceFile, RefusesRecordsOfAnotherSize) {
  std::string bytes = bytes_of(sample());
  bytes[12] = 64;
  EXPECT_THAT(error_of(bytes), HasSubstr("records of 64 bytes"));
}

TEST(TraceFile, SaysHowMuchOfTheHeaderOrCatalogIsThere) {
  const std::string bytes = bytes_of(sample());
  EXPECT_EQ(error_of(bytes.substr(0, 20)), "truncated trace: 20 bytes, the header alone has 32");
  EXPECT_THAT(error_of(bytes.substr(0, kHeaderSize + 10)), HasSubstr("truncated trace: 10 of "));
}

TEST(TraceFile, ReadsEveryCompleteRecordOfATruncatedFile) {
  const std::string bytes = bytes_of(sample());
  for (std::size_t whole = 0; whole < 5; ++whole) {
    const Trace trace = read_bytes(bytes.substr(0, records_begin() + whole * sizeof(Record) + 100));
    ASSERT_EQ(trace.records.size(), whole);
    EXPECT_EQ(trace.missing, 5 - whole);
  }
}

TEST(TraceFile, RefusesARecordThatCannotBeOneAndSaysWhich) {
  std::string bytes = bytes_of(sample());
  bytes[records_begin() + 2 * sizeof(Record) + 1] = 99;
  EXPECT_EQ(error_of(bytes), "damaged trace: record 2 has the unknown kind 99");
}

TEST(TraceFile, RefusesACatalogWithBytesTooMany) {
  std::string bytes = bytes_of(sample());
  bytes.insert(records_begin(), "abc");
  bytes[16] = static_cast<char>(bytes[16] + 3);
  EXPECT_EQ(error_of(bytes), "damaged trace: the catalog has 3 bytes too many");
}

TEST(TraceFile, ClaimsNoMemoryForAnAnnouncedSizeThatIsNotThere) {
  std::string bytes = bytes_of(sample());
  std::memset(&bytes[16], 0x7f, 16);
  EXPECT_THAT(error_of(bytes), HasSubstr("truncated trace"));
  bytes = bytes_of(sample());
  std::memset(&bytes[kHeaderSize], 0xff, 4);  // four thousand million sites
  EXPECT_THAT(error_of(bytes), HasSubstr("ends within a value"));
}

TEST(TraceFile, SurvivesDamageAnywhere) {
  const std::string whole = bytes_of(sample());
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      const Trace trace = read_bytes(bytes.substr(0, random() % (bytes.size() + 1)));
      EXPECT_LE(trace.records.size(), 5U);
    } catch (const TraceError&) {}
  }
}

}  // namespace
}  // namespace sonde::trace
