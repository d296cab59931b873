// Code in documents is code that is built and run: every block of it is taken from a file of the project.
#include <filesystem>

#include <gtest/gtest.h>

#include "documents/document.h"

namespace sonde::documents {
namespace {

Block code(std::vector<std::string> lines) { return {"cpp", "", std::move(lines), 1}; }

TEST(Excerpts, ThatDifferFromTheFileAreNoticed) {
  const std::vector<std::string> file{"int main() {", "  int a = 1;", "  int b = 2;", "}"};
  EXPECT_EQ(missing_piece(code({"int a = 2;"}), file), "int a = 2;");
  EXPECT_EQ(missing_piece(code({"int b = 2;", "...", "int a = 1;"}), file), "int a = 1;") << "in another order";
  EXPECT_EQ(missing_piece(code({"int main() {", "  int b = 2;"}), file), "int main() {") << "a line left out";
  EXPECT_EQ(missing_piece(code({"int a = 1;", "  int b = 2;"}), file), "int a = 1;") << "indented otherwise";
}

TEST(Excerpts, MayBeIndentedAsAWholeAndLeaveOutWhatTheySay) {
  const std::vector<std::string> file{"int main() {", "  int a = 1;", "", "  int b = 2;", "}"};
  EXPECT_EQ(missing_piece(code({"int a = 1;", "", "int b = 2;"}), file), "");
  EXPECT_EQ(missing_piece(code({"int main() {", "  ...", "  int b = 2;", "}"}), file), "");
}

TEST(Documents, HaveNoCodeThatIsNotBuilt) {
  for (const Document& document : all_documents()) {
    for (const Block& block : document.blocks) {
      if (block.language != "cpp") continue;
      SCOPED_TRACE(document.path + ":" + std::to_string(block.line));
      ASSERT_TRUE(block.mark.starts_with("from ")) << "wanted a line <!-- from FILE --> before the block";
      const std::string file = block.mark.substr(5);
      EXPECT_EQ(missing_piece(block, read_lines(file)), "") << "stands in the document, not so in " << file;
    }
  }
}

TEST(Documents, LeadToFilesThatAreThere) {
  for (const Document& document : all_documents()) {
    const auto folder = std::filesystem::path(SONDE_ROOT "/" + document.path).parent_path();
    for (const std::string& link : document.links) {
      if (link.starts_with("https://")) continue;
      EXPECT_TRUE(std::filesystem::exists(folder / link)) << document.path << " leads to " << link;
    }
  }
}

}  // namespace
}  // namespace sonde::documents
