// Rule downsampling: many convolutions in a row on maps of one size (Theia IDS). Advice.
// Formula, for classifiers of images without branches: more than 4 convolutions with a window, at maps of 16 pixels and
// more, without pooling or a stride between them.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_downsampling(const MetaModel& model) {
  constexpr int kMost = 4;
  if (!judges_classes(model) || !is_chain(model)) return {};
  int in_a_row = 0;
  for (const Operation& operation : model.operations) {
    if (operation.op_class == OpClass::pooling) in_a_row = 0;
    if (!is_convolution(operation) || operation.shape.size() != 4 || operation.weight_shape.size() != 4) continue;
    const bool strides = operation.from_shape.size() == 4 && 3 * operation.shape[2] < 2 * operation.from_shape[2];
    if (strides || operation.shape[2] < 16) in_a_row = 0;
    if (strides || operation.shape[2] < 16 || operation.weight_shape[2] * operation.weight_shape[3] == 1) continue;
    if (++in_a_row <= kMost) continue;
    return {advice_at(operation, Cause::missing_pooling, 0.35,
                      fmt::format("{} is the {}th convolution in a row on maps of {}x{} pixels, without pooling",
                                  name_of(operation), in_a_row, operation.shape[2], operation.shape[3]))};
  }
  return {};
}

}  // namespace sonde::rules
