#include <sonde/comparison.h>

#include <algorithm>

namespace sonde::compare {

bool Result::equal() const noexcept {
  return std::ranges::none_of(faults, [](const Fault& fault) { return fault.visible; });
}

}  // namespace sonde::compare
