#include "probes/statistics_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "probes/statistics_kernel.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first: it includes this file once for each target.
#include <hwy/highway.h>

#include "probes/statistics_lanes.h"

HWY_BEFORE_NAMESPACE();
namespace sonde::probes::HWY_NAMESPACE {
namespace {

// Sums side by side: with eight the ends of blocks cost half as much, but they do not fit into 16 registers.
constexpr std::size_t kSums = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3 ? 4 : 8;
// Vectors after which float sums go to double.
constexpr std::size_t kBlockVectors = 64 * kSums;

// Sums and extremes of one block, in the lanes' precision.
struct Block {
  std::size_t nan, positive_infinity, negative_infinity, zeros, beyond;
  double min, max, sum, sum_squares;

  double Largest() const { return std::max(-min, max); }  // -inf if no element is finite
  bool Finite() const { return nan + positive_infinity + negative_infinity == 0; }
};

template <class Lane>
struct Request {
  Lane scale;      // a power of two, with which elements are multiplied before they are summed
  Lane low, high;  // bounds of the tails
};

// One block, element by element: NaN and infinities are counted and left out.
template <bool kTails, class T>
HWY_NOINLINE Block Scan(const T* HWY_RESTRICT p, std::size_t n, const Request<LaneOf<T>>& request) {
  using Lane = LaneOf<T>;
  const hn::ScalableTag<Lane> d;
  using V = hn::Vec<decltype(d)>;
  using M = hn::Mask<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);

  const V zero = hn::Zero(d);
  const V infinity = hn::Set(d, std::numeric_limits<Lane>::infinity());
  const V scale = hn::Set(d, request.scale);
  const V low = hn::Set(d, request.low);
  const V high = hn::Set(d, request.high);

  V sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero;
  V square0 = zero, square1 = zero, square2 = zero, square3 = zero;
  V min = infinity, max = hn::Neg(infinity);
  std::size_t zeros = 0, nan = 0, positive = 0, non_finite = 0, beyond = 0;

  const auto count = [&](M mask) HWY_ATTR { return hn::CountTrue(d, mask); };
  // `valid` says which lanes belong to the block; x is 0 in the others.
  const auto take = [&](V x, M valid, V& sum, V& square) HWY_ATTR {
    const std::size_t nan_here = count(hn::IsNaN(x));
    nan += nan_here;
    if (nan_here == lanes) {  // tensors that are spoilt altogether are common enough
      non_finite += lanes;
      return;
    }
    const M use = hn::And(valid, hn::IsFinite(x));
    non_finite += count(hn::AndNot(use, valid));
    positive += count(hn::Eq(x, infinity));
    if (hn::AllFalse(d, use)) return;
    const V scaled = hn::Mul(hn::IfThenElseZero(use, x), scale);
    sum = hn::Add(sum, scaled);
    square = hn::MulAdd(scaled, scaled, square);
    min = hn::Min(min, hn::IfThenElse(use, x, infinity));
    max = hn::Max(max, hn::IfThenElse(use, x, hn::Neg(infinity)));
    zeros += count(hn::And(use, hn::Eq(x, zero)));
    if constexpr (kTails) beyond += count(hn::And(use, hn::Or(hn::Lt(x, low), hn::Gt(x, high))));
  };

  std::size_t i = 0;
  const M all = hn::FirstN(d, lanes);
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    take(LoadLanes(d, p + i), all, sum0, square0);
    take(LoadLanes(d, p + i + lanes), all, sum1, square1);
    take(LoadLanes(d, p + i + 2 * lanes), all, sum2, square2);
    take(LoadLanes(d, p + i + 3 * lanes), all, sum3, square3);
  }
  for (; i + lanes <= n; i += lanes) take(LoadLanes(d, p + i), all, sum0, square0);
  if (i < n) take(LoadFew(d, p + i, n - i), hn::FirstN(d, n - i), sum1, square1);

