#include "formats/inflate.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

#include "formats/error.h"

namespace sonde::formats {
namespace {

// zlib's counts have 32 bits.
constexpr std::size_t kPiece = std::size_t{1} << 30;

class Stream {
 public:
  Stream() {
    if (inflateInit2(&z_, -MAX_WBITS) != Z_OK) throw FormatError("zlib cannot begin: no memory");
  }
  ~Stream() { inflateEnd(&z_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  z_stream& operator*() noexcept { return z_; }

 private:
  z_stream z_{};
};

}  // namespace

std::vector<std::byte> inflate(std::span<const std::byte> deflated, std::size_t size) {
  constexpr std::size_t kMostRatio = 1032;
  if (deflated.size() < std::numeric_limits<std::size_t>::max() / kMostRatio && size > deflated.size() * kMostRatio)
    throw FormatError(fmt::format("{} bytes cannot come of {} deflated ones", size, deflated.size()));
  std::vector<std::byte> result(size);
  Stream stream;
  z_stream& z = *stream;
  std::size_t read = 0;
  std::size_t written = 0;
  Bytef nothing = 0;  // zlib wants a place even where nothing is to be written
  int state = Z_OK;
  while (state == Z_OK) {
    z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(deflated.data() + read));
    z.avail_in = static_cast<uInt>(std::min(deflated.size() - read, kPiece));
    z.next_out = size > 0 ? reinterpret_cast<Bytef*>(result.data() + written) : &nothing;
    z.avail_out = static_cast<uInt>(std::min(size - written, kPiece));
    const uInt in = z.avail_in;
    const uInt out = z.avail_out;
    state = ::inflate(&z, Z_NO_FLUSH);
    read += in - z.avail_in;
    written += out - z.avail_out;
    if (state == Z_OK && in == z.avail_in && out == z.avail_out) break;  // no way on
  }
  if (state != Z_STREAM_END || written != size)
    throw FormatError(fmt::format("the deflated bytes are damaged: got {} bytes of them, wanted {}", written, size));
  return result;
}

}  // namespace sonde::formats
