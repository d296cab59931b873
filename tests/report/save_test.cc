#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/report.h>

#include "report/format.h"
#include "report/whole_file.h"
#include "sample.h"

namespace sonde::report {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Save : public ::testing::Test {
 protected:
  Save()
      : folder_(fs::path(::testing::TempDir()) / ("save_" + std::to_string(::getpid()) +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~Save() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream in(path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

std::string complaint(const Report& report, const std::string& path) {
  try {
    report.save(path);
  } catch (const ReportError& error) { return error.what(); }
  return {};
}

TEST_F(Save, RefusesAnEndingItDoesNotKnowAndNamesThoseItDoes) {
  EXPECT_EQ(complaint(sick(), "report.pdf"), "report.pdf: no known format; names end in " + endings_of_formats());
  EXPECT_THAT(endings_of_formats(), HasSubstr(".txt, .json, .jsonl, .sarif"));
  EXPECT_NE(complaint(sick(), "json"), "");
  EXPECT_EQ(files(), 0U);
}

TEST_F(Save, SaysWhyAFileCannotBeWritten) {
  EXPECT_EQ(complaint(sick(), path("none/report.json")),
            path("none/report.json") + ": cannot be written: No such file or directory");
  fs::create_directory(path("folder.json"));
  EXPECT_EQ(complaint(sick(), path("folder.json")), path("folder.json") + ": cannot be written: Is a directory");
  EXPECT_EQ(files(), 1U);
}

TEST_F(Save, TakesTheFormatFromTheEnding) {
  for (const char* name : {"r.txt", "r.json", "r.jsonl", "r.sarif"}) sick().save(path(name));
  std::ostringstream text;
  sick().print(text);
  EXPECT_EQ(content("r.txt"), text.str());
  EXPECT_EQ(content("r.json"), sick().to_json() + '\n');
  EXPECT_EQ(content("r.jsonl"), sick().to_json_lines());
  EXPECT_EQ(content("r.sarif"), sick().to_sarif() + '\n');
  EXPECT_EQ(files(), 4U) << "nothing is left beside them";
}

TEST_F(Save, ReplacesAnOldFile) {
  std::ofstream(path("r.json")) << std::string(100'000, 'x');
  sick().save(path("r.json"));
  EXPECT_EQ(content("r.json"), sick().to_json() + '\n');
  EXPECT_EQ(files(), 1U);
}

TEST_F(Save, ALinkStaysALink) {
  std::ofstream(path("real.json")) << "old";
  fs::create_symlink("real.json", path("link.json"));
  sick().save(path("link.json"));
  EXPECT_TRUE(fs::is_symlink(path("link.json")));
  EXPECT_EQ(content("real.json"), sick().to_json() + '\n');
}

TEST_F(Save, ADiskThatIsFullIsToldAsSuch) {
  try {
    write_whole_file("/dev/full", "x");
    FAIL() << "written";
  } catch (const ReportError& error) { EXPECT_THAT(error.what(), HasSubstr("No space left on device")); }
}

}  // namespace
}  // namespace sonde::report
