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

// Sums and extremes of one block, in the lanes' precision. Elements are multiplied with a power of two before they are
// summed, `shrink` being its inverse.
struct Block {
  std::size_t nan, positive_infinity, negative_infinity, zeros, beyond;
  double min, max, sum, sum_squares;

  double Largest() const { return std::max(-min, max); }  // -inf if no element is finite
  bool Finite() const { return nan + positive_infinity + negative_infinity == 0; }
};

template <class Lane>
struct Request {
  Lane scale;
  Lane low, high;  // bounds of the tails
};

// One block. Plain: every element is taken as it is; a NaN or an infinity makes sum_squares NaN or infinite, and the
// result is then of no use. Careful: such elements are counted and left out.
template <bool kCareful, bool kTails, class T>
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
  V min0 = infinity, min1 = infinity, max0 = hn::Neg(infinity), max1 = max0;
  std::size_t zeros = 0, nan = 0, positive = 0, non_finite = 0, beyond = 0;

  const auto count = [&](M mask) HWY_ATTR { return hn::CountTrue(d, mask); };
  const auto whole = [&](V x, V& sum, V& square, V& min, V& max) HWY_ATTR {
    sum = hn::Add(sum, x);
    square = hn::MulAdd(x, x, square);
    min = hn::Min(min, x);
    max = hn::Max(max, x);
    zeros += count(hn::Eq(x, zero));
    if constexpr (kTails) beyond += count(hn::Or(hn::Lt(x, low), hn::Gt(x, high)));
  };
  // `valid` says which lanes belong to the block; x is 0 in the others.
  const auto part = [&](V x, M valid, V& sum, V& square) HWY_ATTR {
    M use = valid;
    if constexpr (kCareful) {
      const std::size_t nan_here = count(hn::IsNaN(x));
      nan += nan_here;
      if (nan_here == lanes) {  // tensors that are spoilt altogether are common enough
        non_finite += lanes;
        return;
      }
      use = hn::And(valid, hn::IsFinite(x));
      non_finite += count(hn::AndNot(use, valid));
      positive += count(hn::Eq(x, infinity));
      if (hn::AllFalse(d, use)) return;
    }
    const V used = hn::IfThenElseZero(use, x);
    const V scaled = kCareful ? hn::Mul(used, scale) : used;
    sum = hn::Add(sum, scaled);
    square = hn::MulAdd(scaled, scaled, square);
    min0 = hn::Min(min0, hn::IfThenElse(use, x, infinity));
    max0 = hn::Max(max0, hn::IfThenElse(use, x, hn::Neg(infinity)));
    zeros += count(hn::And(use, hn::Eq(x, zero)));
    if constexpr (kTails) beyond += count(hn::And(use, hn::Or(hn::Lt(x, low), hn::Gt(x, high))));
  };

  std::size_t i = 0;
  const M all = hn::FirstN(d, lanes);
  if constexpr (kCareful) {
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      part(LoadLanes(d, p + i), all, sum0, square0);
      part(LoadLanes(d, p + i + lanes), all, sum1, square1);
      part(LoadLanes(d, p + i + 2 * lanes), all, sum2, square2);
      part(LoadLanes(d, p + i + 3 * lanes), all, sum3, square3);
    }
    for (; i + lanes <= n; i += lanes) part(LoadLanes(d, p + i), all, sum0, square0);
  } else {
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      whole(LoadLanes(d, p + i), sum0, square0, min0, max0);
      whole(LoadLanes(d, p + i + lanes), sum1, square1, min1, max1);
      whole(LoadLanes(d, p + i + 2 * lanes), sum2, square2, min0, max0);
      whole(LoadLanes(d, p + i + 3 * lanes), sum3, square3, min1, max1);
    }
    for (; i + lanes <= n; i += lanes) whole(LoadLanes(d, p + i), sum0, square0, min0, max0);
  }
  if (i < n) {
    const std::size_t rest = n - i;
    if (n >= lanes) {  // the last whole vector, without the lanes that have been seen
      const M valid = hn::Not(hn::FirstN(d, lanes - rest));
      part(hn::IfThenElseZero(valid, LoadLanes(d, p + n - lanes)), valid, sum1, square1);
    } else {
      part(LoadFew(d, p, n), hn::FirstN(d, n), sum1, square1);
    }
  }

  const V sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const V square = hn::Add(hn::Add(square0, square1), hn::Add(square2, square3));
  Block block;
  block.nan = nan;
  block.positive_infinity = positive;
  block.negative_infinity = non_finite - nan - positive;
  block.zeros = zeros;
  block.beyond = beyond;
  block.min = hn::GetLane(hn::MinOfLanes(d, hn::Min(min0, min1)));
  block.max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1)));
  block.sum = hn::GetLane(hn::SumOfLanes(d, sum));
  block.sum_squares = hn::GetLane(hn::SumOfLanes(d, square));
  return block;
}