  const V sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const V square = hn::Add(hn::Add(square0, square1), hn::Add(square2, square3));
  Block block;
  block.nan = nan;
  block.positive_infinity = positive;
  block.negative_infinity = non_finite - nan - positive;
  block.zeros = zeros;
  block.beyond = beyond;
  block.min = hn::GetLane(hn::MinOfLanes(d, min));
  block.max = hn::GetLane(hn::MaxOfLanes(d, max));
  block.sum = hn::GetLane(hn::SumOfLanes(d, sum));
  block.sum_squares = hn::GetLane(hn::SumOfLanes(d, square));
  return block;
}

// False if an element is not finite, or if squares overflowed or fell among the denormals of float: below 1e-28 they
// could be short by 8192 * FLT_MIN = 1e-34 in all.
template <class Lane>
HWY_INLINE bool Trustworthy(double sum_squares, bool all_zero) {
  if (!(sum_squares < std::numeric_limits<double>::infinity())) return false;
  if constexpr (std::is_same_v<Lane, double>) return true;
  return sum_squares >= 1e-28 || all_zero;
}

// Float squares that overflow or underflow are taken of elements scaled by 2^-100 or 2^100, which is exact. Doubles are
// not rescued: their sums saturate.
template <bool kTails, class T>
Block ScanCarefully(const T* p, std::size_t n, Request<LaneOf<T>> request) {
  Block block = Scan<kTails>(p, n, request);
  if constexpr (std::is_same_v<LaneOf<T>, float>) {
    if (!Trustworthy<float>(block.sum_squares, block.Largest() <= 0)) {
      request.scale = block.Largest() > 1 ? 0x1p-100f : 0x1p+100f;
      block = Scan<kTails>(p, n, request);
      block.sum /= request.scale;
      block.sum_squares /= static_cast<double>(request.scale) * request.scale;
    }
  }
  return block;
}

// x < low in double is x < ceiling(low) in float, and alike for high.
template <class Lane>
Request<Lane> MakeRequest(const Tails* tails) {
  Request<Lane> request{1, 0, 0};
  if (tails) {
    request.low = static_cast<Lane>(tails->low);
    request.high = static_cast<Lane>(tails->high);
    const Lane infinity = std::numeric_limits<Lane>::infinity();
    if (request.low < tails->low) request.low = std::nextafter(request.low, infinity);
    if (request.high > tails->high) request.high = std::nextafter(request.high, -infinity);
  }
  return request;
}

