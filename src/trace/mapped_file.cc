#include "trace/mapped_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/layout.h"
#include "trace/trace_file.h"

namespace sonde::trace {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  // Not blocking: a pipe without a reader would hold the training up.
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
  if (file_ < 0) throw TraceError(path + ": " + reason(errno));
  try {
    take(path);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

void MappedFile::take(const std::string& path) {
  struct stat status {};
  if (::fstat(file_, &status) != 0) throw TraceError(path + ": " + reason(errno));
  if (!S_ISREG(status.st_mode)) throw TraceError(path + ": is no regular file");
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0)
    throw TraceError(
        path + ": " +
        (errno == EWOULDBLOCK ? "another monitor is writing to it; wanted: a file for each" : reason(errno)));
  std::array<char, kFileMagic.size()> begin{};
  const bool empty = status.st_size == 0;
  if (!empty &&
      (::pread(file_, begin.data(), begin.size(), 0) != static_cast<ssize_t>(begin.size()) || begin != kFileMagic))
    throw TraceError(path + ": holds something that is no trace; wanted: a new name, or an earlier trace to replace");
  if (!empty && ::ftruncate(file_, 0) != 0) throw TraceError(path + ": " + reason(errno));
}

MappedFile::~MappedFile() {
  for (const auto piece : pieces_) ::munmap(piece.data(), piece.size());
  ::close(file_);  // the lock goes with it
}

MappedFile::Piece MappedFile::append(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  size = (size + page - 1) / page * page;
  const auto offset = static_cast<off_t>(size_);
  pieces_.reserve(pieces_.size() + 1);
  // Beyond the limit of the process, the system would not only refuse but send SIGXFSZ.
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size_ + size > limit.rlim_cur)
    throw TraceError(reason(EFBIG) + " (the limit of this process is " + std::to_string(limit.rlim_cur) + " bytes)");
  int error = 0;
  do error = ::posix_fallocate(file_, offset, static_cast<off_t>(size));
  while (error == EINTR);
  if (error != 0) {
    [[maybe_unused]] const int cut = ::ftruncate(file_, offset);  // of no use after a failed write
    throw TraceError(reason(error) + " (" + std::to_string(size) + " bytes were wanted)");
  }
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_, offset);
  if (memory == MAP_FAILED) {
    error = errno;
    [[maybe_unused]] const int cut = ::ftruncate(file_, offset);
    throw TraceError(reason(error));
  }
  const std::span bytes(static_cast<std::byte*>(memory), size);
#ifdef MADV_POPULATE_WRITE
  const bool populated = ::madvise(memory, size, MADV_POPULATE_WRITE) == 0;
#else
  const bool populated = false;
#endif
  // Kernels before 5.14: a write to each page does the same.
  for (std::size_t at = 0; !populated && at < size; at += page) *static_cast<volatile std::byte*>(&bytes[at]) = {};
  pieces_.push_back(bytes);
  size_ += size;
  return {bytes, static_cast<std::uint64_t>(offset)};
}

bool MappedFile::removed() const noexcept {
  struct stat status {};
  return ::fstat(file_, &status) == 0 && status.st_nlink == 0;
}

}  // namespace sonde::trace