// False if an element is not finite, or if squares overflowed or fell among the denormals of float: below 1e-28 they
// could be short by 2048 * FLT_MIN = 2.4e-35 in all.
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
  Block block = Scan<true, kTails>(p, n, request);
  if constexpr (std::is_same_v<LaneOf<T>, float>) {
    if (!Trustworthy<float>(block.sum_squares, block.Largest() <= 0)) {
      request.scale = block.Largest() > 1 ? 0x1p-100f : 0x1p+100f;
      block = Scan<true, kTails>(p, n, request);
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

// Blocks of `length` elements one after the other, for as long as they can be taken plainly. Extremes stay in vectors
// from block to block, for reducing a vector costs as much as looking at fifty. Returns how many elements were taken;
// a block that needs care is left to the caller.
template <bool kTails, class T>
HWY_NOINLINE std::size_t ScanBlocks(const T* HWY_RESTRICT p, std::size_t n, std::size_t length,
                                    const Request<LaneOf<T>>& request, Totals& totals) {
  using Lane = LaneOf<T>;
  const hn::ScalableTag<Lane> d;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, Lane{1});
  const V infinity = hn::Set(d, std::numeric_limits<Lane>::infinity());
  const V low = hn::Set(d, request.low);
  const V high = hn::Set(d, request.high);
  V min0 = infinity, min1 = infinity, max0 = hn::Neg(infinity), max1 = max0;
  std::size_t zeros = 0, beyond = 0, done = 0;
  double sum = 0, sum_squares = 0;
  for (; done + length <= n; done += length) {
    V sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero;
    V square0 = zero, square1 = zero, square2 = zero, square3 = zero;
    V least0 = min0, least1 = min1, most0 = max0, most1 = max1;
    std::size_t zeros_here = 0, beyond_here = 0;
    const auto take = [&](V x, V& s, V& square, V& least, V& most) HWY_ATTR {
      s = hn::MulAdd(x, one, s);  // the bits of x + s, from units that have less to do
      square = hn::MulAdd(x, x, square);
      least = hn::Min(least, x);
      most = hn::Max(most, x);
      zeros_here += hn::CountTrue(d, hn::Eq(x, zero));
      if constexpr (kTails) beyond_here += hn::CountTrue(d, hn::Or(hn::Lt(x, low), hn::Gt(x, high)));
    };
    const T* const end = p + done + length;
    for (const T* at = p + done; at < end; at += 4 * lanes) {
      take(LoadLanes(d, at), sum0, square0, least0, most0);
      take(LoadLanes(d, at + lanes), sum1, square1, least1, most1);
      take(LoadLanes(d, at + 2 * lanes), sum2, square2, least0, most0);
      take(LoadLanes(d, at + 3 * lanes), sum3, square3, least1, most1);
    }
    const double squares_here =
        hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(square0, square1), hn::Add(square2, square3))));
    if (!Trustworthy<Lane>(squares_here, zeros_here == length)) break;
    sum += hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
    sum_squares += squares_here;
    zeros += zeros_here;
    beyond += beyond_here;
    min0 = least0, min1 = least1, max0 = most0, max1 = most1;
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
  const std::size_t at_most = 256 * hn::Lanes(d);
  bool careful = false;  // a tensor with one bad block often has more
  for (std::size_t i = 0; i < n;) {
    if (!careful && n - i >= at_most) {
      i += ScanBlocks<kTails>(p + i, n - i, at_most, request, totals);
      if (i == n) break;
      careful = n - i >= at_most;  // there it stopped for a reason
    }
    const std::size_t length = std::min(at_most, n - i);
    Block block;
    if (!careful) {
      block = Scan<false, kTails>(p + i, length, request);
      careful = !Trustworthy<LaneOf<T>>(block.sum_squares, block.Largest() <= 0);
    }
    if (careful) {
      block = ScanCarefully<kTails>(p + i, length, request);
      careful = !block.Finite();
    }
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
