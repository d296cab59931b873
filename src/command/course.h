// Course: what a trace measured, sorted by place: one line of samples for each quantity of each place.
//
// Places of two runs of one program have equal keys, whatever numbers their sites were given.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <sonde/finding.h>

#include "trace/trace_file.h"

namespace sonde::command {

struct Sample {
  std::uint64_t step = 0;
  double value = 0;         // NaN if nothing finite was measured
  bool non_finite = false;  // there were NaN or infinite elements
  std::uint64_t bits = 0;   // of all that was measured: equal for equal tensors
};

// A place and what was measured there. `ordinal` tells places apart that have no other name (tensors from outside).
struct Key {
  std::string layer;
  std::string parameter;
  std::string operation;
  std::uint32_t occurrence = 0;
  Phase phase = Phase::forward;
  std::uint32_t ordinal = 0;

  [[nodiscard]] bool operator<(const Key& other) const {
    const auto all = [](const Key& key) {
      return std::tie(key.layer, key.parameter, key.operation, key.occurrence, key.phase, key.ordinal);
    };
    return all(*this) < all(other);
  }
};

struct Line {
  std::uint32_t position = 0;   // in the data flow of its step, as last seen
  double units = 0;             // of the tensor: how many independent numbers make its size, roughly; 0 unknown
  std::vector<Sample> samples;  // by step, one a step (the last one, where a step has several passes)
};

struct Course {
  std::map<Key, Line> tensors;  // root mean squares; of updates over that of the weight
  Line loss;
  Line learning_rate;
  std::uint64_t steps = 0;  // the last one, and one
  std::uint64_t observed_steps = 0;
  std::uint64_t batch_size = 0;  // of the first step, 0 unknown
};

[[nodiscard]] Course course_of(const trace::Trace& trace);

// "gradient of conv1.weight", "relative update of fc.weight".
[[nodiscard]] std::string describe(const Key& key);

}  // namespace sonde::command
