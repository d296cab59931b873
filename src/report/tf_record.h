// TFRecord: the framing of TensorFlow's record files, which TensorBoard's event files are.
//
// A record is its length (u64), the masked CRC of these eight bytes (u32), the data, and the masked CRC of the data (u32), all
// little-endian. The CRC is CRC-32C (Castagnoli, RFC 3720 B.4), masked so that a CRC of data that contains CRCs stays
// good: rotated right by 15 bits, plus 0xa282ead8. Source: tensorflow/core/lib/io/record_writer.h, lib/hash/crc32c.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sonde::report {

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes) noexcept;
[[nodiscard]] std::uint32_t masked_crc32c(std::string_view bytes) noexcept;

// Appends `data` as one record.
void append_tf_record(std::string& out, std::string_view data);

}  // namespace sonde::report
