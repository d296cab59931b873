#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "complaint.h"
#include "sample_files.h"

namespace sonde::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string of_header(std::string_view header, std::size_t data = 0) {
  return complaint(read_safetensors, safetensors(header, std::string(data, '\0')));
}

TEST(Safetensors, ReadsArraysInTheOrderOfTheirBytes) {
  const std::string file = sample_safetensors();
  const std::vector<Array> arrays = read_safetensors(Bytes::borrow(file));
  ASSERT_EQ(arrays.size(), 2);
  EXPECT_EQ(arrays[0].name, "b");
  EXPECT_THAT(values<float>(arrays[0]), ElementsAre(1, -2));
  EXPECT_EQ(arrays[1].name, "a");
  EXPECT_EQ(arrays[1].dtype, DType::bfloat16);
  EXPECT_THAT(arrays[1].shape, ElementsAre(1, 3));
}

TEST(Safetensors, RefusesAHeaderThatIsNone) {
  EXPECT_EQ(complaint(read_safetensors, "abc"), "got 3 bytes, wanted at least 8");
  EXPECT_THAT(complaint(read_safetensors, std::string(16, '\xff')), HasSubstr("wanted at most 8"));
  EXPECT_EQ(of_header("[1]"), "its header is no JSON object");
  EXPECT_EQ(of_header("{\"a\": 1e999"), "its header is no JSON object");
  EXPECT_EQ(of_header(std::string(50'000, '[')), "its header is no JSON object");
  EXPECT_EQ(of_header("{}"), "");
}

TEST(Safetensors, RefusesArraysThatAreNotDescribed) {
  EXPECT_EQ(of_header(R"({"a": {"dtype": "F32", "shape": []}})"), "\"a\": has no field \"data_offsets\"");
  EXPECT_THAT(of_header(R"({"a": {"dtype": "X9", "shape": [], "data_offsets": [0, 4]}})", 4),
              HasSubstr("\"X9\", which is not known"));
  EXPECT_THAT(of_header(R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4),
              HasSubstr("0 or more"));
}

TEST(Safetensors, RefusesSizesThatDoNotAgree) {
  EXPECT_EQ(of_header(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4),
            "\"a\": an array of shape (2) and type float32 has 8 bytes, but is said to have bytes 0 to 4");
  EXPECT_THAT(of_header(R"({"a": {"dtype": "F32", "shape": [9223372036854775807, 4], "data_offsets": [0, 4]}})", 4),
              HasSubstr("too many bytes"));
  EXPECT_THAT(of_header(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", 4),
              HasSubstr("bytes 4 to 0"));
}

TEST(Safetensors, RefusesHolesAndOverlaps) {
  const std::string one = R"("a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]})";
  EXPECT_THAT(of_header("{" + one + R"(, "b": {"dtype": "U8", "shape": [2], "data_offsets": [3, 5]}})", 5),
              HasSubstr("begin at 4"));
  EXPECT_THAT(of_header("{" + one + R"(, "b": {"dtype": "U8", "shape": [2], "data_offsets": [5, 7]}})", 7),
              HasSubstr("begin at 4"));
  EXPECT_EQ(of_header("{" + one + "}", 6), "2 bytes are behind the last array");
  EXPECT_THAT(of_header("{" + one + "}", 3), HasSubstr("bytes 0 to 4 of 3"));
  EXPECT_EQ(of_header("{" + one + "}", 4), "");
}

}  // namespace
}  // namespace sonde::formats
