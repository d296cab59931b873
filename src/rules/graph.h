// Graph: the catalog's sites as the data flow of the program, and questions about it.
//
// A copy that grows with the catalog, so that the analysis takes the catalog's mutex only when there is something new.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <sonde/finding.h>

#include "trace/catalog.h"

namespace sonde::rules {

class Graph {
 public:
  using Id = std::uint32_t;

  // Takes over what the catalog had gained when record `position` was pushed.
  void update(const trace::Catalog& catalog, std::uint64_t position = trace::Catalog::kNow);
  // The operation whose output the loss consumes.
  void set_prediction(Id prediction);

  // Site 0 for an id that the catalog does not have.
  [[nodiscard]] const trace::Site& site(Id id) const noexcept { return id < sites_.size() ? sites_[id] : sites_[0]; }
  [[nodiscard]] std::size_t size() const noexcept { return sites_.size(); }
  [[nodiscard]] const std::vector<Id>& consumers(Id id) const noexcept;

  // True if data flows from `from` to `to` (or they are the same).
  [[nodiscard]] bool reaches(Id from, Id to) const;
  // The nearest operation that `wanted` accepts, going against the data flow from `id` (itself excluded), 0 if none.
  [[nodiscard]] Id nearest_before(Id id, const std::function<bool(const trace::Site&)>& wanted) const;
  // The same with the data flow.
  [[nodiscard]] Id nearest_after(Id id, const std::function<bool(const trace::Site&)>& wanted) const;
  // The producer of an operation's first operand, passing over views, copies and dropout; 0 if it came from outside.
  [[nodiscard]] Id operand(Id id) const;

  [[nodiscard]] Id prediction() const noexcept { return prediction_; }
  // True for the operations that turn the prediction into the loss.
  [[nodiscard]] bool in_loss(Id id) const noexcept;
  // True if `id` is the prediction or a view, copy or reshaping of the way from it to the loss.
  [[nodiscard]] bool is_output(Id id) const;

  // Where an operation stands in the forward pass, as last seen; parameters stand where their layer begins.
  void placed(Id id, std::uint32_t position);
  [[nodiscard]] std::uint32_t depth(Id id) const;

  // The place in words: layer, or part for what is no layer's.
  [[nodiscard]] Location where(Id id, Phase phase) const;
  // Short name for sentences: "fc1", "fc1.weight", "the loss", "relu after conv2".
  [[nodiscard]] std::string name(Id id) const;

 private:
  std::vector<trace::Site> sites_{trace::Site{}};
  std::vector<std::vector<Id>> consumers_{{}};
  std::vector<std::uint32_t> positions_{0};
  std::unordered_map<std::string, Id> layer_begin_;  // first forward site of a layer
  Id prediction_ = 0;
  std::vector<bool> after_prediction_;  // by site: data flows there from the prediction

  void mark_loss();
};

// Operations that only rearrange or pass on what they get.
[[nodiscard]] bool passes_on(trace::OpClass op_class) noexcept;
// Operations with weights that mix their inputs.
[[nodiscard]] bool mixes(trace::OpClass op_class) noexcept;
// Pointwise activations of any kind, softmax included.
[[nodiscard]] bool activates(trace::OpClass op_class) noexcept;

}  // namespace sonde::rules
