// Reading the loss: which loss the operations compute, and what made the values it judges.
#pragma once

#include <cstdint>
#include <string_view>

#include "analysis/graph.h"
#include "trace/catalog.h"

namespace sonde::analysis {

enum class LossKind : std::uint8_t {
  unknown,
  cross_entropy,                 // takes logits
  nll,                           // takes log-probabilities
  bce,                           // takes probabilities
  bce_logits,                    // takes logits
  categorical_on_probabilities,  // -(y * log p), written by hand
  kl,                            // takes log-probabilities
  mse,                           // squared error: mse, huber, smooth l1, or written by hand
  mae,
  hinge,
};

enum class Output : std::uint8_t {
  unknown,
  linear,
  softmax,
  log_softmax,
  sigmoid,
  tanh,
  rectifier,
  exponential,
  other
};

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

}  // namespace sonde::analysis
