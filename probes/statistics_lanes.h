// Loading elements of any type as vectors of float or double. Compiled once for each vector target, so the guard is
// Highway's toggle; include after hwy/highway.h.
#if defined(SONDE_PROBES_STATISTICS_LANES) == defined(HWY_TARGET_TOGGLE)
#ifdef SONDE_PROBES_STATISTICS_LANES
#undef SONDE_PROBES_STATISTICS_LANES
#else
#define SONDE_PROBES_STATISTICS_LANES
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "probes/statistics.h"

HWY_BEFORE_NAMESPACE();
namespace sonde::probes::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using LaneOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Highway's own emulation of this conversion, on targets that lack it, makes numbers of infinities and NaN.
constexpr bool kEmulatesHalf = (HWY_TARGET & (HWY_SSE4 | HWY_SSSE3 | HWY_EMU128 | HWY_SCALAR)) != 0;

template <class D>
HWY_INLINE hn::Vec<D> HalfToFloat(D d, const hwy::float16_t* p) {
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<std::uint16_t, D> dh;
  const auto bits = hn::PromoteTo(du, hn::LoadU(dh, reinterpret_cast<const std::uint16_t*>(p)));
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7fffu));
  const auto value = hn::Mul(hn::BitCast(d, hn::ShiftLeft<13>(magnitude)), hn::Set(d, 0x1p112f));
  const auto special = hn::VecFromMask(du, hn::Gt(magnitude, hn::Set(du, 0x7bffu)));
  const auto exponent = hn::And(special, hn::Set(du, 0x7f800000u));
  const auto sign = hn::ShiftLeft<16>(hn::Xor(bits, magnitude));
  return hn::BitCast(d, hn::Or(hn::Or(hn::BitCast(du, value), exponent), sign));
}

template <class D, class T>
HWY_INLINE hn::Vec<D> LoadLanes(D d, const T* p) {
  if constexpr (std::is_same_v<T, hn::TFromD<D>>) {
    return hn::LoadU(d, p);
  } else if constexpr (std::is_same_v<T, hwy::float16_t> && kEmulatesHalf) {
    return HalfToFloat(d, p);
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, D>(), p));
  }
}

// One half of the 2 * Lanes(d) elements at `p`; which ones is left open. Every second bfloat16 takes less work than every
// one of half as many.
template <int kHalf, class D, class T>
HWY_INLINE hn::Vec<D> LoadHalf(D d, const T* p) {
  if constexpr (std::is_same_v<T, hwy::bfloat16_t> && HWY_TARGET != HWY_SCALAR) {
    const hn::RebindToUnsigned<D> du;
    const hn::Repartition<std::uint16_t, D> d16;
    const auto pairs = hn::BitCast(du, hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(p)));
    return hn::BitCast(d, kHalf ? hn::And(pairs, hn::Set(du, 0xffff0000u)) : hn::ShiftLeft<16>(pairs));
  } else {
    return LoadLanes(d, p + kHalf * hn::Lanes(d));
  }
}

// Runs of so many elements are worth asking for ahead; the data of a shorter one are likely to be in a cache.
constexpr std::size_t kLongRun = std::size_t{1} << 18;

// Asks for `n` elements a little behind p[0], which need not exist. Of 64 MiB a Zen 5 read 50 GB/s with it, 40 without, and
// 30 where no vector lay in one cache line. Non-temporal: what the training has in its caches should stay there.
template <class T>
HWY_INLINE void Prefetch(const T* p, std::size_t n) {
  constexpr std::size_t kLine = 64, kAhead = 8192;  // bytes: 4096 did not suffice
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(p) + kAhead;
  for (std::size_t byte = 0; byte < n * sizeof(T); byte += kLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(begin + byte), 0, 0);
  }
}

// The `n` < Lanes(d) elements at `p`, followed by zeros.
template <class D, class T>
HWY_INLINE hn::Vec<D> LoadFew(D d, const T* p, std::size_t n) {
  HWY_ALIGN T padded[hn::MaxLanes(D())] = {};
  std::memcpy(padded, p, n * sizeof(T));
  return LoadLanes(d, padded);
}

// Calls visit(tag) with a null pointer to the element type.
template <class Visit>
auto WithElementType(ScalarType type, Visit visit) {
  switch (type) {
    case ScalarType::float64:
      return visit(static_cast<const double*>(nullptr));
    case ScalarType::float16:
      return visit(static_cast<const hwy::float16_t*>(nullptr));
    case ScalarType::bfloat16:
      return visit(static_cast<const hwy::bfloat16_t*>(nullptr));
    case ScalarType::float32:
      break;
  }
  return visit(static_cast<const float*>(nullptr));
}

}  // namespace
}  // namespace sonde::probes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
