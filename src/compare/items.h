// Items: a tape in canonical operations, so that models that say the same in other words line up.
//
// nn::Linear is t + addmm in C++, linear in TorchScript, matmul + add where it is written by hand: one item `linear`.
// Views, copies and casts belong to the item that follows, and so does what is computed from weights alone. Dropout in
// evaluation is an item that may be passed over.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compare/tape.h"

namespace sonde::compare {

// A stored tensor or constant in an item, in the orientation of the item's kind (weights of linear: outputs x inputs).
struct ItemParameter {
  std::string role;         // "weight", "bias", "running_mean", "running_var", "weight_ih_l0" ...
  int value = kNone;        // stored or constant
  bool transposed = false;  // the tensor is held the other way round
};

struct Item {
  std::string kind;       // "linear", "conv2d", "batch_norm", "relu" ...
  std::size_t first = 0;  // calls [first, end) of the tape
  std::size_t end = 0;
  std::size_t principal = 0;  // the call that does the work, whose arguments are compared
  std::vector<ItemParameter> parameters;
  std::vector<int>
      inputs;  // values that depend on the model's inputs, views and copies followed back to where they were made
  std::vector<int> tables;   // operands that were computed, but from no input: masks, sines and cosines
  std::vector<int> outputs;  // results of the item's last call
  bool optional = false;     // changes nothing: dropout in evaluation
  std::string layer;         // that it belongs to or follows
  bool owned = false;        // it uses the layer's parameters
};

// All items that depend on inputs, in the order of execution; their calls cover the tape up to the last of them.
[[nodiscard]] std::vector<Item> items_of(const Tape& tape);

struct Side {
  const Tape& tape;
  const std::vector<Item>& items;
};

// The items in an order that follows from the data flow alone: depth first from the outputs, of sums and products
// the longer branch first, and last what no output depends on. Two writings of one network agree in it, whichever branch they run first.
[[nodiscard]] std::vector<int> data_flow_order(const Side& side);

// Follows views, copies and casts back to the value they are made of.
[[nodiscard]] int origin_of(const Tape& tape, int value);
// The stored tensor or constant that `value` is or is a transposed view of; value kNone if it is neither.
[[nodiscard]] ItemParameter parameter_behind(const Tape& tape, int value);

}  // namespace sonde::compare
