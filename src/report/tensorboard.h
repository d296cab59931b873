// TensorBoard writer: a run as scalars, histograms and texts in an event file. What the tags mean: docs/tensorboard.md.
//
// A consumer of records, beside the analysis: live runs and replayed traces give the same events.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <sonde/finding.h>

#include "report/event.h"
#include "report/event_file.h"
#include "report/tensorboard_tags.h"
#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::report {

// Not thread-safe. Costs some 2 microseconds a record of an observed step, 3 a step that was not, and memory bounded by the
// places written.
class TensorBoardWriter {
 public:
  // Observed steps whose layers are written before only every second one is, and so on: a run of 10^6 observed steps
  // writes the layers of some 11 000. Losses, rates and metrics are written on every step.
  static constexpr std::uint64_t kDense = 1000;
  static constexpr std::size_t kLosses = 16;                    // with a tag of their own, where losses take turns
  static constexpr std::size_t kValues = std::size_t{1} << 18;  // kept of one step

  // The same moment on two clocks: records have the steady one, TensorBoard shows the other.
  struct Start {
    double wall_seconds = 0;  // since 1970
    std::uint64_t steady_nanoseconds = 0;
  };

  // Throws std::runtime_error, which names path and reason, if the file cannot be made.
  TensorBoardWriter(const std::string& directory, Start start) : start_(start), file_(directory, start.wall_seconds) {}

  // These throw std::runtime_error, once, if the file cannot be written any more; after that they do nothing.
  void consume(std::span<const trace::Record> records, const trace::Catalog& catalog);
  // As a text under incidents/<cause>, at the step of its origin.
  void incident(const Finding& finding);
  void flush() { file_.flush(); }

  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }

 private:
  struct Value {
    Quantity quantity;
    std::uint32_t site;
    double value;
  };
  struct Loss {
    std::uint32_t site;
    double value;
  };

  void take_tensor(const trace::Record& record);
  void end_step(const trace::Record& record);
  void add_layers(SummaryEvent& event);
  void write(const SummaryEvent& event);
  [[nodiscard]] double wall_seconds() const noexcept;
  [[nodiscard]] trace::OpClass class_of(std::uint32_t site);
  [[nodiscard]] std::string loss_tag(std::uint32_t site);
  [[nodiscard]] bool due() noexcept;
  // `text` if the tag is new, else empty.
  std::string_view once(const std::string& tag, std::string_view text);

  const Start start_;
  EventFile file_;
  TagTable tags_;
  const trace::Catalog* catalog_ = nullptr;  // during consume()
  std::vector<trace::OpClass> classes_;      // by site
  std::vector<std::uint32_t> loss_sites_;
  std::unordered_set<std::string> described_;
  std::unordered_set<std::uint32_t> not_finite_;  // places that had non-finite elements once
  std::vector<Value> values_;                     // of the step that is not over yet
  std::vector<Loss> losses_;
  std::uint64_t now_ns_ = 0;
  bool layers_due_ = false;    // of the last observed step
  std::uint64_t written_ = 0;  // observed steps, since the stride was doubled
  std::uint64_t skipped_ = 0;
  std::uint64_t stride_ = 1;
};

}  // namespace sonde::report
