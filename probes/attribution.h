// Attribution: the operations a loss depends on, each with the layer it belongs to and its site.
//
// An operation belongs to the layer whose parameter's storage is among its inputs (views share it), or from whose
// parameters alone one of its inputs was computed (weight * mask). Operations without parameters are named after the
// parameter-free module that stands there in the tree, else after the layer they follow. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "probes/module_map.h"
#include "probes/op_log.h"
#include "trace/catalog.h"

namespace sonde::probes {

struct PlacedOp {
  std::uint64_t serial = 0;
  std::uint32_t site = 0;
  std::uint32_t position = 0;  // in the data flow, from 1
  int layer = kNoLayer;
  int owner_parameter = -1;  // a parameter it uses, -1 if none
  bool in_graph = false;     // gradients flow through it; false: it only prepares data
  bool is_view = false;
  bool uses_parameters = false;
};

class Attribution {
 public:
  Attribution(trace::Catalog& catalog, ModuleMap& modules) : catalog_(catalog), modules_(modules) {}

  // Places every operation that `loss` (the output of an operation in the log) depends on; in serial order, with the
  // external tensors among them. `graph` names further operations that made nodes of the loss's graph (derivatives taken
  // in the forward pass hide the data flow). Valid until the next call. Empty if the log does not know the loss.
  const std::vector<PlacedOp>& place(OpLog& log, const at::TensorImpl* loss, std::span<const std::uint64_t> graph = {});
  [[nodiscard]] const std::vector<PlacedOp>& placed() const { return placed_; }  // by the last place()
  [[nodiscard]] const PlacedOp* find(std::uint64_t serial) const;
  // For a pass that is told later than it was run: lets its operations take the place of those of the last place(),
  // until called again.
  void exchange_placed(std::vector<PlacedOp>& placed) {
    placed_.swap(placed);
    exchanged_ = !exchanged_;
  }

  // The site of a parameter's gradient, weight and update.
  std::uint32_t parameter_site(int parameter);
  // To be called after ModuleMap::rescan().
  void modules_changed();

 private:
  struct Fate {  // of an operation in the log during one place()
    bool reached = false;
    bool in_graph = false;
  };
  void reach(OpLog& log, std::uint64_t root, std::span<const std::uint64_t> graph);
  std::uint64_t signature(OpLog& log) const;
  void assign(OpLog& log);
  void assign_one(OpLog::Place place, PlacedOp& placed);
  int choose_parameter(const std::vector<int>& candidates, const OpInfo& info);
  void name_by_order(OpLog& log);
  std::uint32_t site_for(OpLog& log, OpLog::Place place, const PlacedOp& placed);

  trace::Catalog& catalog_;
  ModuleMap& modules_;
  std::vector<PlacedOp> placed_;
  bool exchanged_ = false;  // index_ is not of placed_
  std::uint64_t signature_ = 0;

  std::uint64_t base_ = 0;  // serial of fate_[0]
  std::vector<Fate> fate_;
  std::vector<std::int32_t> index_;  // into placed_ by serial - base_
  std::vector<std::uint64_t> stack_;
  std::unordered_map<int, int> tied_uses_;
  std::vector<int> tree_layer_;    // by index in placed_: where in the tree the data flow stands after it
  std::vector<int> derived_from_;  // by index in placed_: parameter from which alone the output was computed, -1
  std::unordered_map<std::uint64_t, std::uint32_t> sites_;  // (layer, operation, occurrence) -> site
  std::unordered_map<std::uint64_t, std::uint32_t> occurrences_;
  std::vector<std::uint32_t> parameter_sites_;
};

}  // namespace sonde::probes
