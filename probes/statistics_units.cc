#include <algorithm>
#include <cstring>
#include <limits>

#include "probes/statistics_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "probes/statistics_units.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first: it includes this file once for each target.
#include <hwy/highway.h>

#include "probes/statistics_lanes.h"

HWY_BEFORE_NAMESPACE();
namespace sonde::probes::HWY_NAMESPACE {
namespace {

// |x| as the bits of a float: bits of non-negative floats are ordered like their values, with NaN above all.
template <class DI>
struct Magnitudes {
  hn::Rebind<float, DI> d;

  HWY_INLINE hn::Vec<DI> Of(hn::Vec<decltype(d)> x) const { return hn::BitCast(DI(), hn::Abs(x)); }

  template <class T>
  HWY_INLINE hn::Vec<DI> Load(const T* p) const {
    if constexpr (std::is_same_v<T, double>) {
      const hn::Rebind<double, DI> dd;
      const auto least = hn::Set(dd, std::numeric_limits<float>::min());
      const auto greatest = hn::Set(dd, std::numeric_limits<float>::max());
      auto x = hn::Abs(hn::LoadU(dd, p));
      x = hn::IfThenElse(hn::And(hn::Gt(x, hn::Zero(dd)), hn::Lt(x, least)), least, x);
      // Infinities too become NaN: HWY_SCALAR would clamp them.
      x = hn::IfThenElse(hn::IsFinite(x), hn::Min(x, greatest), hn::NaN(dd));
      return Of(hn::DemoteTo(d, x));
    } else {
      return Of(LoadLanes(d, p));
    }
  }

  template <class T>
  HWY_INLINE hn::Vec<DI> Few(const T* p, std::size_t n) const {
    HWY_ALIGN T padded[hn::MaxLanes(DI())] = {};
    std::memcpy(padded, p, n * sizeof(T));
    return Load(padded);
  }
};

// Tag for maxima of elements of type T: as many lanes as a vector of T promoted (or demoted) to float has.
template <class T>
using MaximaTag = hn::Rebind<std::int32_t, hn::ScalableTag<LaneOf<T>>>;

template <class T>
void ColumnMaxima(const void* data, std::size_t rows, std::size_t row_stride, std::size_t width, float* maxima) {
  const MaximaTag<T> di;
  const Magnitudes<MaximaTag<T>> magnitudes;
  const std::size_t lanes = hn::Lanes(di);
  const T* p = static_cast<const T*>(data);
  auto* bits = reinterpret_cast<std::int32_t*>(maxima);
  std::size_t c = 0;
  for (; c + 2 * lanes <= width; c += 2 * lanes) {
    auto max0 = hn::LoadU(di, bits + c);
    auto max1 = hn::LoadU(di, bits + c + lanes);
    for (std::size_t r = 0; r < rows; ++r) {
      max0 = hn::Max(max0, magnitudes.Load(p + r * row_stride + c));
      max1 = hn::Max(max1, magnitudes.Load(p + r * row_stride + c + lanes));
    }
    hn::StoreU(max0, di, bits + c);
    hn::StoreU(max1, di, bits + c + lanes);
  }
  if (c == width) return;
  if (width < lanes) {
    HWY_ALIGN std::int32_t few[hn::MaxLanes(MaximaTag<T>())];
    auto max = hn::Zero(di);
    for (std::size_t r = 0; r < rows; ++r) max = hn::Max(max, magnitudes.Few(p + r * row_stride, width));
    hn::Store(max, di, few);
    for (c = 0; c < width; ++c) bits[c] = std::max(bits[c], few[c]);
    return;
  }
  for (;;) {  // the last vector overlaps the one before: the maximum does not mind
    c = std::min(c, width - lanes);
    auto max = hn::LoadU(di, bits + c);
    for (std::size_t r = 0; r < rows; ++r) max = hn::Max(max, magnitudes.Load(p + r * row_stride + c));
    hn::StoreU(max, di, bits + c);
    if (c + lanes >= width) return;
    c += lanes;
  }
}

template <class T>
void RunMaxima(const void* data, std::size_t runs, std::size_t length, float* maxima) {
  const MaximaTag<T> di;
  const Magnitudes<MaximaTag<T>> magnitudes;
  const std::size_t lanes = hn::Lanes(di);
  auto* bits = reinterpret_cast<std::int32_t*>(maxima);
  const T* p = static_cast<const T*>(data);
  const T* const end = p + runs * length;
  const auto first = hn::FirstN(di, std::min(length, lanes));
  for (std::size_t r = 0; r < runs; ++r, p += length) {
    auto max = hn::Zero(di);
    if (length >= lanes) {
      std::size_t i = 0;
      for (; i + lanes <= length; i += lanes) max = hn::Max(max, magnitudes.Load(p + i));
      if (i < length) max = hn::Max(max, magnitudes.Load(p + length - lanes));
    } else if (p + lanes <= end) {
      max = hn::IfThenElseZero(first, magnitudes.Load(p));
    } else {
      max = magnitudes.Few(p, length);
    }
    bits[r] = std::max(bits[r], hn::GetLane(hn::MaxOfLanes(di, max)));
  }
}

UnitSummary SummarizeUnits(float* maxima, std::size_t units, std::uint8_t* alive) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  const V infinity = hn::BitCast(d, hn::Set(hn::Rebind<float, decltype(d)>(), std::numeric_limits<float>::infinity()));
  auto* bits = reinterpret_cast<std::int32_t*>(maxima);
  V least = infinity, greatest = hn::Zero(d);
  UnitSummary summary{0, 0};
  std::size_t u = 0;
  for (; u + lanes <= units; u += lanes) {
    const V value = hn::Min(hn::LoadU(d, bits + u), infinity);
    hn::StoreU(value, d, bits + u);
    least = hn::Min(least, value);
    greatest = hn::Max(greatest, value);
    summary.silent += static_cast<std::uint32_t>(hn::CountTrue(d, hn::Eq(value, hn::Zero(d))));
    if (alive) {
      const auto active = hn::DemoteTo(d8, hn::Min(value, hn::Set(d, 1)));
      hn::StoreU(hn::Or(hn::LoadU(d8, alive + u), active), d8, alive + u);
    }
  }
  std::int32_t low = hn::GetLane(hn::MinOfLanes(d, least));
  std::int32_t high = hn::GetLane(hn::MaxOfLanes(d, greatest));
  for (; u < units; ++u) {
    bits[u] = std::min(bits[u], hn::GetLane(infinity));
    low = std::min(low, bits[u]);
    high = std::max(high, bits[u]);
    summary.silent += bits[u] == 0;
    if (alive && bits[u] != 0) alive[u] = 1;
  }
  float smallest, largest;
  std::memcpy(&smallest, &low, sizeof low);
  std::memcpy(&largest, &high, sizeof high);
  summary.spread = std::isinf(largest) ? std::numeric_limits<double>::quiet_NaN()
                                       : static_cast<double>(largest) - static_cast<double>(smallest);
  return summary;
}

}  // namespace

const UnitKernel* SelectUnits(ScalarType type) {
  return WithElementType(type, []<class T>(const T*) {
    static constexpr UnitKernel kernel = {ColumnMaxima<T>, RunMaxima<T>, SummarizeUnits};
    return &kernel;
  });
}

}  // namespace sonde::probes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sonde::probes {

HWY_EXPORT(SelectUnits);

const UnitKernel& unit_kernel_for(ScalarType type) { return *HWY_DYNAMIC_DISPATCH(SelectUnits)(type); }

}  // namespace sonde::probes
#endif
