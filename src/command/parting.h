// Where two lines of samples part by more than their own noise.
//
// Values are compared as logarithms (losses that are not all above zero, as they are). Two numbers come in, both of which
// the comparison states:
//
//   noise  of a run: 1.4826 MAD of the changes from sample to sample, over the square root of two, which leaves the trend
//          out. Of the two runs the lesser one counts: a run that has become noisy hides nothing by it.
//   reach  for runs that began with different weights, which no two seeds share: the size of a tensor of n independent
//          numbers varies by about 1/sqrt(2n) from seed to seed; n is taken as the number of units. It is scaled to
//          what the lines of a phase show on the first step. A value may also be what the other run has at
//          a step up to kStretch times earlier or later: seeds do not learn at the same speed.
//
// A line parts at the first step from which kPatience compared values in a row lie beyond kLimit deviations on one side.
// 3.5 is the usual limit for one value (Iglewicz and Hoaglin 1993); hundreds of lines are looked at, so it is 6 here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "command/course.h"

namespace sonde::command {

inline constexpr double kLimit = 6;
inline constexpr std::size_t kPatience = 3;
inline constexpr double kStretch = 1.5;
inline constexpr double kLeast = 0.02;  // of the logarithm: two per cent are never told

struct Parting {
  std::uint64_t step = 0;
  double a = 0;
  double b = 0;
  double noise = 0;         // deviation of the two runs together, of the logarithm if `factor`
  bool factor = true;       // compared as logarithms
  bool non_finite = false;  // one of them became NaN or infinite
};

// How the two lines are held against each other.
struct Tolerance {
  bool same_start = true;  // the runs began with the same weights: no reach
  double reach = 0;        // deviation from seed to seed, of the logarithm
  std::uint64_t from = 0;  // before this step the runs are known to be equal
};

[[nodiscard]] std::optional<Parting> part(const Line& a, const Line& b, const Tolerance& tolerance);

// The first step that both lines have and on which they are not alike bit for bit.
[[nodiscard]] std::optional<std::uint64_t> first_unlike(const Line& a, const Line& b);

}  // namespace sonde::command
