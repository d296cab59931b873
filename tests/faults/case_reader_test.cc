#include "faults/readers.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/sample_case.h"

namespace sonde::faults {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::sample_case;
using ::testing::StartsWith;

std::string rejection(const nlohmann::json& document) {
  try {
    static_cast<void>(read_case(document));
    return "accepted";
  } catch (const std::exception& error) { return error.what(); }
}

// The sample with the value at a JSON pointer replaced or added.
nlohmann::json with(const char* pointer, nlohmann::json value) {
  nlohmann::json document = sample_case();
  document[nlohmann::json::json_pointer(pointer)] = std::move(value);
  return document;
}

TEST(CaseReader, AcceptsTheSample) {
  const Case read = read_case(sample_case());
  EXPECT_EQ(read.program.optimizer.lr, 100);
  EXPECT_EQ(read.faults.at(0).answers.size(), 2U);
  EXPECT_TRUE(read.published.at("Tool").identified.value());
  EXPECT_FALSE(read.published.at("Tool").localised.has_value());
}

TEST(CaseReader, TheHealthyTwinIsThePatchedDocument) {
  const Case read = read_case(sample_case());
  ASSERT_TRUE(read.patched.has_value());
  EXPECT_EQ(read.patched->optimizer.lr, 0.1);
  EXPECT_EQ(read.program.optimizer.lr, 100);
}

TEST(CaseReader, PatchesAddAndRemoveLayers) {
  const Case read = read_case(with("/patch", nlohmann::json::parse(R"([
      {"op": "remove", "path": "/model/1"},
      {"op": "add", "path": "/model/1", "value": {"type": "Tanh", "name": "tanh"}}])")));
  EXPECT_EQ(read.patched->model.at(1).type, "Tanh");
  EXPECT_EQ(read.program.model.at(1).type, "ReLU");
}

TEST(CaseReader, EveryVisibleCaseIsAccepted) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SONDE_FAULT_CASES)) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_NO_THROW(static_cast<void>(load_case(entry.path())));
    ++count;
  }
  EXPECT_GE(count, 81U);
}

TEST(CaseReader, UnknownFieldsAreRefusedWithTheKnownOnes) {
  EXPECT_THAT(rejection(with("/colour", 1)), AllOf(StartsWith("/colour"), HasSubstr("batch_size")));
  EXPECT_THAT(rejection(with("/data/bits", 2)), StartsWith("/data/bits"));
  EXPECT_THAT(rejection(with("/model/1/in", 8)), StartsWith("/model/1/in"));
  EXPECT_THAT(rejection(with("/loop/zerograd", false)), StartsWith("/loop/zerograd"));
  EXPECT_THAT(rejection(with("/faults/0/cuase", "x")), StartsWith("/faults/0/cuase"));
}

TEST(CaseReader, MissingFieldsAreNamed) {
  nlohmann::json document = sample_case();
  document["model"][0].erase("out");
  EXPECT_THAT(rejection(document), AllOf(StartsWith("/model/0/out"), HasSubstr("nothing")));
}

TEST(CaseReader, WrongTypesAndRangesSayWhatWasExpectedAndGot) {
  EXPECT_THAT(rejection(with("/data/n", 2.5)), AllOf(StartsWith("/data/n"), HasSubstr("whole"), HasSubstr("2.5")));
  EXPECT_THAT(rejection(with("/loss/type", "cosine")), AllOf(StartsWith("/loss/type"), HasSubstr("bce_logits")));
  EXPECT_THAT(rejection(with("/data/range", {3, 1})), StartsWith("/data/range"));
  EXPECT_THAT(rejection(with("/model/0/init/weight", "ones")), StartsWith("/model/0/init/weight"));
  EXPECT_THAT(rejection(with("/model/0/init/bias", "xavier_uniform")), StartsWith("/model/0/init/bias"));
  EXPECT_THAT(rejection(with("/faults/0/cause", "gremlins")), StartsWith("/faults/0/cause"));
  EXPECT_THAT(rejection(with("/optimizer/betas", {0.9, 1.5})), StartsWith("/optimizer/betas"));
}

TEST(CaseReader, NamesOfLayersMustBeUsableAndTheirOwn) {
  EXPECT_THAT(rejection(with("/model/2/name", "fc")), StartsWith("/model/2/name"));
  EXPECT_THAT(rejection(with("/model/2/name", "a.b")), StartsWith("/model/2/name"));
}

TEST(CaseReader, ErrorsOfThePatchedVariantSayThatItIsTheOne) {
  const auto document =
      with("/patch", nlohmann::json::parse(R"([{"op": "replace", "path": "/model/0/out", "value": 9}])"));
  EXPECT_THAT(rejection(document), AllOf(StartsWith("patched, /model/2/in"), HasSubstr("9")));
}

TEST(CaseReader, APatchThatDoesNotApplyIsRefused) {
  const auto document = with("/patch", nlohmann::json::parse(R"([{"op": "remove", "path": "/model/7"}])"));
  EXPECT_THAT(rejection(document), StartsWith("/patch"));
}

TEST(CaseReader, FaultsWantAPatchAndHealthyProgramsNone) {
  EXPECT_THAT(rejection(with("/patch", nullptr)), StartsWith("/patch"));
  EXPECT_THAT(rejection(with("/faults", nlohmann::json::array())), StartsWith("/patch"));
}

TEST(CaseReader, AFileIsNamedInItsErrors) {
  try {
    static_cast<void>(load_case("no/such/case.json"));
    FAIL();
  } catch (const std::exception& error) { EXPECT_THAT(error.what(), StartsWith("no/such/case.json: ")); }
}

TEST(CaseReader, OptimizerFieldsOfOtherTypesAreAllowedSoThatAPatchMayChangeTheTypeAlone) {
  nlohmann::json document = with("/optimizer/momentum", 0.9);
  document["patch"] = nlohmann::json::parse(R"([{"op": "replace", "path": "/optimizer/type", "value": "Adam"}])");
  EXPECT_EQ(read_case(document).patched->optimizer.type, "Adam");
}

}  // namespace
}  // namespace sonde::faults
