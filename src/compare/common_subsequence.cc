#include "compare/common_subsequence.h"

#include <algorithm>

namespace sonde::compare {

CommonSubsequence best_common_subsequence(std::size_t first, std::size_t second,
                                          const std::function<float(std::size_t, std::size_t)>& score) {
  // best[at(i, k)]: of the elements from i and k on.
  std::vector<float> best((first + 1) * (second + 1), 0), own(first * second);
  const auto at = [second](std::size_t i, std::size_t k) { return i * (second + 1) + k; };
  for (std::size_t i = first; i-- > 0;) {
    for (std::size_t k = second; k-- > 0;) {
      const float here = own[i * second + k] = score(i, k);
      float value = std::max(best[at(i + 1, k)], best[at(i, k + 1)]);
      if (here > 0) value = std::max(value, best[at(i + 1, k + 1)] + here);
      best[at(i, k)] = value;
    }
  }
  CommonSubsequence result;
  result.score = best[0];
  for (std::size_t i = 0, k = 0; i < first && k < second;) {
    const float here = own[i * second + k];
    if (here > 0 && best[at(i, k)] == best[at(i + 1, k + 1)] + here) {
      result.pairs.emplace_back(i++, k++);
    } else if (best[at(i, k)] == best[at(i + 1, k)]) {
      ++i;
    } else {
      ++k;
    }
  }
  return result;
}

}  // namespace sonde::compare
