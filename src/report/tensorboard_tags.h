// Tags: what TensorBoard's series are called, and which places get one.
//
// A tag is `<quantity>/<place>`: TensorBoard groups by what stands before the slash, and its filter finds a layer by name
// in all groups ("/conv1"). Of each quantity at most kPlaces places have a series of their own: all if there are no
// more on the first step that shows it, else the first, the last and evenly spaced ones in between, in the order of the data
// flow; places that come later get one while there is room.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "trace/catalog.h"

namespace sonde::report {

enum class Quantity : std::uint8_t {
  gradient_rms,
  weight_rms,
  update_ratio,
  activation_rms,
  dead_share,
  saturated_share,
  non_finite,
};
inline constexpr std::size_t kQuantities = 7;

[[nodiscard]] std::string_view name_of(Quantity quantity) noexcept;
// One or two sentences: what it is and how to read it.
[[nodiscard]] std::string_view description_of(Quantity quantity) noexcept;

class TagTable {
 public:
  static constexpr std::size_t kPlaces = 256;

  // The places where `quantity` was seen on a step, in the order of the data flow.
  void seen(Quantity quantity, std::span<const std::uint32_t> sites, const trace::Catalog& catalog);
  // nullptr if the place has no series.
  [[nodiscard]] const std::string* find(Quantity quantity, std::uint32_t site) const;

 private:
  struct Series {
    bool started = false;
    std::unordered_map<std::uint32_t, std::string> tags;
    std::unordered_set<std::string> used;
  };
  std::array<Series, kQuantities> series_;
};

// "conv1.weight", "conv1", "conv1.relu" for what follows it; a second call in a step is "conv1#2".
[[nodiscard]] std::string place_name(const trace::Site& site);

}  // namespace sonde::report
