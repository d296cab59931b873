#include "report/tensorboard.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "report/sample.h"
#include "report/temporary_folder.h"
#include "report/tensorboard_text.h"

namespace sonde::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using trace::Record;
using trace::RecordKind;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

Record tensor(std::uint32_t site, Phase phase) {
  Record record;
  record.site = site;
  record.phase = phase;
  record.tensor.count = 10;
  record.tensor.min = -1;
  record.tensor.max = 1;
  record.tensor.mean_square = 0.25;
  return record;
}

Record end_of_step(std::uint64_t step) {
  Record record;
  record.kind = RecordKind::step_end;
  record.flags = trace::kObservedInFull;
  record.step = step;
  record.facts = {};
  record.facts.learning_rate = 0.1;
  return record;
}

std::vector<std::uint32_t> add_parameters(trace::Catalog& catalog, int count) {
  std::vector<std::uint32_t> sites;
  for (int i = 0; i < count; ++i) {
    trace::Site site;
    site.layer = "layer" + std::to_string(i);
    site.parameter = "weight";
    site.op_class = trace::OpClass::parameter;
    sites.push_back(catalog.add(site));
  }
  return sites;
}

// What is written of a network with so many parameters.
struct WrittenRun {
  explicit WrittenRun(int parameters) : sites(add_parameters(catalog, parameters)) {}
  void consume(std::span<const Record> records) { writer.consume(records, catalog); }
  std::string bytes() {
    writer.flush();
    return bytes_of(writer.path());
  }

  const TemporaryFolder folder;
  trace::Catalog catalog;
  const std::vector<std::uint32_t> sites;
  TensorBoardWriter writer{folder.path(), {}};
};

TEST(EventFile, SaysWhichPathCannotBeWritten) {
  const TemporaryFolder folder;
  std::ofstream(folder.path()) << "a file, where a folder is wanted";
  try {
    EventFile file(folder.path() + "/logs", 0);
    FAIL();
  } catch (const std::runtime_error& error) { EXPECT_THAT(error.what(), HasSubstr(folder.path() + "/logs: ")); }
}

TEST(EventFile, IsNeverSharedByTwoWriters) {
  const TemporaryFolder folder;
  const EventFile one(folder.path(), 1234.5);
  const EventFile two(folder.path(), 1234.5);
  EXPECT_NE(one.path(), two.path());
  EXPECT_THAT(one.path(), HasSubstr("/events.out.tfevents.1234."));
  EXPECT_EQ(bytes_of(one.path()), bytes_of(two.path()));
}

TEST(EventFile, ThatCannotGrowFailsOnceAndIsReadAsFarAsItCame) {
  const TemporaryFolder folder;
  EventFile file(folder.path(), 0);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  file.append(std::string(5000, 'x'));
  EXPECT_THROW(file.flush(), std::runtime_error);
  EXPECT_TRUE(file.failed());
  EXPECT_NO_THROW(file.append("more"));
  EXPECT_NO_THROW(file.flush());
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(bytes_of(file.path()).size(), 1000U);
}

TEST(TensorBoard, WritesTheSameForTheSameRecords) {
  const TemporaryFolder folder;
  std::string files[2];
  for (std::string& bytes : files) {
    trace::Catalog catalog;
    const auto sites = add_parameters(catalog, 3);
    TensorBoardWriter writer(folder.path(), {});
    for (const auto site : sites) {
      const Record record = tensor(site, Phase::gradient);
      writer.consume(std::span(&record, 1), catalog);
    }
    const Record end = end_of_step(0);
    writer.consume(std::span(&end, 1), catalog);
    writer.incident(log_of_zero());
    writer.flush();
    bytes = bytes_of(writer.path());
  }
  EXPECT_EQ(files[0], files[1]);
  EXPECT_THAT(files[0], HasSubstr("gradient_rms/layer1.weight"));
  EXPECT_THAT(files[0], HasSubstr("layers/log10_gradient_rms"));
  EXPECT_THAT(files[0], HasSubstr("incidents/log-of-zero"));
}

TEST(TensorBoard, WritesNoLayersOfAStepThatWasNotObservedInFull) {
  WrittenRun run(1);
  std::vector<Record> records = {tensor(run.sites[0], Phase::gradient), end_of_step(0)};
  records.back().flags = 0;
  run.consume(records);
  const std::string bytes = run.bytes();
  EXPECT_THAT(bytes, Not(HasSubstr("gradient_rms")));
  EXPECT_THAT(bytes, HasSubstr("train/learning_rate"));
}

