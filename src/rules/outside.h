// What comes from outside: the input and the target, pooled over the first observed steps.
#pragma once

#include <cstdint>

#include "rules/graph.h"
#include "rules/loss_reading.h"
#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::rules {

// A tensor from outside, pooled over the first observed steps: a batch may hold a single sample.
struct Scale {
  static constexpr int kPooled = 20;

  bool known = false;
  std::uint32_t site = 0;
  double rms = 0;
  double mean = 0;
  double deviation = 0;
  double min = 0;
  double max = 0;
  double zeros = 0;         // share of exact zeros
  bool zero_or_one = true;  // every value is exactly 0 or 1
  double largest_batch_mean = 0;
  double smallest_batch_mean = 0;
  std::uint64_t count = 0;  // elements pooled
  int batches = 0;

  void pool(const trace::TensorStats& stats);
};

class Outside {
 public:
  // A record of phase input. Of several inputs the largest floating one of the first pass is kept, of several targets the
  // one that the program did not make itself.
  void take(const trace::Record& record, const Graph& graph, bool first_pass);

  [[nodiscard]] const Scale& input() const noexcept { return input_; }
  [[nodiscard]] const Scale& target() const noexcept { return target_; }

  // Rows of the tensor that batches of the input are picked from, and of the batch; 0 where that is not seen.
  [[nodiscard]] std::int64_t data_rows(const Graph& graph) const;
  [[nodiscard]] std::int64_t batch_rows(const Graph& graph) const;
  // Labels of 0 and 1, one of them set in each row; several of them set in some rows.
  [[nodiscard]] bool one_hot(const trace::Program& program, const LossReading& reading) const;
  [[nodiscard]] bool multi_hot(const Graph& graph, const trace::Program& program, const LossReading& reading) const;

 private:
  Scale input_;
  Scale target_;
  int target_rank_ = -1;
};

}  // namespace sonde::rules
