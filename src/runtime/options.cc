#include <sonde/options.h>

#include <stdexcept>

#include <fmt/format.h>

namespace sonde {
namespace {

template <typename T>
void require(bool holds, std::string_view field, const T& value, std::string_view wanted) {
  if (!holds) throw std::invalid_argument(fmt::format("sonde::Options::{} is {}, wanted {}", field, value, wanted));
}

}  // namespace

void Options::validate() const {
  require(on_fault <= OnFault::abort, "on_fault", static_cast<int>(on_fault), "report, skip or abort");
  require(overhead > 0 && overhead <= 1, "overhead", overhead, "a share in (0, 1]");
  require(first_steps >= 1, "first_steps", first_steps, "at least 1");
  require(max_blind_steps >= 1, "max_blind_steps", max_blind_steps, "at least 1");
  require(ring_capacity >= 256 && ring_capacity <= (std::size_t{1} << 24), "ring_capacity", ring_capacity,
          "records in [256, 16777216]");
}

}  // namespace sonde
