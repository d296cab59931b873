#include <sonde/timeline.h>

namespace sonde {
namespace {

// In the order of the enum.
constexpr std::array kNames = {"gradient",   "output-gradient", "update-ratio", "dead-units",
                               "saturation", "non-finite",      "activation",   "weight"};
static_assert(kNames.size() == kQuantities);
static_assert(kQuantities == static_cast<std::size_t>(Quantity::weight) + 1);

}  // namespace

std::string_view to_string(Quantity quantity) noexcept {
  const auto index = static_cast<std::size_t>(quantity);
  return index < kNames.size() ? kNames[index] : "invalid";
}

}  // namespace sonde
