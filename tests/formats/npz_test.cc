#include "formats/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "complaint.h"
#include "sample_files.h"

namespace sonde::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Npz, ReadsStoredAndDeflatedArraysInTheirOrder) {
  for (const bool deflated : {false, true}) {
    const std::string file = zip({{"z.npy", sample_npy()}, {"a/b.npy", sample_npy()}}, deflated);
    const std::vector<Array> arrays = read_npz(Bytes::borrow(file));
    ASSERT_EQ(arrays.size(), 2);
    EXPECT_EQ(arrays[0].name, "z");
    EXPECT_EQ(arrays[1].name, "a/b");
    EXPECT_THAT(values<float>(arrays[1]), ElementsAre(0, 1, 2, 3, 4, 5));
  }
}

TEST(Npz, ReadsAnArchiveWithoutArrays) { EXPECT_TRUE(read_npz(Bytes::borrow(zip({}, false))).empty()); }

TEST(Npz, RefusesAnArchiveThatIsCut) {
  const std::string file = zip({{"z.npy", sample_npy()}}, true);
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(complaint(read_npz, file.substr(0, size)), "") << size;
}

TEST(Npz, NamesTheArrayThatIsDamaged) {
  std::string file = zip({{"z.npy", sample_npy()}}, false);
  file[30 + 5 + sample_npy().size() - 1] ^= 1;  // of the last element
  EXPECT_THAT(complaint(read_npz, file), HasSubstr("\"z.npy\" is damaged: its checksum is"));
  EXPECT_EQ(complaint(read_npz, zip({{"z.npy", "nothing"}}, false)).substr(0, 8), "\"z.npy\":");
}

TEST(Npz, RefusesOtherFiles) {
  EXPECT_THAT(complaint(read_npz, zip({{"readme.txt", ""}}, false)), HasSubstr("has a file \"readme.txt\""));
}

TEST(Npz, RefusesMoreBytesThanDeflateCanMake) {
  std::string file = zip({{"z.npy", sample_npy()}}, true);
  const std::size_t size = file.find("PK\x01\x02") + 24;
  file.replace(size, 4, "\xf0\xff\xff\xff", 4);
  EXPECT_THAT(complaint(read_npz, file), HasSubstr("4294967280 bytes cannot come of"));
}

TEST(Npz, RefusesEntriesThatOverlap) {
  std::string file = zip({{"a.npy", std::string(300, 'x')}, {"b.npy", std::string(300, 'x')}}, false);
  const std::size_t second = file.rfind("PK\x01\x02");
  file.replace(second + 20, 4, std::string("\xff\x02\x00\x00", 4));  // 767 bytes, with the 300 before more than all
  file.replace(second + 24, 4, std::string("\xff\x02\x00\x00", 4));
  EXPECT_THAT(complaint(read_npz, file), HasSubstr("take more bytes than the archive"));
}

}  // namespace
}  // namespace sonde::formats