// Blocks one after the other, every element taken as it is: for as long as the sum of squares says that all were finite.
// Extremes stay in vectors from block to block, for reducing a vector costs as much as looking at fifty. Returns how
// many elements were taken; a block that needs care is left to the caller.
template <bool kTails, class T>
HWY_NOINLINE std::size_t ScanBlocks(const T* HWY_RESTRICT p, std::size_t n, const Request<LaneOf<T>>& request,
                                    Totals& totals) {
  using Lane = LaneOf<T>;
  const hn::ScalableTag<Lane> d;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, Lane{1});
  const V infinity = hn::Set(d, std::numeric_limits<Lane>::infinity());
  const V low = hn::Set(d, request.low);
  const V high = hn::Set(d, request.high);
  // A bound, for GCC would make two loops of a flag, and spill sums in one of them where there are 16 registers.
  const T* const ask_until = n >= kLongRun ? p + n : p;
  V min0 = infinity, min1 = infinity, max0 = hn::Neg(infinity), max1 = max0;
  std::size_t zeros = 0, beyond = 0, done = 0;
  double sum = 0, sum_squares = 0;
  while (done < n) {
    V sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero, sum4 = zero, sum5 = zero, sum6 = zero, sum7 = zero;
    V square0 = zero, square1 = zero, square2 = zero, square3 = zero;
    V square4 = zero, square5 = zero, square6 = zero, square7 = zero;
    V least0 = min0, least1 = min1, most0 = max0, most1 = max1;
    std::size_t zeros_here = 0, beyond_here = 0;
    const auto outside = [&](V x) HWY_ATTR { return hn::Or(hn::Lt(x, low), hn::Gt(x, high)); };
    const auto take = [&](V x, V& s, V& square, V& least, V& most) HWY_ATTR {
      s = hn::MulAdd(x, one, s);  // the bits of x + s, from units that have less to do
      square = hn::MulAdd(x, x, square);
      least = hn::Min(least, x);
      most = hn::Max(most, x);
      zeros_here += hn::CountTrue(d, hn::Eq(x, zero));
      if constexpr (kTails) beyond_here += hn::CountTrue(d, outside(x));
    };
    const auto take_four = [&](const T* from, V& s0, V& s1, V& s2, V& s3, V& q0, V& q1, V& q2, V& q3) HWY_ATTR {
      take(LoadHalf<0>(d, from), s0, q0, least0, most0);
      take(LoadHalf<1>(d, from), s1, q1, least1, most1);
      take(LoadHalf<0>(d, from + 2 * lanes), s2, q2, least0, most0);
      take(LoadHalf<1>(d, from + 2 * lanes), s3, q3, least1, most1);
    };
    const std::size_t length = std::min(kBlockVectors * lanes, n - done);
    const T* at = p + done;
    const T* const end = at + length;
    for (const T* const whole = end - length % (kSums * lanes); at < whole; at += kSums * lanes) {
      if (at < ask_until) Prefetch(at, kSums * lanes);
      take_four(at, sum0, sum1, sum2, sum3, square0, square1, square2, square3);
      if constexpr (kSums == 8) {
        take_four(at + 4 * lanes, sum4, sum5, sum6, sum7, square4, square5, square6, square7);
      }
    }
    for (const T* const whole = end - length % (4 * lanes); at < whole; at += 4 * lanes) {
      take_four(at, sum0, sum1, sum2, sum3, square0, square1, square2, square3);
    }
    for (const T* const whole = end - length % lanes; at < whole; at += lanes) {
      take(LoadLanes(d, at), sum0, square0, least0, most0);
    }
    if (at < end) {  // the last whole vector, without the lanes that have been seen, if there is one
      const auto rest = static_cast<std::size_t>(end - at);
      const auto valid = n >= lanes ? hn::Not(hn::FirstN(d, lanes - rest)) : hn::FirstN(d, rest);
      const V x = n >= lanes ? hn::IfThenElseZero(valid, LoadLanes(d, end - lanes)) : LoadFew(d, at, rest);
      sum1 = hn::Add(sum1, x);
      square1 = hn::MulAdd(x, x, square1);
      least1 = hn::Min(least1, hn::IfThenElse(valid, x, infinity));
      most1 = hn::Max(most1, hn::IfThenElse(valid, x, hn::Neg(infinity)));
      zeros_here += hn::CountTrue(d, hn::And(valid, hn::Eq(x, zero)));
      if constexpr (kTails) beyond_here += hn::CountTrue(d, hn::And(valid, outside(x)));
    }
    const V low_squares = hn::Add(hn::Add(square0, square1), hn::Add(square2, square3));
    const V high_squares = hn::Add(hn::Add(square4, square5), hn::Add(square6, square7));
    const double squares_here = hn::GetLane(hn::SumOfLanes(d, hn::Add(low_squares, high_squares)));
    if (!Trustworthy<Lane>(squares_here, zeros_here == length)) break;
    const V low_sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
    const V high_sum = hn::Add(hn::Add(sum4, sum5), hn::Add(sum6, sum7));
    sum += hn::GetLane(hn::SumOfLanes(d, hn::Add(low_sum, high_sum)));
    sum_squares += squares_here;
    zeros += zeros_here;
    beyond += beyond_here;
    min0 = least0, min1 = least1, max0 = most0, max1 = most1;
    done += length;
  }
  if (done == 0) return 0;
  totals.zeros += zeros;
  totals.beyond += beyond;
  totals.min = std::min<double>(totals.min, hn::GetLane(hn::MinOfLanes(d, hn::Min(min0, min1))));
  totals.max = std::max<double>(totals.max, hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1))));
  totals.sum += sum;
  totals.sum_squares += sum_squares;
  return done;
}

