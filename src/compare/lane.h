// Running what a tape says: a call on given tensors, and a Lane: a whole tape, call by call, in one precision.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "compare/tape.h"

namespace sonde::compare {

// Arguments to be taken in place of what the tape says, by index in the schema.
using ArgumentEdits = std::vector<std::pair<int, c10::IValue>>;

// Floating-point tensors in `precision`, others as they are; ScalarType::Undefined leaves all as they are.
[[nodiscard]] at::Tensor in_precision(const at::Tensor& tensor, at::ScalarType precision);
[[nodiscard]] bool is_reduced(at::ScalarType dtype);  // half or bfloat16

// Runs `call` on `tensors`, one for each of its operands, and returns its results in `precision`. Tensors that it would
// write to are copied if `protect`; running statistics always are. Random numbers are the same each time. Throws what the
// operation throws.
[[nodiscard]] std::vector<at::Tensor> run_call(const Call& call, std::vector<at::Tensor> tensors, bool protect,
                                               at::ScalarType precision, const ArgumentEdits* edits = nullptr);

class Lane {
 public:
  // The tape must outlive the lane; what it holds of the model is not written to.
  Lane(const Tape& tape, at::ScalarType precision);

  // From now on, takes `tensor` for a stored value, and `edits` for a call.
  void replace(int value, at::Tensor tensor) { replaced_[value] = std::move(tensor); }
  void edit(std::size_t call, ArgumentEdits edits);

  // Takes a tensor for a value, however it came about.
  void put(int value, at::Tensor tensor) { values_[static_cast<std::size_t>(value)] = std::move(tensor); }

  // Runs the next call. Returns whether it could; see trouble().
  bool run(std::size_t call);
  // The tensor of a value in the lane's precision; undefined if it was not computed, or is no longer kept.
  // What an operation in place overwrites is kept as it was, unless views of it are read later.
  [[nodiscard]] at::Tensor at(int value) const;
  // Values whose last use is before `call` are forgotten, but for outputs and those that `keep_until` names.
  void forget_before(std::size_t call);
  // Keeps a value until after the call of that number.
  void keep_until(int value, std::size_t call);

  [[nodiscard]] at::ScalarType precision() const noexcept { return precision_; }
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  // Nobody reads the memory that `call` writes to but through its results.
  [[nodiscard]] bool may_copy(std::size_t call) const;

  const Tape& tape_;
  const at::ScalarType precision_;
  std::vector<at::Tensor> values_;     // computed ones and inputs
  std::vector<std::size_t> last_use_;  // calls, by value
  std::vector<std::size_t> needed_until_;
  std::vector<std::vector<int>> sharing_;  // values by Value::memory
  std::unordered_map<int, at::Tensor> replaced_;
  std::unordered_map<std::size_t, ArgumentEdits> edits_;
  std::string trouble_;
};

}  // namespace sonde::compare
