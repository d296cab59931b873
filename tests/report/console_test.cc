#include <algorithm>
#include <clocale>
#include <limits>
#include <locale>
#include <memory>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <sonde/report.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include "pattern.h"
#include "sample.h"

namespace sonde::report {
namespace {

std::string printed(const Report& report) {
  std::ostringstream out;
  report.print(out);
  return out.str();
}

TEST(Console, TellsASickRunFromContextToCost) {
  EXPECT_TRUE(matches(printed(sick()), R"(sonde: 4 layers, {*}
       {*}

sonde: error[log-of-zero] forward of head.log (aten::log)                                         train.cpp:41
  step 37   12 of 640 values are -inf; the input was finite, min 0 (12 exact zeros)
  why       head.softmax underflowed: logits of head.fc span [-118, 131], grown 41x in 20 steps
            relative update of head.fc 0.31, other layers 0.002 to 0.008                          train.cpp:38
  causes    log-of-zero 0.96, learning-rate-too-high 0.71
  fix       1 log_softmax with nll_loss never takes the log of zero
            2 lower the learning rate (0.5): the gain ratio has been negative since step 19
  kept      the update of step 37 was not applied (on_fault = abort)
  followed by 61 symptoms in 9 layers from step 37 on, folded into this incident

sonde: warning[vanishing-gradient] gradient of fc1
  step 4    the gradient is 3e-09 of that of fc7 {*}
            every layer between them
  causes    unknown
  followed by 1 symptom from step 4 on, folded into this incident; last seen on step 80

sonde: advice[redundant-dropout] {*}
       one of them {*}  train.cpp:12
sonde: not observed: emb.weight (sparse gradient, 60 times); quant (quantized)
sonde: 1 error, 1 warning, 1 advice; cost {#} %; {#} records, none dropped
)"));
}

TEST(Console, SaysFirstWhatWasWatched) {
  const std::string text = printed(sick());
  EXPECT_TRUE(matches(
      text.substr(0, text.find("\n\n")),
      "sonde: 4 layers, 4810 parameters; SGD lr 0.5; nll_loss, mean; multiclass (targets are whole numbers from 0 to\n"
      "       9); cpu; LibTorch 1.13.1, Sonde 0.1.0; 1200 steps (60 observed in full); loss 2.31 -> 0.0412"));
}

TEST(Console, IsOneLineForAHealthyRun) {
  EXPECT_EQ(printed(healthy()),
            "sonde: no findings in 1200 steps (60 observed in full); loss 2.31 -> 0.0412; cost 0.9 %\n");
}

TEST(Console, ListsAdviceInShortLinesAfterIt) {
  Report report = healthy();
  report.findings = {redundant_dropout()};
  EXPECT_EQ(
      printed(report),
      "sonde: no errors or warnings in 1200 steps (60 observed in full); loss 2.31 -> 0.0412; cost 0.9 %\n"
      "sonde: advice[redundant-dropout] forward of drop (aten::dropout): two dropout layers follow each other; remove\n"
      "       one of them                                                                                "
      "train.cpp:12\n");
}

TEST(Console, SaysInTheOneLineWhatWasNotSeen) {
  Report report = healthy();
  report.cost.dropped = 3;
  report.not_observed = {{"emb.weight", "sparse gradient", 1}, {"quant", "quantized", 2}};
  EXPECT_TRUE(matches(printed(report),
                      "sonde: no findings in {*}; cost 0.9 %; 3 records dropped; not observed: "
                      "emb.weight (sparse gradient) and 1 more\n"));
}

TEST(Console, HasALineForARunThatNeverBegan) {
  Report report;
  report.context.first_loss = report.context.last_loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(printed(report), "sonde: no findings in no steps\n");
}

TEST(Console, CarriesTheNameOfTheMonitorIfItIsNotTheUsualOne) {
  Report report = sick();
  report.context.monitor = "critic";
  const std::string text = printed(report);
  EXPECT_NE(text.find("sonde(critic): error[log-of-zero]"), std::string::npos);
}

TEST(Console, PrintsNumbersThatAreNone) {
  Report report = healthy();
  report.context.first_loss = -std::numeric_limits<double>::quiet_NaN();
  report.context.last_loss = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(matches(printed(report), "sonde: {*}; loss nan -> inf; {*}\n"));
}

TEST(Console, NamesTheSymptomWhereTheCauseIsUnknown) {
  EXPECT_NE(printed(sick()).find("sonde: warning[vanishing-gradient] gradient of fc1\n"), std::string::npos);
}

TEST(Console, BreaksLongSentencesUnderTheirBeginning) {
  std::istringstream lines(printed(sick()));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110U) << line;
  EXPECT_NE(printed(sick()).find("falls by a factor of 24 at\n            every layer between them\n"),
            std::string::npos)
      << printed(sick());
}

TEST(Console, GivesASourceThatDoesNotFitALineOfItsOwn) {
  Report report = sick();
  report.findings.resize(1);
  report.findings[0].origin.where.layer = std::string(80, 'x');
  EXPECT_NE(printed(report).find("(aten::log)\n" + std::string(98, ' ') + "train.cpp:41\n"), std::string::npos)
      << printed(report);
}

TEST(Console, NamesTheFunctionWhereTheLineIsNotKnown) {
  Report report = sick();
  report.findings[0].origin.where.source = {"", "loss_of", 0};
  EXPECT_TRUE(matches(printed(report).substr(0, printed(report).find("\n  step")),
                      "{*}\n{*}\n\nsonde: error[log-of-zero]{*}  in loss_of"));
}

TEST(Console, NamesPartsThatAreNoLayer) {
  Report report = sick();
  report.findings.resize(1);
  const auto head_of = [&](const char* part, Phase phase) {
    report.findings[0].origin.where = {"", part, "", phase, {}};
    const std::string text = printed(report);
    const std::size_t begin = text.find("] ") + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(head_of("optimizer", Phase::update), "the optimizer");
  EXPECT_EQ(head_of("data", Phase::input), "the input data");
  EXPECT_EQ(head_of("labels", Phase::input), "the labels");
  EXPECT_EQ(head_of("loop", Phase::forward), "the training loop");
  EXPECT_EQ(head_of("loss", Phase::loss), "the loss");
  EXPECT_EQ(head_of("model", Phase::forward), "the model");
  EXPECT_EQ(head_of("model", Phase::gradient), "gradient of the model");
}

TEST(Console, SaysTheSameThingOnce) {
  Report report = sick();
  report.findings.resize(1);
  Finding& finding = report.findings[0];
  finding.context.push_back(finding.context[0]);
  finding.causes[0].evidence = {finding.origin.message};
  finding.causes[1].fix = finding.causes[0].fix;
  const std::string text = printed(report);
  EXPECT_EQ(text.find("head.softmax"), text.rfind("head.softmax"));
  EXPECT_EQ(text.find("12 of 640"), text.rfind("12 of 640"));
  EXPECT_NE(text.find("  fix       log_softmax with"), std::string::npos);
}

TEST(Console, NamesTheLayerOfACauseThatLiesElsewhere) {
  Report report = sick();
  report.findings[0].causes[1].where.layer = "head.fc";
  EXPECT_NE(printed(report).find("learning-rate-too-high 0.71 (head.fc)\n"), std::string::npos);
}

TEST(Console, ReplacesWhatIsNoUtf8AndWhatControlsATerminal) {
  Report report = sick();
  report.findings[0].origin.where.layer =
      "enc\xff"
      "der\x1b[31m\xc3\xa9\xc3";
  report.findings[0].origin.message = "two\nlines";
  const std::string text = printed(report);
  EXPECT_NE(text.find("enc\uFFFD"
                      "der [31m\u00e9\uFFFD (aten::log)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("two lines"), std::string::npos);
}

// Thousands in dots, decimals with a comma, as in German.
class German : public std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Console, IsTheSameInAForeignLocale) {
  const std::string text = printed(sick());
  const std::string json = sick().to_json();
  const std::locale german(std::locale::classic(), new German);
  const std::locale before = std::locale::global(german);
  const std::string c_before = std::setlocale(LC_ALL, nullptr);
  std::setlocale(LC_ALL, "de_DE.UTF-8");  // where the machine has it
  std::ostringstream out;
  out.imbue(german);
  out.width(200);
  out << std::hex;
  sick().print(out);
  const std::string german_json = sick().to_json();
  std::setlocale(LC_ALL, c_before.c_str());
  std::locale::global(before);
  EXPECT_EQ(out.str(), text);
  EXPECT_EQ(german_json, json);
}

TEST(Console, LogsAFindingInOneCallAtTheLevelOfItsSeverity) {
  std::ostringstream out;
  spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
  logger.set_pattern("<%l> %v");
  sick().print(logger);
  const std::string text = out.str();
  EXPECT_EQ(text.find("<info> sonde: 4 layers"), 0U);
  EXPECT_NE(text.find("<error> sonde: error[log-of-zero] forward of head.log"), std::string::npos);
  EXPECT_NE(text.find("<warning> sonde: warning[vanishing-gradient]"), std::string::npos);
  EXPECT_NE(text.find("<info> sonde: advice[redundant-dropout]"), std::string::npos);
  EXPECT_EQ(static_cast<int>(std::count(text.begin(), text.end(), '<')), 6);
}

TEST(Console, LogsBracesAsTheyAre) {
  std::ostringstream out;
  spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
  Report report = sick();
  report.findings[0].origin.message = "a {} in a name %v";
  report.print(logger);
  EXPECT_NE(out.str().find("a {} in a name %v"), std::string::npos);
}

TEST(Report, CountsFindingsFromASeverityUp) {
  EXPECT_EQ(sick().count(Severity::error), 1U);
  EXPECT_EQ(sick().count(Severity::warning), 2U);
  EXPECT_EQ(sick().count(Severity::advice), 3U);
  EXPECT_EQ(healthy().count(Severity::advice), 0U);
}

}  // namespace
}  // namespace sonde::report
