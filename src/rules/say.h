// Small words that all rules use.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sonde/meta_model.h>
#include <sonde/rules.h>

#include "rules/numbers.h"

namespace sonde::rules {

using Violations = std::vector<Violation>;

// Short name for sentences: "fc1", "relu after conv2".
[[nodiscard]] std::string name_of(const Operation& operation);
[[nodiscard]] std::string name_of(const MetaModel& model, std::uint32_t id);
// "aten::relu_" without what stands around it.
[[nodiscard]] std::string base_name(const Operation& operation);

// Advice at an operation, or at a part of the program that is none; the message is the evidence.
[[nodiscard]] Violation advice_at(const Operation& operation, Cause cause, double confidence, std::string message);
[[nodiscard]] Violation advice_on(std::string part, Cause cause, double confidence, std::string message);

[[nodiscard]] inline bool is_convolution(const Operation& operation) {
  return operation.is_layer() && operation.op_class == OpClass::convolution;
}
[[nodiscard]] inline bool is_dense(const Operation& operation) {
  return operation.is_layer() && operation.op_class == OpClass::linear;
}
// Makes its map larger (a decoder, a generator), or is a part of one.
[[nodiscard]] bool is_transposed(const Operation& operation);

// What the whole program looks like.
[[nodiscard]] std::size_t convolutions(const MetaModel& model);
// One layer after the other: nothing that joins branches, no recurrence and no attention, each layer used once.
[[nodiscard]] bool is_chain(const MetaModel& model);
[[nodiscard]] bool judges_classes(const MetaModel& model);
// The layers before the one that makes the prediction.
[[nodiscard]] std::vector<const Operation*> hidden_layers(const MetaModel& model);
[[nodiscard]] bool uses(const MetaModel& model, OpClass op_class);

}  // namespace sonde::rules
