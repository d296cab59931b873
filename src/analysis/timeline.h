// TimelineBuilder: from records to the Timeline of a report.
//
// A function of the record stream, like the Engine beside which it is fed: the same records give the same timeline, live
// or replayed. A record costs a few table look-ups, a step a pass over the layers it measured. Not thread-safe: one caller
// at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <sonde/timeline.h>

#include "analysis/timeline_bins.h"
#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::analysis {

class TimelineBuilder {
 public:
  static constexpr std::size_t kBytes = std::size_t{32} << 20;  // of all layers' bins
  static constexpr std::size_t kMostBins = 512;                 // of a series; a power of two
  static constexpr std::size_t kFewestBins = 16;
  static constexpr std::size_t kMostSeries = kBytes / (kFewestBins * sizeof(TimelineBin));
  static constexpr std::size_t kLosses = 8;

  explicit TimelineBuilder(const trace::Catalog& catalog) : catalog_(catalog) {}

  void consume(std::span<const trace::Record> records);

  [[nodiscard]] Timeline timeline() const;

 private:
  static constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

  // What is needed of a site for each of its records.
  struct Place {
    std::uint32_t row = kNoRow;
    bool known = false;
    bool owns = false;
    trace::OpClass op_class = trace::OpClass::other;
    double elements = 0;
  };
  // The measurement that stands for its layer in a step: the one of the highest rank.
  struct Candidate {
    double rank = -std::numeric_limits<double>::infinity();
    double value = 0;
    bool set = false;
    bool non_finite = false;
  };
  struct Row {
    std::string path;
    std::string type;
    std::uint32_t first_site = 0;  // the first operation of its own, else the first of any kind
    bool owns = false;             // first_site is an operation of its own
    std::uint32_t position = std::numeric_limits<std::uint32_t>::max();  // in the data flow, when first seen there
    bool touched = false;                                                // by the step that is under way
    std::array<bool, kQuantities> left_out{};
    std::array<double, kQuantities> largest{};  // elements of the parameter that stands for it
    std::array<Candidate, kQuantities> candidates;
    std::array<TimelineSeries, kQuantities> series;
  };

  const Place& place_of(std::uint32_t site);
  std::uint32_t row_of(const trace::Site& site);
  Row& touched(std::uint32_t index);  // by the step under way
  void take(const trace::Record& record);
  void take_tensor(const trace::Record& record);
  void take_origin(const trace::Record& record);
  void offer(Row& row, Quantity quantity, double rank, double value, bool non_finite);
  void take_loss(const trace::Record& record);
  void begin_step(std::uint64_t step);
  void end_step(bool observed);
  void flush(Row& row, std::size_t index);
  void fit();
  void coarsen();

  const trace::Catalog& catalog_;
  std::uint64_t step_ = 0;       // that is under way
  std::uint64_t last_step_ = 0;  // the largest with a measurement
  std::uint64_t steps_per_bin_ = 1;
  std::size_t bins_ = kMostBins;  // that a series may have now
  std::size_t series_ = 0;        // how many there are
  std::uint64_t left_out_ = 0;
  std::vector<Place> places_;  // by site
  std::unordered_map<std::string, std::uint32_t> row_by_path_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> touched_;
  std::vector<std::uint32_t> observed_;
  std::map<std::uint32_t, CurveBuilder> losses_;  // by site
  CurveBuilder learning_rate_;
};

}  // namespace sonde::analysis
