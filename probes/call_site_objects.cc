#include "probes/call_site_objects.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

namespace sonde::probes {
namespace {

using namespace std::string_view_literals;

constexpr std::array kLibTorch = {"libtorch"sv, "libc10"sv, "libshm"sv, "libcaffe2"sv};

// What LibTorch's and Python's distributions bring along in directories of their own.
constexpr std::array kOthers = {
    "libsonde"sv,     "libpython2"sv,    "libpython3"sv,  "libtorchvision"sv, "libtorchaudio"sv, "libgomp"sv,
    "libiomp5"sv,     "libomp"sv,        "libmkl"sv,      "libopenblas"sv,    "libopenblas64"sv, "libblas"sv,
    "liblapack"sv,    "libgfortran"sv,   "libquadmath"sv, "libdnnl"sv,        "libcuda"sv,       "libcudart"sv,
    "libcublas"sv,    "libcublasLt"sv,   "libcudnn"sv,    "libcufft"sv,       "libcurand"sv,     "libcusolver"sv,
    "libcusparse"sv,  "libcusparseLt"sv, "libcupti"sv,    "libnccl"sv,        "libnvrtc"sv,      "libnvToolsExt"sv,
    "libnvJitLink"sv, "libtbb"sv,        "libstdc++"sv,   "libc++"sv,         "libc++abi"sv,     "libgcc_s"sv,
    "libc"sv,         "libm"sv,          "libdl"sv,       "librt"sv,          "libpthread"sv,    "ld-linux-x86-64"sv,
    "linux-vdso"sv,   "libasan"sv,       "libubsan"sv,    "libtsan"sv,        "liblsan"sv,       "libunwind"sv,
    "libdw"sv,        "libelf"sv,        "libhwy"sv,      "libfmt"sv,         "libspdlog"sv,
};

constexpr std::array kSystemDirectories = {"/lib/"sv, "/lib32/"sv, "/lib64/"sv, "/usr/lib/"sv, "/usr/lib64/"sv};

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// True if `name` is `stem` or goes on as a new word: "libtorch_cpu.so", not "libtorchard.so".
bool belongs_to(std::string_view name, std::string_view stem) {
  return name.starts_with(stem) &&
         (name.size() == stem.size() || "._-"sv.find(name[stem.size()]) != std::string_view::npos);
}

std::string_view program_path(std::span<char> buffer) {
  const ssize_t length = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  return {buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

}  // namespace

ObjectKind kind_of_object(std::string_view path) noexcept {
  const std::string_view name = file_name(path);
  const auto is_named = [name](std::string_view stem) { return belongs_to(name, stem); };
  if (std::any_of(kLibTorch.begin(), kLibTorch.end(), is_named)) return ObjectKind::libtorch;
  if (std::any_of(kOthers.begin(), kOthers.end(), is_named)) return ObjectKind::other;
  const auto lies_in = [path](std::string_view directory) { return path.starts_with(directory); };
  const bool system = std::any_of(kSystemDirectories.begin(), kSystemDirectories.end(), lies_in);
  return system ? ObjectKind::other : ObjectKind::user;
}

ObjectKind kind_of_program(std::string_view path) noexcept {
  return file_name(path).starts_with("python") ? ObjectKind::other : ObjectKind::user;
}

LoaderState LoaderState::now() noexcept {
  LoaderState state;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<LoaderState*>(to) = {info->dlpi_adds, info->dlpi_subs};
        return 1;  // the first object knows
      },
      &state);
  return state;
}

LoadedObjects& LoadedObjects::instance() noexcept {
  static auto* const objects = new LoadedObjects;
  return *objects;
}

void LoadedObjects::classify(std::span<void* const> addresses, std::span<ObjectKind> kinds) {
  const std::lock_guard lock(mutex_);
  if (const LoaderState state = LoaderState::now(); state != state_) {
    read();
    state_ = state;
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    kinds[i] = kind_at(reinterpret_cast<std::uintptr_t>(addresses[i]));
  }
}

void LoadedObjects::read() {
  ranges_.clear();
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        auto& ranges = *static_cast<std::vector<Range>*>(to);
        char buffer[PATH_MAX];
        const bool program = info->dlpi_name == nullptr || *info->dlpi_name == '\0';
        const ObjectKind kind = program ? kind_of_program(program_path(buffer)) : kind_of_object(info->dlpi_name);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
          const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
          ranges.push_back({begin, begin + segment.p_memsz, kind});
        }
        return 0;
      },
      &ranges_);
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
}

ObjectKind LoadedObjects::kind_at(std::uintptr_t address) const noexcept {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                      [](std::uintptr_t value, const Range& range) { return value < range.begin; });
  if (after == ranges_.begin()) return ObjectKind::other;
  const Range& range = *std::prev(after);
  return address < range.end ? range.kind : ObjectKind::other;
}

}  // namespace sonde::probes
