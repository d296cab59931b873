// Building the meta-model (<sonde/meta_model.h>) from the catalog and the records of an observed step.
#pragma once

#include <cstdint>
#include <span>

#include <sonde/meta_model.h>

#include "rules/graph.h"
#include "rules/loss_reading.h"
#include "rules/outside.h"
#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::rules {

// What a record's statistics say of the finite elements.
[[nodiscard]] TensorFacts facts_of(const trace::TensorStats& stats);

struct Sources {
  const Graph& graph;
  const trace::Program& program;
  const LossReading& reading;
  const Outside& outside;
  std::span<const trace::Record> tensors;  // of one observed step
  std::uint64_t step = 0;
  double first_loss = 0;  // NaN if unknown
};
[[nodiscard]] MetaModel build_meta_model(const Sources& sources);

// The same from a whole trace, read at its first observed step; without operations if it has none.
[[nodiscard]] MetaModel read_meta_model(const trace::Catalog& catalog, std::span<const trace::Record> records);

}  // namespace sonde::rules
