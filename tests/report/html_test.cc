#include <cstdio>
#include <fstream>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "report/html_findings.h"
#include "report/html_markup.h"
#include "report/sample.h"

namespace sonde::report {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string data_of(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(begin) + begin.size();
  return page.substr(at, page.find("</script>", at) - at);
}

std::size_t occurrences(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Every string that a program can put into a report, with `text` in it.
Report filled_with(const std::string& text) {
  Report report = sick();
  RunContext& context = report.context;
  for (std::string* field : {&context.monitor, &context.sonde_version, &context.torch_version, &context.device,
                             &context.optimizer, &context.loss, &context.task, &context.task_reason}) {
    *field = text;
  }
  for (Finding& finding : report.findings) {
    const Location where{text, text, text, Phase::forward, {text, text, 3}};
    finding.origin = {text, where, 2, finding.severity, text};
    finding.context = {text, text + "2"};
    finding.causes = {{Cause::unknown, 0.5, where, {text + "3"}, text}, {Cause::overflow, 0.4, where, {}, text + "4"}};
    finding.followed_by = {finding.origin};
    finding.kept = text;
  }
  context.metrics = {{.name = text, .count = 2, .first = 0.1, .best = 0.9, .best_step = 7, .last = 0.8}};
  report.not_observed = {{text, text, 2}};
  report.timeline.layers.resize(1);
  report.timeline.layers[0].path = report.timeline.layers[0].type = text;
  report.timeline.layers[0].source = {text, text, 4};
  report.timeline.losses.push_back({text, 1, {}});
  return report;
}

TEST(HtmlMarkup, EscapesWhatCouldEndTextOrAnAttribute) {
  EXPECT_EQ(escaped("<a href=\"x\">&'b'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;b&#39;&lt;/a&gt;");
  EXPECT_EQ(escaped("a\nb\xff"), "a b\uFFFD");
  EXPECT_EQ(escaped("\u00e4 \u4e2d"), "\u00e4 \u4e2d");
}

TEST(HtmlMarkup, JsonCannotEndItsScriptElement) {
  const nlohmann::ordered_json document = {{"name", "</script><!--\u2028\u2029&\xff"}};
  const std::string text = script_json(document);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  EXPECT_THAT(text, Not(HasSubstr("\u2028")));
  EXPECT_EQ(nlohmann::json::parse(text)["name"], "</script><!--\u2028\u2029&\uFFFD");
}

TEST(HtmlMarkup, FillsInWithoutLookingAtWhatIsPutIn) {
  EXPECT_EQ(fill("<{{a}}|{{b}}>", {{"a", "{{b}}"}, {"b", "2"}}), "<{{b}}|2>");
  EXPECT_THROW((void)fill("{{unknown}}", {}), std::out_of_range);
}

TEST(HtmlMarkup, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1\u202F000");
  EXPECT_EQ(grouped(1234567), "1\u202F234\u202F567");
}

TEST(Html, EscapesEveryStringThatAProgramPutsIn) {
  const std::size_t tags = occurrences(filled_with("plain").to_html(), "<");
  for (const char* hostile : {"</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=x>",
                              "<!--", "]]>", "{{script}}", "'\"&<>"}) {
    const std::string page = filled_with(hostile).to_html();
    EXPECT_EQ(occurrences(page, "<"), tags) << hostile;
    EXPECT_TRUE(nlohmann::json::accept(data_of(page))) << hostile;
  }
}

TEST(Html, AsksNothingOfANetworkAndRunsNoScriptButItsOwn) {
  const std::string page = sick().to_html();
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("script-src 'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe-inline")));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_EQ(occurrences(page, " style=\""), 0U);
  EXPECT_EQ(occurrences(page, "<link "), 1U);
  EXPECT_THAT(page, HasSubstr("<link rel=\"icon\" href=\"data:,\">"));
}

TEST(Html, BringsTheLicenceOfTheChartLibrary) {
  EXPECT_THAT(healthy().to_html(), HasSubstr("Permission is hereby granted, free of charge"));
}

TEST(Html, SaysTheVerdictFirst) {
  const std::string page = sick().to_html();
  EXPECT_THAT(page, HasSubstr("<h1>Training broke at step 37 in head.log: log of zero</h1>"));
  EXPECT_LT(page.find("<h1>"), page.find("<article"));
  EXPECT_LT(page.find("<article"), page.find("id=\"map\""));
}

TEST(Html, HasACardForEachFindingWithPlaceReasonsAndFixes) {
  const std::string page = sick().to_html();
  EXPECT_EQ(occurrences(page, "<article "), 3U);
  for (const char* part :
       {"class=\"card error\"", "class=\"card warning\"", "class=\"card advice\"", "train.cpp:41", "train.cpp:38",
        "head.softmax underflowed", "<li>log_softmax with nll_loss never takes the log of zero</li>",
        "<li>Lower the learning rate (0.5)", "Followed by 61 symptoms in 9 layers from step 37 on", "and 60 more",
        "was not applied", "sparse gradient"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(Html, OfAHealthyRunIsCalm) {
  const std::string page = healthy().to_html();
  EXPECT_THAT(page, HasSubstr("<h1>Nothing wrong was found</h1>"));
  EXPECT_THAT(page, HasSubstr("<body class=\"healthy\">"));
  EXPECT_THAT(page, HasSubstr("1\u202F200 steps watched in 4 layers, 60 of them in full; loss 2.31"));
  EXPECT_THAT(page, Not(HasSubstr("<article")));
  EXPECT_THAT(page, HasSubstr("Everything that ran on the observed steps was looked at"));
}

TEST(Html, TellsTheCourseOfMetrics) {
  Report report = healthy();
  report.context.metrics = {
      {.name = "accuracy", .count = 3, .first = 0.1, .best = 0.97, .best_step = 340, .last = 0.96}};
  EXPECT_THAT(report.to_html(),
              HasSubstr("<dt>accuracy</dt><dd>0.1 at first, 0.96 at last, best 0.97 at step 340</dd>"));
}

TEST(Html, OfAWarningDoesNotSayThatTrainingBroke) {
  Report report = sick();
  report.findings.erase(report.findings.begin());
  EXPECT_EQ(verdict(report), "Training is very likely hurt since step 4 in fc1: vanishing gradient");
  report.findings.erase(report.findings.begin());
  EXPECT_EQ(verdict(report), "Nothing wrong was found; 1 habit worth knowing");
  EXPECT_EQ(tone(report), "healthy");
}

TEST(Html, OfAnEmptyReportSaysThatNothingWasSeen) {
  const std::string page = Report().to_html();
  EXPECT_THAT(page, HasSubstr("No training step was seen"));
  EXPECT_TRUE(nlohmann::json::accept(data_of(page)));
}

TEST(Html, IsTheSameEachTimeAndInEveryLocale) {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::string before = sick().to_html();
  const std::locale old = std::locale::global(std::locale(std::locale::classic(), new Comma));
  const std::string foreign = sick().to_html();
  std::locale::global(old);
  EXPECT_EQ(foreign, before);
}

TEST(Html, ToAFileThatCannotBeWrittenNamesPathAndReason) {
  try {
    sick().html("/no/such/folder/report.html");
    FAIL() << "nothing was thrown";
  } catch (const ReportError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/folder/report.html"));
    EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
  }
}

TEST(Html, ToAFileReplacesIt) {
  const std::string path = testing::TempDir() + "sonde_html_test.html";
  std::ofstream(path) << std::string(1 << 20, 'x');
  healthy().html(path);
  std::stringstream written;
  written << std::ifstream(path).rdbuf();
  EXPECT_EQ(written.str(), healthy().to_html());
  std::remove(path.c_str());
}

}  // namespace
}  // namespace sonde::report
