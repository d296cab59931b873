// Where a benchmark ran: without it its figures say nothing.
#pragma once

#include <iosfwd>
#include <string>

#include <nlohmann/json.hpp>

namespace sonde::benchmarks {

struct Clocks {
  double cpu;  // seconds of all threads of the process
  double wall;

  static Clocks now();
};

// Of LibTorch, OpenMP and OpenBLAS, which otherwise takes all cores.
void set_threads(int threads);

struct Context {
  std::string libtorch;
  std::string blas;  // the shared objects that are loaded
  std::string cpu;
  std::string vectors;  // of Sonde's statistics
  int cores = 0;
  int threads = 0;
  bool optimised = false;

  static Context here(int threads);

  void print(std::ostream& out) const;
  [[nodiscard]] nlohmann::json json() const;
};

}  // namespace sonde::benchmarks
