// From an address to a line of source: debug information of this process, read with libdw.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <sonde/finding.h>

namespace sonde::probes {

// False for headers of LibTorch, of Sonde, of the compiler and of the system. `path` is absolute.
[[nodiscard]] bool is_user_file(std::string_view path) noexcept;

// Whose a function is, by its name in the object file. Sonde's are those of its inside, not of its tests and examples.
[[nodiscard]] bool is_sonde_function(std::string_view mangled) noexcept;
[[nodiscard]] bool is_library_function(std::string_view mangled) noexcept;

// What is known of an address.
struct CodePlace {
  enum class Kind : std::uint8_t {
    nothing,  // not the user's
    symbol,   // `line` has a function only
    line,
  };
  Kind kind = Kind::nothing;
  SourceLine line;
};

// Not thread-safe. Objects that are loaded later are not seen.
class DebugInfo {
 public:
  DebugInfo();
  ~DebugInfo();
  DebugInfo(const DebugInfo&) = delete;
  DebugInfo& operator=(const DebugInfo&) = delete;

  // The innermost user's line of the calls inlined at `address`, which must lie inside an instruction.
  CodePlace find(std::uintptr_t address);

 private:
  struct Function {
    Dwarf_Addr begin, end;
    Dwarf_Off die;
  };
  struct Unit {
    std::vector<Function> functions;  // sorted by begin
  };

  CodePlace find_line(Dwarf_Die unit, Dwarf_Addr address);
  CodePlace find_symbol(Dwfl_Module* module, Dwarf_Addr address) const;
  const Unit& unit_of(Dwarf_Die& unit);
  static void collect(Dwarf_Die& parent, bool in_function, Unit& unit);

  Dwfl* dwfl_ = nullptr;  // null if the process cannot be inspected
  std::unordered_map<const void*, Unit> units_;
};

}  // namespace sonde::probes
