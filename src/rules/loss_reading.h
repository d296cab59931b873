// Reading the loss: which loss the operations compute, and what made the values it judges.
#pragma once

#include <cstdint>
#include <string_view>

#include <sonde/meta_model.h>

#include "rules/graph.h"
#include "trace/catalog.h"

namespace sonde::rules {

using Output = OutputKind;

struct LossReading {
  LossKind kind = LossKind::unknown;
  bool composite = false;  // written from single operations
  Output output = Output::unknown;
  std::uint32_t prediction = 0;  // the operation that made the prediction, 0 if unknown
  std::int64_t width = 0;        // last dimension of the prediction, 0 if unknown
  std::uint32_t target = 0;      // of a single loss operation, 0 if unknown
};

// Of the whole program: kind unknown where several terms are not alike.
[[nodiscard]] LossReading read_loss(const Graph& graph, const trace::Program& program);

[[nodiscard]] std::string_view words(LossKind kind) noexcept;
[[nodiscard]] std::string_view words(Output output) noexcept;
[[nodiscard]] bool classifies(LossKind kind) noexcept;

}  // namespace sonde::rules
