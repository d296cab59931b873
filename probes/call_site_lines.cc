#include "probes/call_site_lines.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

namespace sonde::probes {
namespace {

using namespace std::string_view_literals;

constexpr std::array kForeignDirectories = {"/usr/include/"sv, "/usr/lib/"sv};
constexpr std::array kForeignHeaders = {"/include/torch/"sv,  "/include/ATen/"sv,  "/include/c10/"sv,
                                        "/include/caffe2/"sv, "/include/sonde/"sv, "/include/c++/"sv};

// Namespaces as they begin a mangled name, behind "_ZN" and the qualifiers of a member function.
constexpr std::array kLibraries = {"St"sv, "Sa"sv, "Ss"sv, "9__gnu_cxx"sv, "5torch"sv, "2at"sv, "3c10"sv, "6caffe2"sv};
constexpr std::array kSonde = {"5sonde6probes"sv,  "5sonde7monitor"sv, "5sonde7Monitor"sv,  "5sonde5Hooks"sv,
                               "5sonde7runtime"sv, "5sonde5trace"sv,   "5sonde8analysis"sv, "5sonde6report"sv};

// "_ZNK5torch2nn6Module4nameEv" becomes "5torch2nn6Module4nameEv", and a local entity is that of its function.
std::string_view qualified_part(std::string_view mangled) {
  if (!mangled.starts_with("_Z")) return {};
  mangled.remove_prefix(2);
  mangled.remove_prefix(std::min(mangled.find_first_not_of('Z'), mangled.size()));
  if (!mangled.starts_with('N')) return mangled;
  mangled.remove_prefix(1);
  mangled.remove_prefix(std::min(mangled.find_first_not_of("rVKRO"), mangled.size()));
  return mangled;
}

template <std::size_t kCount>
bool starts_with_any(std::string_view name, const std::array<std::string_view, kCount>& starts) {
  return std::any_of(starts.begin(), starts.end(), [name](std::string_view start) { return name.starts_with(start); });
}

// "void train<3>(Net&, int)" becomes "void train<3>".
std::string without_arguments(std::string name) {
  const std::size_t close = name.rfind(')');
  if (close == std::string::npos) return name;
  int depth = 0;
  for (std::size_t i = close + 1; i-- > 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] == '(' && --depth == 0) {
      if (i > 0) name.resize(i);
      break;
    }
  }
  return name;
}

std::string readable(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? without_arguments(text.get()) : std::string(name);
}

// libdw's own search would ask debuginfod servers, if the environment names some.
int find_debuginfo(Dwfl_Module* module, void** user, const char* name, Dwarf_Addr base, const char* file,
                   const char* link, GElf_Word crc, char** found) {
  const char* servers = std::getenv("DEBUGINFOD_URLS");
  const auto find = servers && *servers ? dwfl_build_id_find_debuginfo : dwfl_standard_find_debuginfo;
  return find(module, user, name, base, file, link, crc, found);
}

const Dwfl_Callbacks kCallbacks = {dwfl_linux_proc_find_elf, find_debuginfo, nullptr, nullptr};

const char* attribute_string(Dwarf_Die& die, unsigned attribute) {
  Dwarf_Attribute memory;
  return dwarf_formstring(dwarf_attr_integrate(&die, attribute, &memory));
}

// The name of a function or of a call that was inlined; null if there is none.
const char* symbol_of(Dwarf_Die& die) {
  const char* name = attribute_string(die, DW_AT_linkage_name);
  if (!name) name = attribute_string(die, DW_AT_MIPS_linkage_name);
  return name ? name : attribute_string(die, DW_AT_name);
}

struct FileLine {
  const char* file = nullptr;
  int line = 0;
};

FileLine line_of_address(Dwarf_Die& unit, Dwarf_Addr address) {
  FileLine found;
  if (Dwarf_Line* const line = dwarf_getsrc_die(&unit, address)) {
    found.file = dwarf_linesrc(line, nullptr, nullptr);
    if (dwarf_lineno(line, &found.line) != 0) found.line = 0;
  }
  return found;
}

// Where the call that became `inlined` stands.
FileLine line_of_call(Dwarf_Die& unit, Dwarf_Die& inlined) {
  FileLine found;
  Dwarf_Attribute memory;
  Dwarf_Word file = 0, line = 0;
  Dwarf_Files* files = nullptr;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &memory), &file) == 0 &&
      dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_line, &memory), &line) == 0 &&
      dwarf_getsrcfiles(&unit, &files, nullptr) == 0) {
    found.file = dwarf_filesrc(files, file, nullptr, nullptr);
    found.line = static_cast<int>(line);
  }
  return found;
}

// Appends the calls inlined at `address`, outermost first.
void append_inlined(Dwarf_Die& scope, Dwarf_Addr address, std::vector<Dwarf_Die>& chain) {
  Dwarf_Die child;
  if (dwarf_child(&scope, &child) != 0) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) continue;
    if (dwarf_haspc(&child, address) <= 0) continue;
    if (tag == DW_TAG_inlined_subroutine) chain.push_back(child);
    append_inlined(child, address, chain);
    return;
  } while (dwarf_siblingof(&child, &child) == 0);
}

// Compilers other than GCC leave out the table from addresses to units.
Dwarf_Die* unit_at(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr& bias) {
  if (Dwarf_Die* const unit = dwfl_module_addrdie(module, address, &bias)) return unit;
  Dwarf_Die* unit = nullptr;
  while ((unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr) {
    if (dwarf_haspc(unit, address - bias) > 0) return unit;
  }
  return nullptr;
}

}  // namespace

