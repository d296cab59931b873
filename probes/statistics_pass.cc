#include "probes/statistics_pass.h"

#include <algorithm>
#include <array>
#include <limits>

namespace sonde::probes {
namespace {

// One walk over a layout: totals of everything, and the maximum of |x| of every unit on the way, while the elements are
// in the first-level cache.
class Pass {
 public:
  Pass(ScalarType type, const Layout& layout, const Tails* tails, float* maxima, Totals& totals)
      : kernel_(kernel_for(type)),
        unit_kernel_(unit_kernel_for(type)),
        layout_(layout),
        element_(element_size(type)),
        tails_(tails),
        maxima_(maxima),
        totals_(totals) {}

  void run() {
    const auto dimensions = layout_.dimensions();
    if (layout_.unit < 0) {
      sweep(dimensions, layout_.origin, totals_);
      return;
    }
    const auto unit = static_cast<std::size_t>(layout_.unit);
    const Dimension units = dimensions[unit];
    if (unit + 1 == dimensions.size() && units.stride == 1) {
      columns(dimensions.first(unit), static_cast<std::size_t>(units.size));
    } else if (unit + 2 == dimensions.size() && dimensions[unit + 1].stride == 1) {
      planes(dimensions.first(unit), units, static_cast<std::size_t>(dimensions[unit + 1].size));
    } else {
      slices(unit, units);
    }
  }

 private:
  void sweep(std::span<const Dimension> dimensions, const std::byte* origin, Totals& totals) {
    if (dimensions.size() == 1 && dimensions[0].stride == 1) {  // nearly always
      kernel_.accumulate(origin, static_cast<std::size_t>(dimensions[0].size), tails_, totals);
      return;
    }
    for_each_run(dimensions, origin, element_,
                 [&](const std::byte* run, std::size_t n) { kernel_.accumulate(run, n, tails_, totals); });
  }

  // Units are the elements of a row.
  void columns(std::span<const Dimension> outer, std::size_t width) {
    const bool rows_touch = !outer.empty() && outer.back().stride == static_cast<std::int64_t>(width);
    if (!rows_touch) {
      for_each_offset(outer, layout_.origin, element_, [&](const std::byte* row) { whole_rows(row, 1, width); });
      return;
    }
    const auto rows = static_cast<std::size_t>(outer.back().size);
    for_each_offset(outer.first(outer.size() - 1), layout_.origin, element_,
                    [&](const std::byte* block) { whole_rows(block, rows, width); });
  }

  void whole_rows(const std::byte* data, std::size_t rows, std::size_t width) {
    if (width >= kBlock) {
      for (std::size_t done = 0; done < rows * width;) {
        const std::size_t column = done % width;
        const std::size_t n = std::min(kBlock, width - column);
        kernel_.accumulate(data + done * element_, n, tails_, totals_);
        unit_kernel_.column_maxima(data + done * element_, 1, 0, n, maxima_ + column);
        done += n;
      }
      return;
    }
    const std::size_t at_once = kBlock / width;
    for (std::size_t row = 0; row < rows; row += at_once) {
      const std::size_t n = std::min(at_once, rows - row);
      const std::byte* block = data + row * width * element_;
      kernel_.accumulate(block, n * width, tails_, totals_);
      fold_rows(block, n, width);
    }
  }

  // Rows narrower than a few vectors are taken several at a time, as one wide row whose columns are folded afterwards.
  void fold_rows(const std::byte* data, std::size_t rows, std::size_t width) {
    constexpr std::size_t kWide = 64;
    const std::size_t fold = width < kWide / 2 ? std::min(rows, kWide / width) : 1;
    if (fold == 1) {
      unit_kernel_.column_maxima(data, rows, width, width, maxima_);
      return;
    }
    float wide[kWide] = {};
    const std::size_t folded = rows / fold * fold;
    unit_kernel_.column_maxima(data, rows / fold, fold * width, fold * width, wide);
    if (folded < rows) {
      unit_kernel_.column_maxima(data + folded * width * element_, 1, 0, (rows - folded) * width, wide);
    }
    unit_kernel_for(ScalarType::float32).column_maxima(wide, fold, width, width, maxima_);
  }

  // Every unit is a run.
  void planes(std::span<const Dimension> outer, Dimension units, std::size_t length) {
    const auto count = static_cast<std::size_t>(units.size);
    const bool small = length <= kBlock / 4 && units.stride == static_cast<std::int64_t>(length);
    for_each_offset(outer, layout_.origin, element_, [&](const std::byte* block) {
      const std::size_t at_once = small ? kBlock / length : 1;
      for (std::size_t u = 0; u < count; u += at_once) {
        const std::size_t n = std::min(at_once, count - u);
        const std::byte* data = block + static_cast<std::int64_t>(u * element_) * units.stride;
        if (small) {
          kernel_.accumulate(data, n * length, tails_, totals_);
          unit_kernel_.run_maxima(data, n, length, maxima_ + u);
        } else {
          Totals plane;
          kernel_.accumulate(data, length, tails_, plane);
          add_unit(u, plane);
        }
      }
    });
  }

  // Everything else: the whole view of each unit in turn.
  void slices(std::size_t unit, Dimension units) {
    std::array<Dimension, kMaxDimensions> others;
    std::size_t count = 0;
    for (std::size_t k = 0; k < layout_.count; ++k) {
      if (k != unit) others[count++] = layout_.storage[k];
    }
    for (std::int64_t u = 0; u < units.size; ++u) {
      Totals slice;
      sweep({others.data(), count}, layout_.origin + u * units.stride * static_cast<std::int64_t>(element_), slice);
      add_unit(static_cast<std::size_t>(u), slice);
    }
  }

  void add_unit(std::size_t u, const Totals& totals) {
    maxima_[u] = std::max(maxima_[u], unit_maximum(totals));
    totals_.merge(totals);
  }

  const Kernel& kernel_;
  const UnitKernel& unit_kernel_;
  const Layout& layout_;
  const std::size_t element_;
  const Tails* const tails_;
  float* const maxima_;
  Totals& totals_;
};

}  // namespace

float unit_maximum(const Totals& unit) {
  if (unit.non_finite() > 0) return std::numeric_limits<float>::infinity();
  const double largest = std::max(-unit.min, unit.max);
  if (largest <= 0) return 0;  // all zeros
  return static_cast<float>(std::clamp(largest, static_cast<double>(std::numeric_limits<float>::denorm_min()),
                                       static_cast<double>(std::numeric_limits<float>::max())));
}

Totals pass_over(ScalarType type, const Layout& layout, const Tails* tails, float* maxima) {
  Totals totals;
  Pass(type, layout, tails, maxima, totals).run();
  return totals;
}

}  // namespace sonde::probes
