// Tape: one forward pass as a program that can be run again: operations with all their arguments, and where each tensor
// among them comes from.
//
// Values are numbered in the order in which they came up. An operation in place makes a new value of the same memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

namespace sonde::compare {

inline constexpr int kNone = -1;

struct Value {
  enum class Kind : std::uint8_t {
    computed,  // by a call
    input,     // of the model
    stored,    // a parameter or buffer
    constant,  // anything else: unregistered parameters, tensors written by hand, baked-in constants
  };
  Kind kind = Kind::computed;
  int call = kNone;    // that makes it
  int stored = kNone;  // index into Tape::stored
  int input = kNone;   // index of the model's input
  int memory = 0;      // values of the same number share memory
  // Of inputs, stored tensors (the model's own memory) and constants (a copy, if it is not large); of what was computed from
  // no input, if it is small.
  at::Tensor tensor;
  std::vector<std::int64_t> sizes;
  at::ScalarType dtype = at::kFloat;
};

// Where a tensor goes in the arguments of a call.
struct Operand {
  int argument = 0;
  int element = kNone;  // in a list of tensors
  int value = kNone;
};

struct Call {
  std::optional<c10::OperatorHandle> op;
  std::string kind;                    // without namespace, overload and the mark of in-place: "batch_norm"
  std::vector<c10::IValue> arguments;  // as boxed, without the tensors
  std::vector<Operand> operands;
  std::vector<int> results;                                 // values, in the order of the outputs, lists unpacked
  at::ScalarType result_dtype = at::ScalarType::Undefined;  // of the first result
  bool constant = false;               // depends on no input of the model, and looks nothing up in its weights
  bool identity = false;               // its result is its first operand: a slice of all, a copy that was not needed
  std::vector<std::uintptr_t> frames;  // of the user's program

  [[nodiscard]] const c10::FunctionSchema& schema() const { return op->schema(); }
  // Index of the argument of this name, or kNone.
  [[nodiscard]] int argument(std::string_view name) const;
  // The value that is this argument, or kNone.
  [[nodiscard]] int operand(std::string_view name) const;
  [[nodiscard]] int operand(int argument) const;
  // A bool argument; `otherwise` if there is none of this name.
  [[nodiscard]] bool flag(std::string_view name, bool otherwise = false) const;
};

struct StoredName {
  std::string name;
  bool buffer = false;
};

struct Tape {
  std::vector<StoredName> stored;
  std::vector<Value> values;
  std::vector<Call> calls;
  std::vector<int> outputs;  // values, in the order of the model's outputs
  // For operations that could not be recorded: the name, and why.
  std::vector<std::string> troubles;

  // The layer of a stored tensor: "layer1.0.bn" of "layer1.0.bn.weight".
  [[nodiscard]] std::string layer_of(int stored) const;
};

}  // namespace sonde::compare