TEST(TensorBoard, WritesWhatAnObservedStepChangedOnTheStepAfterIt) {
  WrittenRun run(1);
  std::vector<Record> records = {end_of_step(0), tensor(run.sites[0], Phase::update), end_of_step(1)};
  records[1].tensor.aux = 1;
  records[2].flags = 0;
  run.consume(records);
  EXPECT_THAT(run.bytes(), HasSubstr("update_ratio/layer0.weight"));
}

TEST(TensorBoard, TellsNonFiniteElementsFromTheStepOnThatHadThem) {
  WrittenRun run(1);
  std::vector<Record> records = {tensor(run.sites[0], Phase::gradient), end_of_step(0)};
  run.consume(records);
  EXPECT_THAT(run.bytes(), Not(HasSubstr("non_finite/")));
  records[0].tensor.nan = 2;
  run.consume(records);
  records[0].tensor.nan = 0;
  run.consume(records);
  EXPECT_EQ(occurrences(run.bytes(), "non_finite/layer0.weight"), 3U);  // twice as tag, once as name
}

TEST(TensorBoard, WritesSeriesOfABoundedNumberOfTenThousandLayers) {
  WrittenRun run(10'000);
  std::vector<Record> records;
  for (const auto site : run.sites) records.push_back(tensor(site, Phase::gradient));
  records.push_back(end_of_step(0));
  run.consume(records);
  const std::string bytes = run.bytes();
  EXPECT_EQ(occurrences(bytes, "gradient_rms/layer"), 2 * TagTable::kPlaces);
  EXPECT_THAT(bytes, HasSubstr("gradient_rms/layer0.weight"));
  EXPECT_THAT(bytes, HasSubstr("gradient_rms/layer9999.weight"));
  EXPECT_LT(bytes.size(), 200'000U);
}

TEST(TensorBoard, ThinsTheLayersOfLongRunsOutAndNeverTheLosses) {
  WrittenRun run(1);
  std::vector<Record> records = {tensor(run.sites[0], Phase::gradient), end_of_step(0)};
  for (std::uint64_t step = 0; step < 5000; ++step) {
    records[1].step = step;
    run.consume(records);
  }
  const std::string bytes = run.bytes();
  EXPECT_EQ(occurrences(bytes, "train/learning_rate"), 5001U);
  // 1000, then every second for 1000, then every fourth: 2000 + 2000 / 4.
  EXPECT_EQ(occurrences(bytes, "gradient_rms/layer0.weight"), 2501U);
}

TEST(Tags, NameWhatStandsThere) {
  trace::Site site;
  site.layer = "enc.conv1";
  site.layer_owns = true;
  site.operation = "aten::convolution";
  EXPECT_EQ(place_name(site), "enc.conv1");
  site.occurrence = 2;
  EXPECT_EQ(place_name(site), "enc.conv1#3");
  site.occurrence = 0;
  site.layer_owns = false;
  site.operation = "aten::relu";
  EXPECT_EQ(place_name(site), "enc.conv1.relu");
  site.layer = "a\nb\xff";
  EXPECT_EQ(place_name(site), "a b\uFFFD.relu");
}

TEST(Tags, OfTwoOperationsOfOneLayerDiffer) {
  trace::Catalog catalog;
  trace::Site site;
  site.layer = "lstm";
  site.layer_owns = true;
  std::vector<std::uint32_t> sites;
  for (const char* operation : {"aten::lstm", "aten::dropout", "aten::dropout"}) {
    site.operation = operation;
    sites.push_back(catalog.add(site));
  }
  TagTable tags;
  tags.seen(Quantity::activation_rms, sites, catalog);
  EXPECT_EQ(*tags.find(Quantity::activation_rms, sites[0]), "activation_rms/lstm");
  EXPECT_EQ(*tags.find(Quantity::activation_rms, sites[1]), "activation_rms/lstm.dropout");
  EXPECT_EQ(*tags.find(Quantity::activation_rms, sites[2]), "activation_rms/lstm.dropout~3");
  EXPECT_EQ(tags.find(Quantity::gradient_rms, sites[0]), nullptr);
}

TEST(Markdown, TellsAFindingAndEscapesWhatTheProgramPutIn) {
  Finding finding = log_of_zero();
  finding.origin.where.layer = "<script>alert(1)</script>_x_";
  const std::string text = markdown(finding);
  EXPECT_THAT(text, HasSubstr("**error: log-of-zero** in forward of &lt;script&gt;alert\\(1\\)&lt;/script&gt;\\_x\\_"));
  EXPECT_THAT(text, Not(HasSubstr("<script>")));
  EXPECT_THAT(text, HasSubstr("**What to do**\n\n1. "));
  EXPECT_THAT(text, HasSubstr("- learning-rate-too-high 0.71"));
}

}  // namespace
}  // namespace sonde::report
