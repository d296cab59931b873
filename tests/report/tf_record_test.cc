#include "report/tf_record.h"

#include <string>

#include <gtest/gtest.h>

namespace sonde::report {
namespace {

// RFC 3720, B.4, and the check value of the CRC catalogue.
TEST(Crc32c, GivesTheValuesOfTheStandard) {
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(rising), 0x46DD794EU);
  EXPECT_EQ(crc32c(std::string(rising.rbegin(), rising.rend())), 0x113FDB5CU);
}

TEST(TfRecord, FramesItsDataWithLengthAndTwoMaskedCrcs) {
  std::string record;
  append_tf_record(record, "abc");
  ASSERT_EQ(record.size(), 8U + 4 + 3 + 4);
  EXPECT_EQ(record.substr(0, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 3), "abc");
  // By hand: crc32c("abc") is 0x364B3FB7; rotated right by 15 it is 0x7F6E6C96.
  EXPECT_EQ(crc32c("abc"), 0x364B3FB7U);
  EXPECT_EQ(masked_crc32c("abc"), 0x7F6E6C96U + 0xA282EAD8U);
  EXPECT_EQ(record.substr(15), "\x6E\x57\xF1\x21");
}

TEST(TfRecord, AppendsRecordAfterRecord) {
  std::string one;
  std::string two;
  append_tf_record(one, "x");
  append_tf_record(two, "x");
  append_tf_record(two, "x");
  EXPECT_EQ(two, one + one);
}

}  // namespace
}  // namespace sonde::report
