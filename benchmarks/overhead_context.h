// Where a benchmark ran: without it its figures say nothing.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include <nlohmann/json.hpp>

namespace sonde::benchmarks {

struct Clocks {
  double cpu;  // seconds of all threads of the process
  double wall;
  std::uint64_t page_faults = 0;  // minor ones; memory that the allocator gave back and took again, mostly

  static Clocks now();
};

// Of LibTorch (OpenMP), and of OpenBLAS, which otherwise takes all cores. Debian's OpenBLAS has threads of its own: called
// from LibTorch's, they wait for each other (LeNet on two cores: 9 ms a step with one of them, 20 ms with two).
void set_threads(int threads, int blas_threads = 1);

struct Context {
  std::string libtorch;
  std::string blas;  // the shared objects that are loaded
  std::string cpu;
  std::string vectors;  // of Sonde's statistics
  int cores = 0;
  int threads = 0;       // LibTorch's
  int blas_threads = 0;  // where OpenBLAS is loaded
  bool optimised = false;

  static Context here(int threads, int blas_threads = 1);

  void print(std::ostream& out) const;
  [[nodiscard]] nlohmann::json json() const;
};

}  // namespace sonde::benchmarks
