// MappedFile: a file of this process's own that grows by pieces, each reserved on the disk and mapped.
//
// What is stored in a piece is in the page cache at once and survives the death of the process at any moment, though not
// that of the machine. Space is reserved before it is mapped, so that a full disk is an error of append(), not a signal
// later. What no program can be kept safe from is another one that truncates the file: that ends this one with SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sonde::trace {

// Thread-safety: none.
class MappedFile {
 public:
  struct Piece {
    std::span<std::byte> bytes;  // zeroed, aligned to a page, mapped until the file is destroyed
    std::uint64_t offset;
  };

  // Creates the file, or empties one that is a trace and that no other MappedFile holds. Throws TraceError, which names
  // the file: it cannot be opened or is not regular, another monitor writes to it, or it holds something else.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // At least `size` bytes, rounded up to a page. All pages are there and writable, as far as the system can do that.
  // Throws TraceError (no space, no memory); the file then has the size it had.
  [[nodiscard]] Piece append(std::size_t size);

  // True once the file has no name any more: it goes with the process.
  [[nodiscard]] bool removed() const noexcept;

 private:
  void take(const std::string& path);

  int file_ = -1;
  std::uint64_t size_ = 0;
  std::vector<std::span<std::byte>> pieces_;
};

}  // namespace sonde::trace
