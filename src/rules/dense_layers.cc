// Rule dense-layers: many dense layers behind convolutions (Theia IFL). Advice.
// Formula: more than 3 linear layers in a network of convolutions without branches.
#include <algorithm>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dense_layers(const MetaModel& model) {
  constexpr std::int64_t kUsual = 3;
  const auto dense = std::ranges::count_if(model.operations, is_dense);
  if (convolutions(model) == 0 || dense <= kUsual || !is_chain(model)) return {};
  return {advice_on("model", Cause::too_many_dense_layers, 0.35,
                    fmt::format("{} after the convolutions; {} are usual", counted(dense, "dense layer"), kUsual))};
}

}  // namespace sonde::rules