template <bool kTails, class T>
void AccumulateBlocks(const T* p, std::size_t n, const Request<LaneOf<T>>& request, Totals& totals) {
  const hn::ScalableTag<LaneOf<T>> d;
  const std::size_t lanes = hn::Lanes(d);
  // A tensor with one bad block often has more, and one that is spoilt altogether begins so.
  bool careful = n >= lanes && !hn::AllTrue(d, hn::IsFinite(LoadLanes(d, p)));
  for (std::size_t i = 0; i < n;) {
    if (!careful) i += ScanBlocks<kTails>(p + i, n - i, request, totals);
    if (i == n) break;
    const std::size_t length = std::min(kBlockVectors * lanes, n - i);
    const Block block = ScanCarefully<kTails>(p + i, length, request);
    careful = !block.Finite();
    i += length;
    totals.nan += block.nan;
    totals.positive_infinity += block.positive_infinity;
    totals.negative_infinity += block.negative_infinity;
    totals.zeros += block.zeros;
    totals.beyond += block.beyond;
    totals.min = std::min(totals.min, block.min);
    totals.max = std::max(totals.max, block.max);
    totals.sum += block.sum;
    totals.sum_squares += block.sum_squares;
  }
}

template <class T>
void Accumulate(const void* data, std::size_t n, const Tails* tails, Totals& totals) {
  const T* p = static_cast<const T*>(data);
  const auto request = MakeRequest<LaneOf<T>>(tails);
  if (tails) {
    AccumulateBlocks<true>(p, n, request, totals);
  } else {
    AccumulateBlocks<false>(p, n, request, totals);
  }
}

template <class T>
bool Finite(const void* data, std::size_t n) {
  const hn::ScalableTag<LaneOf<T>> d;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  const T* p = static_cast<const T*>(data);
  const V zero = hn::Zero(d);
  if (n < lanes) return hn::AllTrue(d, hn::IsFinite(LoadFew(d, p, n)));
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t end = std::min(n, begin + kBlock);
    V sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero;  // of 0 * x: NaN if an x is not finite
    std::size_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      sum0 = hn::MulAdd(LoadLanes(d, p + i), zero, sum0);
      sum1 = hn::MulAdd(LoadLanes(d, p + i + lanes), zero, sum1);
      sum2 = hn::MulAdd(LoadLanes(d, p + i + 2 * lanes), zero, sum2);
      sum3 = hn::MulAdd(LoadLanes(d, p + i + 3 * lanes), zero, sum3);
    }
    for (; i + lanes <= end; i += lanes) sum0 = hn::MulAdd(LoadLanes(d, p + i), zero, sum0);
    if (i < end) sum1 = hn::MulAdd(LoadLanes(d, p + end - lanes), zero, sum1);
    const V sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
    if (!hn::AllTrue(d, hn::Eq(sum, zero))) return false;
  }
  return true;
}

}  // namespace

const Kernel* Select(ScalarType type) {
  return WithElementType(type, []<class T>(const T*) {
    static constexpr Kernel kernel = {Accumulate<T>, Finite<T>};
    return &kernel;
  });
}

const char* TargetInUse() { return hwy::TargetName(HWY_TARGET); }

}  // namespace sonde::probes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sonde::probes {

HWY_EXPORT(Select);
HWY_EXPORT(TargetInUse);

const Kernel& kernel_for(ScalarType type) { return *HWY_DYNAMIC_DISPATCH(Select)(type); }

const char* vector_target() { return HWY_DYNAMIC_DISPATCH(TargetInUse)(); }

void Totals::merge(const Totals& other) noexcept {
  nan += other.nan;
  positive_infinity += other.positive_infinity;
  negative_infinity += other.negative_infinity;
  zeros += other.zeros;
  beyond += other.beyond;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  sum += other.sum;
  sum_squares += other.sum_squares;
}

}  // namespace sonde::probes
#endif
