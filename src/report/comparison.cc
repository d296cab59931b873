#include <sonde/comparison.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace sonde::compare {
namespace {

// In the order of the enums.
constexpr std::array kStages = {"determinism", "input", "parameters", "arguments", "structure", "dynamic"};
constexpr std::array kCauses = {
    "not-deterministic",
    // input
    "input-channels-flipped", "input-layout", "input-scale", "input-differs",
    // parameters
    "parameter-value", "parameter-missing", "parameter-shape", "parameter-not-loaded", "parameter-not-registered",
    "parameter-rounded", "parameter-transposed", "parameter-flipped", "parameter-permuted", "parameter-gate-order",
    "parameter-rotary-layout", "parameter-flatten-order", "parameter-scaled",
    // arguments
    "argument", "training-mode",
    // structure
    "operation-missing", "operation-extra", "operation-kind", "operation-order", "operation-wiring",
    // dynamic
    "numeric", "overflow", "frozen-in"};

static_assert(kStages.size() == static_cast<std::size_t>(Stage::dynamic) + 1);
static_assert(kCauses.size() == static_cast<std::size_t>(Cause::frozen_in) + 1);

}  // namespace

std::string_view to_string(Stage stage) noexcept {
  const auto index = static_cast<std::size_t>(stage);
  return index < kStages.size() ? kStages[index] : "invalid";
}

std::string_view to_string(Cause cause) noexcept {
  const auto index = static_cast<std::size_t>(cause);
  return index < kCauses.size() ? kCauses[index] : "invalid";
}

bool Result::equal() const noexcept { return std::ranges::none_of(faults, &Fault::visible); }

void Result::print() const { print(std::cout); }

void Result::print(std::ostream& out) const {
  // Unformatted and at once: no locale, no width, and no other thread's output in between.
  const std::string all = text();
  out.write(all.data(), static_cast<std::streamsize>(all.size()));
  out.flush();
}

}  // namespace sonde::compare
