#include "formats/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "complaint.h"
#include "sample_files.h"

namespace sonde::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Array read(std::string_view bytes) { return read_npy(Bytes::own(std::string(bytes))); }

TEST(Npy, ReadsAnArray) {
  const Array array = read(sample_npy());
  EXPECT_EQ(array.dtype, DType::float32);
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_THAT(values<float>(array), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, RearrangesFortranOrder) {
  const Array array = read(npy("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3)}",
                               bytes_of(std::vector<std::int32_t>{0, 3, 1, 4, 2, 5})));
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_THAT(values<std::int32_t>(array), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, RearrangesThreeDimensionsInFortranOrder) {
  // Element (i, j, k) of shape (2, 2, 2) is 4 i + 2 j + k.
  const Array array = read(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2)}",
                               bytes_of(std::vector<std::uint8_t>{0, 4, 2, 6, 1, 5, 3, 7})));
  EXPECT_THAT(values<std::uint8_t>(array), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Npy, TurnsBigEndianElementsRound) {
  const Array array =
      read(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}", std::string("\x00\x01\x02\x00", 4)));
  EXPECT_THAT(values<std::int16_t>(array), ElementsAre(1, 512));
  const Array complex = read(
      npy("{'descr': '>c8', 'fortran_order': False, 'shape': ()}", std::string("\x3f\x80\x00\x00\x40\x00\x00\x00", 8)));
  EXPECT_THAT(values<float>(complex), ElementsAre(1, 2));
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_EQ(read(npy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", std::string(8, '\0'))).shape.size(), 0);
  const Array empty = read(npy("{\"descr\": \"<f8\", \"fortran_order\": True, \"shape\": (3L, 0, )}", ""));
  EXPECT_THAT(empty.shape, ElementsAre(3, 0));
  EXPECT_TRUE(empty.bytes.empty());
}

TEST(Npy, RefusesOtherNumbersOfBytes) {
  EXPECT_EQ(complaint(read_npy, sample_npy() + "x"),
            "an array of shape (2, 3) and type float32 has 24 bytes, but 25 are there");
  EXPECT_EQ(complaint(read_npy, sample_npy().substr(0, sample_npy().size() - 4)),
            "an array of shape (2, 3) and type float32 has 24 bytes, but 20 are there");
  EXPECT_THAT(
      complaint(read_npy, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 0)}", "")),
      HasSubstr("too many bytes"));
}

TEST(Npy, RefusesElementsThatAreNoNumbers) {
  EXPECT_EQ(complaint(read_npy, npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", "")),
            "got elements of type \"|O\", wanted numbers");
  EXPECT_THAT(complaint(read_npy, npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", "")),
              HasSubstr("not a structure"));
}

TEST(Npy, RefusesDamagedHeaders) {
  EXPECT_THAT(complaint(read_npy, ""), HasSubstr("got no array of NumPy's"));
  EXPECT_THAT(complaint(read_npy, std::string("\x93NUMPY\x09\x00\x00\x00", 10)), HasSubstr("got version 9"));
  EXPECT_THAT(complaint(read_npy, std::string("\x93NUMPY\x01\x00\xff\xff", 10)),
              HasSubstr("has 65535 bytes, but 0 are left"));
  EXPECT_THAT(complaint(read_npy, npy("{'descr': '<f4', 'shape': ()}", "")), HasSubstr("lacks"));
  EXPECT_THAT(complaint(read_npy, npy("{'descr': '<f4', 'descr': '<f4'}", "")), HasSubstr("once each"));
  EXPECT_THAT(complaint(read_npy, npy("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", "")),
              HasSubstr("True or False"));
  EXPECT_THAT(complaint(read_npy, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "")),
              HasSubstr("a size"));
}

}  // namespace
}  // namespace sonde::formats
