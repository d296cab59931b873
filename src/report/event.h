// Event: one entry of a TensorBoard event file, encoded as protocol buffers.
//
// Messages and field numbers are those of tensorboard/compat/proto: event.proto (Event), summary.proto (Summary,
// SummaryMetadata), histogram.proto (HistogramProto), tensor.proto and tensor_shape.proto, as of TensorBoard 2.21.
// Strings must be UTF-8; see clean() in report/text.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sonde::report {

// A histogram: `counts[i]` values lie in (limits[i - 1], limits[i]]; the first bucket begins at `min`.
struct Histogram {
  double min = 0;
  double max = 0;
  double count = 0;
  double sum = 0;
  double sum_of_squares = 0;
  std::vector<double> limits;
  std::vector<double> counts;
};

// Thirty even buckets from the least to the greatest of `values`; one if they are all the same. Values that are not finite
// are passed over.
[[nodiscard]] Histogram histogram_of(const std::vector<double>& values);

// The values of one step. Each tag is described when it is first used: TensorBoard keeps the first description.
class SummaryEvent {
 public:
  SummaryEvent(double wall_seconds, std::uint64_t step) : wall_seconds_(wall_seconds), step_(step) {}

  // TensorBoard keeps scalars as 32-bit floats. An empty description stands for "as told before".
  void add_scalar(std::string_view tag, double value, std::string_view description);
  void add_histogram(std::string_view tag, const Histogram& histogram, std::string_view description);
  // Markdown.
  void add_text(std::string_view tag, std::string_view text, std::string_view description);

  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
  [[nodiscard]] std::string encode() const;

 private:
  double wall_seconds_;
  std::uint64_t step_;
  std::string values_;  // the Summary
};

// The first event of every file.
[[nodiscard]] std::string version_event(double wall_seconds);

}  // namespace sonde::report
