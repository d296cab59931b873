#include "overhead_context.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/resource.h>
#include <time.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <set>
#include <thread>

#include <ATen/Parallel.h>
#include <torch/version.h>

#include "probes/statistics.h"

namespace sonde::benchmarks {
namespace {

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::string loaded_blas() {
  std::set<std::string> names;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        const std::filesystem::path path = info->dlpi_name;
        const std::string name = path.filename().string();
        for (const char* stem : {"libblas", "libopenblas", "libmkl", "libblis", "libatlas"}) {
          std::error_code ignored;
          if (name.starts_with(stem))
            static_cast<std::set<std::string>*>(to)->insert(canonical(path, ignored).string());
        }
        return 0;
      },
      &names);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "inside LibTorch" : all;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

Clocks Clocks::now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC), static_cast<std::uint64_t>(usage.ru_minflt)};
}

void set_threads(int threads, int blas_threads) {
  at::set_num_threads(threads);
  using Set = void (*)(int);
  if (const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(blas_threads);
}

Context Context::here(int threads, int blas_threads) {
  Context context;
  context.libtorch = TORCH_VERSION;
  context.blas = loaded_blas();
  context.cpu = cpu_name();
  context.vectors = probes::vector_target();
  context.cores = static_cast<int>(std::thread::hardware_concurrency());
  context.threads = threads;
  context.blas_threads = blas_threads;
#ifdef __OPTIMIZE__
  context.optimised = true;
#endif
  return context;
}

void Context::print(std::ostream& out) const {
  out << "LibTorch " << libtorch << ", BLAS " << blas << "\n"
      << cpu << ", " << cores << " cores, " << threads << " thread" << (threads == 1 ? "" : "s") << " (BLAS "
      << blas_threads << "), vectors " << vectors << (optimised ? "" : ", NOT OPTIMISED") << std::endl;
}

nlohmann::json Context::json() const {
  return {{"libtorch", libtorch},         {"blas", blas},          {"cpu", cpu},
          {"vectors", vectors},           {"cores", cores},        {"threads", threads},
          {"blas_threads", blas_threads}, {"optimised", optimised}};
}

}  // namespace sonde::benchmarks
