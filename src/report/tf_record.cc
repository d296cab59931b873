#include "report/tf_record.h"

#include <bit>

#include <boost/crc.hpp>

namespace sonde::report {
namespace {

template <typename T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) noexcept {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::uint32_t masked_crc32c(std::string_view bytes) noexcept { return std::rotr(crc32c(bytes), 15) + 0xa282ead8U; }

void append_tf_record(std::string& out, std::string_view data) {
  std::string length;
  append_little_endian(length, std::uint64_t{data.size()});
  out += length;
  append_little_endian(out, masked_crc32c(length));
  out += data;
  append_little_endian(out, masked_crc32c(data));
}

}  // namespace sonde::report
