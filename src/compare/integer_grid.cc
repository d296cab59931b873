#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <ATen/Functions.h>

#include "compare/rounding.h"
#include "report/text.h"

namespace sonde::compare {
namespace {

// Weights of eight bits, signed or not, with or without a zero point: multiples of the step up to this.
constexpr int kMostLevels = 255;
// Of a step: what the product of step and integer may be off by in single precision.
constexpr double kOff = 1e-3;

template <typename T>
struct Slice {
  std::span<const T> theirs;
  std::span<const T> ours;
};

struct Grid {
  int levels = 0;  // steps from zero to the largest element; 0: on no grid
  double step = 0;
  std::size_t told = 0;  // elements that could have been off the grid
};

// The coarsest grid through zero on which all elements lie.
template <typename T>
Grid grid_of(std::span<const T> values) {
  double largest = 0;
  for (const T v : values) largest = std::max(largest, std::abs(static_cast<double>(v)));
  if (largest == 0 || !std::isfinite(largest)) return {};
  for (int levels = 1; levels <= kMostLevels; ++levels) {
    const double step = largest / levels;
    std::size_t told = 0;
    const bool on_grid = std::ranges::all_of(values, [&](T value) {
      const double steps = std::abs(static_cast<double>(value)) / step;
      if (steps > 0.5 && steps < levels - 0.5) ++told;
      return std::abs(steps - std::round(steps)) <= kOff;
    });
    if (on_grid) return {levels, step, told};
  }
  return {};
}

// Within half a step, or further out than the ends of the grid.
template <typename T>
bool is_nearest(const Slice<T>& slice, double step) {
  const auto [low, high] = std::ranges::minmax(slice.ours);
  std::size_t cut = 0;
  for (std::size_t i = 0; i < slice.ours.size(); ++i) {
    const double a = slice.theirs[i];
    const double b = slice.ours[i];
    if (std::abs(a - b) <= step * (0.5 + kOff)) continue;
    if ((b >= high && a > b) || (b <= low && a < b)) {
      ++cut;
    } else {
      return false;
    }
  }
  return cut * 50 <= slice.ours.size();  // a calibrated range cuts a few
}

struct Outcome {
  bool holds = false;
  int levels = 0;
};

template <typename T>
Outcome on_grids(std::span<const T> theirs, std::span<const T> ours, std::size_t slices) {
  const std::size_t length = ours.size() / slices;
  std::vector<int> levels;
  std::size_t told = 0;
  for (std::size_t s = 0; s < slices; ++s) {
    const Slice<T> slice{theirs.subspan(s * length, length), ours.subspan(s * length, length)};
    if (std::ranges::all_of(slice.ours, [](T v) { return v == 0; })) {  // a slice of zeros is on any grid
      if (!std::ranges::equal(slice.theirs, slice.ours)) return {};
      continue;
    }
    const Grid grid = grid_of(slice.ours);
    if (grid.levels == 0 || !is_nearest(slice, grid.step)) return {};
    levels.push_back(grid.levels);
    told += grid.told;
  }
  // A few values lie on some grid always; a grid of a few levels is no rounding to integers of four bits or more.
  if (levels.empty() || told < 8 || told < 2 * levels.size()) return {};
  std::ranges::nth_element(levels, levels.begin() + static_cast<std::ptrdiff_t>(levels.size() / 2));
  const int median = levels[levels.size() / 2];
  return {median >= 7, *std::ranges::max_element(levels)};
}

template <typename T>
std::optional<Rounding> find(const PlainPair& pair) {
  const auto span_of = [](const at::Tensor& t) {
    return std::span<const T>(t.data_ptr<T>(), static_cast<std::size_t>(t.numel()));
  };
  const auto named = [](const Outcome& outcome, const std::string& what) {
    const int bits = outcome.levels <= 15 ? 4 : 8;
    return Rounding{"rounded to integers of " + std::to_string(bits) + " bits, " + what + " (" +
                    std::to_string(outcome.levels) + " steps from zero to the largest)"};
  };
  if (const auto whole = on_grids(span_of(pair.reference), span_of(pair.target), 1); whole.holds)
    return named(whole, "one step for the tensor");
  for (std::int64_t d = 0; d < std::min<std::int64_t>(2, pair.target.dim()) && pair.target.dim() > 1; ++d) {
    const auto theirs = pair.reference.transpose(0, d).contiguous();
    const auto ours = pair.target.transpose(0, d).contiguous();
    const auto each = on_grids(span_of(theirs), span_of(ours), static_cast<std::size_t>(ours.size(0)));
    if (each.holds) return named(each, "one step for each slice of dimension " + std::to_string(d));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Rounding> find_integer_grid(const PlainPair& pair) {
  if (pair.target.numel() < 8) return std::nullopt;
  if (pair.target.scalar_type() == at::kFloat) return find<float>(pair);
  if (pair.target.scalar_type() == at::kDouble) return find<double>(pair);
  return std::nullopt;
}

}  // namespace sonde::compare
