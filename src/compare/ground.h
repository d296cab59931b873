// Ground: what all parts of a comparison on one batch share: both tapes in canonical items, how they line up, and the lanes
// that run in step.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <sonde/compare.h>

#include "compare/alignment.h"
#include "compare/lane.h"
#include "compare/recorder.h"
#include "compare/replayer.h"

namespace sonde::compare {

class Ground {
 public:
  Ground(Recording reference, Recording target, const Options& options);
  // With the items' correspondence already known.
  Ground(Recording reference, Recording target, const Options& options, std::optional<Alignment> known);
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  // The errors beyond which an operation's output is no longer explained by rounding.
  [[nodiscard]] double limit(double floor) const;             // of an operation on the reference's activations
  [[nodiscard]] double propagated_limit(double floor) const;  // of what has gone through all operations before

  // Runs all lanes up to the end of this pair, and forgets what is no longer needed.
  void advance(int reference_item, int target_item);
  void finish();

  // The reference's value that corresponds to one of the target, or kNone.
  [[nodiscard]] int counterpart(int target_value) const;
  void correspond(int target_value, int reference_value) {
    counterparts_[target_value] = reference_value;
    assumed_.erase(target_value);
  }
  // Takes a value for its counterpart though it is not, so that what follows is judged by itself.
  void assume(int target_value, int reference_value) {
    counterparts_[target_value] = reference_value;
    assumed_.insert(target_value);
  }
  // The outputs of a pair; those of optional items are what goes in, and are known by that.
  void correspond(const Item& target_item, const Item& reference_item);

  // Values of the target, from the reference's activations. The outputs of the target's items in `through` are computed
  // too, though they correspond to something, and so is then what is only assumed to. Throws what an operation throws.
  [[nodiscard]] std::vector<at::Tensor> resolve(const std::vector<int>& values, const Substitution& substitution,
                                                const std::set<int>& through = {}) const;
  // The same of an item of the reference, from its own inputs, in double precision.
  [[nodiscard]] std::vector<at::Tensor> exact(const Item& item) const;
  // The error that single precision alone makes in an item of the reference.
  [[nodiscard]] double floor_of(const Item& item) const;

  // The reference's value at the place of each of the target item's inputs; sums and products may have theirs the other way
  // round. kNone where it is not known.
  [[nodiscard]] std::vector<int> inputs_of_pair(const Item& reference_item, const Item& target_item) const;

  // The reference's tensor in the shape that the target has it in; undefined if the number of elements differs.
  [[nodiscard]] at::Tensor as_target(int reference_value, int target_value) const;

  [[nodiscard]] Place place(const Side& side, int item) const;
  [[nodiscard]] Fault fault(int reference_item, int target_item, Stage stage, Cause cause, std::string message) const;
  // The item that makes a value, or kNone.
  [[nodiscard]] int maker_in_reference(int value) const;
  [[nodiscard]] int maker_in_target(int value) const;

  const Options options;
  const Recording reference_recording;
  const Recording target_recording;
  const std::vector<Item> reference_items;
  const std::vector<Item> target_items;
  const Side reference;
  const Side target;
  const Alignment alignment;
  const bool reduced;  // the target computes in half or bfloat16
  Lane reference_lane;
  Lane floor_lane;  // the reference in double precision; in the target's, where that is a reduced one
  Lane target_lane;

 private:
  [[nodiscard]] at::Tensor known(int target_value, const Substitution& substitution,
                                 const std::set<int>& through) const;
  void keep_what_is_read_late();

  std::unordered_map<int, int> counterparts_;
  std::set<int> assumed_;
  std::unordered_map<int, int> makers_in_reference_;
  std::unordered_map<int, int> makers_in_target_;
  std::size_t reference_done_ = 0;  // calls
  std::size_t target_done_ = 0;
};

}  // namespace sonde::compare