bool is_user_file(std::string_view path) noexcept {
  if (path.empty() || path.front() == '<') return false;
  if (starts_with_any(path, kForeignDirectories)) return false;
  for (const auto headers : kForeignHeaders) {
    if (path.find(headers) != std::string_view::npos) return false;
  }
  return true;
}

bool is_sonde_function(std::string_view mangled) noexcept { return starts_with_any(qualified_part(mangled), kSonde); }

bool is_library_function(std::string_view mangled) noexcept {
  const std::string_view name = qualified_part(mangled);
  return name.starts_with('T') || starts_with_any(name, kLibraries);  // T: thunks, guards and tables
}

DebugInfo::DebugInfo() : dwfl_(dwfl_begin(&kCallbacks)) {
  if (!dwfl_) return;
  const bool reported = dwfl_linux_proc_report(dwfl_, ::getpid()) == 0;
  if (dwfl_report_end(dwfl_, nullptr, nullptr) != 0 || !reported) {
    dwfl_end(dwfl_);
    dwfl_ = nullptr;
  }
}

DebugInfo::~DebugInfo() {
  if (dwfl_) dwfl_end(dwfl_);
}

CodePlace DebugInfo::find(std::uintptr_t address) {
  Dwfl_Module* const module = dwfl_ ? dwfl_addrmodule(dwfl_, address) : nullptr;
  if (module) {
    Dwarf_Addr bias = 0;
    if (Dwarf_Die* const unit = unit_at(module, address, bias)) return find_line(*unit, address - bias);
  }
  return find_symbol(module, address);
}

// Walks the unit once and remembers where its functions are: asking libdw for each address anew would walk it anew, a
// tenth of a second for a file that includes torch/torch.h.
const DebugInfo::Unit& DebugInfo::unit_of(Dwarf_Die& unit) {
  const auto [place, fresh] = units_.try_emplace(unit.addr);
  if (fresh) {
    collect(unit, false, place->second);
    auto& functions = place->second.functions;
    std::sort(functions.begin(), functions.end(),
              [](const Function& a, const Function& b) { return a.begin < b.begin; });
  }
  return place->second;
}

void DebugInfo::collect(Dwarf_Die& parent, bool in_function, Unit& unit) {
  Dwarf_Die child;
  if (dwarf_child(&parent, &child) != 0) return;
  do {
    switch (dwarf_tag(&child)) {
      case DW_TAG_subprogram: {
        std::ptrdiff_t offset = 0;
        Dwarf_Addr base = 0, begin = 0, end = 0;
        while ((offset = dwarf_ranges(&child, offset, &base, &begin, &end)) > 0) {
          unit.functions.push_back({begin, end, dwarf_dieoffset(&child)});
        }
        collect(child, true, unit);
        break;
      }
      case DW_TAG_namespace:
        collect(child, in_function, unit);
        break;
      case DW_TAG_lexical_block:
      case DW_TAG_structure_type:
      case DW_TAG_class_type:  // bodies of member functions stand inside local classes only, lambdas among them
        if (in_function) collect(child, true, unit);
        break;
      default:
        break;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
}

CodePlace DebugInfo::find_line(Dwarf_Die unit, Dwarf_Addr address) {
  std::vector<Dwarf_Die> chain;
  const auto& functions = unit_of(unit).functions;
  const auto after =
      std::upper_bound(functions.begin(), functions.end(), address,
                       [](Dwarf_Addr value, const Function& function) { return value < function.begin; });
  if (after != functions.begin() && address < std::prev(after)->end) {
    Dwarf_Die function;
    if (dwarf_offdie(dwarf_cu_getdwarf(unit.cu), std::prev(after)->die, &function)) {
      chain.push_back(function);
      append_inlined(function, address, chain);
    }
  }

  const auto is_sonde = [](Dwarf_Die& function) {
    const char* const symbol = symbol_of(function);
    return symbol && is_sonde_function(symbol);
  };
  if (!chain.empty() && is_sonde(chain.front())) return {};  // with all that is inlined in it, nameless lambdas too

  FileLine at = line_of_address(unit, address);
  for (std::size_t k = chain.size(); k-- > 0;) {
    if (at.file && at.line > 0 && !is_sonde(chain[k])) {
      std::string file = std::filesystem::path(at.file).lexically_normal().string();
      if (is_user_file(file)) {
        const char* const symbol = symbol_of(chain[k]);
        return {CodePlace::Kind::line,
                {std::move(file), symbol ? readable(symbol) : std::string(), static_cast<std::uint32_t>(at.line)}};
      }
    }
    at = line_of_call(unit, chain[k]);
  }
  return {};
}

CodePlace DebugInfo::find_symbol(Dwfl_Module* module, Dwarf_Addr address) const {
  const char* symbol = module ? dwfl_module_addrname(module, address) : nullptr;
  Dl_info info{};
  const bool loaded = ::dladdr(reinterpret_cast<void*>(address), &info) != 0;  // NOLINT
  if (!symbol && loaded) symbol = info.dli_sname;
  if (symbol) {
    if (is_sonde_function(symbol) || is_library_function(symbol)) return {};
    return {CodePlace::Kind::symbol, {{}, readable(symbol), 0}};
  }
  if (!loaded || !info.dli_fname) return {};
  const auto object = std::filesystem::path(info.dli_fname).filename().string();
  const auto offset = address - reinterpret_cast<Dwarf_Addr>(info.dli_fbase);
  std::ostringstream place;
  place << object << "+0x" << std::hex << offset;
  return {CodePlace::Kind::symbol, {{}, place.str(), 0}};
}

}  // namespace sonde::probes
