// What documents say a program prints, it prints. Numbers are not compared.
#include <array>
#include <cstdio>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "documents/document.h"

namespace sonde::documents {
namespace {

constexpr std::string_view kMark = "output of ";

// What an example prints to standard output, run once.
const std::string& output_of(const std::string& command) {
  static std::map<std::string, std::string> known;
  const auto found = known.find(command);
  if (found != known.end()) return found->second;
  std::string& text = known[command];
  FILE* pipe = popen((SONDE_EXAMPLES "/" + command).c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::array<char, 4096> buffer{};
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), size);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

TEST(Outputs, AreComparedWithoutNumbersAndLineBreaks) {
  EXPECT_EQ(without_numbers("step 12  a loss of\n  -1.5e-07, 3 %"), "step # a loss of #, # %");
  EXPECT_NE(without_numbers("step 12 of fc1"), without_numbers("step 12 of conv1"));
}

TEST(Documents, ShowWhatExamplesPrint) {
  for (const Document& document : all_documents()) {
    for (const Block& block : document.blocks) {
      if (!block.mark.starts_with(kMark)) continue;
      const std::string command = block.mark.substr(kMark.size());
      const std::string printed = without_numbers(output_of(command));
      std::size_t from = 0;
      for (const auto& piece : pieces_of(block)) {
        std::string wanted;
        for (const std::string& line : piece) wanted += line + " ";
        wanted = without_numbers(wanted);
        const std::size_t at = printed.find(wanted, from);
        EXPECT_NE(at, std::string::npos) << document.path << ":" << block.line << ": wanted\n"
                                         << wanted << "\n"
                                         << command << " prints\n"
                                         << output_of(command);
        if (at == std::string::npos) break;
        from = at + wanted.size();
      }
    }
  }
}

}  // namespace
}  // namespace sonde::documents
