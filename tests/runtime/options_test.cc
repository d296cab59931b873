#include <sonde/options.h>

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sonde/analyzer.h>

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
  EXPECT_EQ(error_of({.trace_records = 1023}),
            "sonde::Options::trace_records is 1023, wanted records in [1024, 16777216]");
  EXPECT_EQ(error_of({.on_fault = static_cast<OnFault>(7)}),
            "sonde::Options::on_fault is 7, wanted report, skip or abort");
}

class Named : public Analyzer {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::vector<Violation> end_of_step(const StepView&) override { return {}; }

 private:
  std::string name_;
};

TEST(Options, RefuseAnalyzersThatReportsCouldNotTellApart) {
  const auto error_with = [](std::vector<std::shared_ptr<Analyzer>> own) {
    return error_of({.own_analyzers = std::move(own)});
  };
  const auto named = [](const char* name) { return std::make_shared<Named>(name); };
  EXPECT_EQ(error_with({nullptr}), "sonde::Options::own_analyzers is a null pointer, wanted analyzers");
  EXPECT_EQ(error_with({named("a"), named("a")}),
            "sonde::Options::own_analyzers is an analyzer named 'a', wanted a name for each, once, and none of a rule");
  EXPECT_NE(error_with({named("")}), "none");
  EXPECT_NE(error_with({named("dropout-rate")}), "none");
  EXPECT_EQ(error_with({named("a"), named("b")}), "none");
}

}  // namespace
}  // namespace sonde
