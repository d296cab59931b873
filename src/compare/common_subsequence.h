// The common subsequence of two sequences that counts most (dynamic programming, O(n m)).
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace sonde::compare {

struct CommonSubsequence {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // positions in both, in order
  float score = 0;                                         // of all pairs together
};

// `score` tells what two elements count as a pair; 0: they are none. It is asked once for each two. Of equally good ones, the
// one that passes over elements of the first sequence earlier.
[[nodiscard]] CommonSubsequence best_common_subsequence(std::size_t first, std::size_t second,
                                                        const std::function<float(std::size_t, std::size_t)>& score);

}  // namespace sonde::compare
