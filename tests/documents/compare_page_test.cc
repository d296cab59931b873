// docs/compare.md lists every stage and cause.
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/comparison.h>

#include "documents/document.h"

namespace sonde::documents {
namespace {

// The first cells of tables: "| `argument` | ...".
std::set<std::string> listed_in(const std::string& path) {
  std::set<std::string> names;
  for (const std::string& line : read_lines(path)) {
    if (!line.starts_with("| `")) continue;
    names.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return names;
}

TEST(ComparePage, ListsEveryStageAndCause) {
  const auto listed = listed_in("docs/compare.md");
  for (int i = 0; i <= static_cast<int>(compare::Stage::dynamic); ++i)
    EXPECT_THAT(listed, ::testing::Contains(std::string(to_string(static_cast<compare::Stage>(i)))));
  for (int i = 0; i <= static_cast<int>(compare::Cause::frozen_in); ++i)
    EXPECT_THAT(listed, ::testing::Contains(std::string(to_string(static_cast<compare::Cause>(i)))));
}

}  // namespace
}  // namespace sonde::documents
