// docs/checks.md is complete, and names nothing that is not there.
#include <algorithm>
#include <regex>
#include <set>

#include <gtest/gtest.h>
#include <sonde/finding.h>

#include "analysis/analyzers.h"
#include "analysis/diagnosis.h"
#include "documents/document.h"
#include "preflight/kinds.h"

namespace sonde::documents {
namespace {

const std::string kPage = "docs/checks.md";

std::vector<Cause> all_causes() {
  std::vector<Cause> causes;
  for (int i = 0; i <= static_cast<int>(Cause::unknown); ++i) causes.push_back(static_cast<Cause>(i));
  return causes;
}

std::set<std::string> all_kinds() {
  std::set<std::string> kinds(std::begin(preflights::kAllKinds), std::end(preflights::kAllKinds));
  for (const std::string_view kind : analysis::symptom_kinds()) kinds.emplace(kind);
  return kinds;
}

// The rows of the table below a headline, each as one line.
std::vector<std::string> table_below(const std::string& headline) {
  std::vector<std::string> rows;
  bool below = false;
  for (const std::string& line : read_lines(kPage)) {
    if (line.starts_with("## ")) below = line == "## " + headline;
    if (below && line.starts_with("| `")) rows.push_back(line);
  }
  return rows;
}

TEST(ChecksPage, TellsOfEveryKindOfSymptom) {
  const auto names = names_in(read_document(kPage).text);
  const std::set<std::string> told(names.begin(), names.end());
  for (const std::string& kind : all_kinds()) EXPECT_TRUE(told.contains(kind)) << kind;
}

TEST(ChecksPage, NamesNoKindOrCauseThatIsNotThere) {
  std::set<std::string> known = all_kinds();
  for (const Cause cause : all_causes()) known.emplace(to_string(cause));
  const std::regex name("[a-z]+(-[a-z]+)+");
  for (const std::string& told : names_in(read_document(kPage).text)) {
    if (!std::regex_match(told, name)) continue;
    EXPECT_TRUE(known.contains(told)) << told;
  }
}

TEST(ChecksPage, SaysOfEveryCauseWhatBringsItAndWhatToChange) {
  const trace::Catalog catalog;
  const analysis::Run run(catalog);
  std::vector<std::string> wanted;
  for (const Cause cause : all_causes())
    wanted.push_back("| `" + std::string(to_string(cause)) + "` | " + analysis::fix_for(cause, {}, run) + " |");
  const std::vector<std::string> rows = table_below("Causes");
  const std::set<std::string> kinds = all_kinds();
  ASSERT_EQ(rows.size(), wanted.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(rows[i].starts_with(wanted[i])) << "wanted " << wanted[i] << "\ngot " << rows[i];
    const auto names = names_in(rows[i].substr(std::min(rows[i].size(), wanted[i].size())));
    EXPECT_TRUE(std::ranges::any_of(names, [&](const std::string& name) { return kinds.contains(name); })) << rows[i];
  }
}

TEST(ReportFormat, ListsEveryCause) {
  const auto names = names_in(read_document("docs/report-format.md").text);
  for (const Cause cause : all_causes())
    EXPECT_NE(std::ranges::find(names, to_string(cause)), names.end()) << to_string(cause);
}

}  // namespace
}  // namespace sonde::documents
