// What is known of LibTorch's operations and modules by name. Strings only: no LibTorch type, no state.
#pragma once

#include <string_view>

#include "probes/statistics.h"
#include "trace/catalog.h"

namespace sonde::probes {

// Facts of an operation that follow from its name ("aten::relu_"). Unknown names get OpClass::other.
struct OpTraits {
  trace::OpClass op_class = trace::OpClass::other;
  bool in_place = false;         // name ends in '_' (before the overload)
  bool factory = false;          // makes a tensor from nothing
  bool uninitialised = false;    // a factory whose memory means nothing until written: empty, empty_like ...
  bool counts_units = false;     // units of its output can die or be identical: rectifiers, linear, convolution
  bool layer = false;            // what layers and losses are made of: no optimizer runs it
  bool clears = false;           // zero_ or detach_: how gradients are cleared
  const Tails* tails = nullptr;  // of a saturating activation's output
};

// `operation` is the dispatcher's name with its namespace ("aten::relu_").
[[nodiscard]] OpTraits op_traits(std::string_view operation);

// True if a parameter-free module of this type ("ReLU", "MaxPool2d") calls `operation`.
[[nodiscard]] bool module_calls(std::string_view module_type, std::string_view operation);

// True for types of parameter-free modules that module_calls() knows.
[[nodiscard]] bool is_parameter_free_type(std::string_view module_type);

// "torch::nn::LinearImpl" -> "Linear"; names of users' modules keep their last component ("Net").
[[nodiscard]] std::string_view short_module_type(std::string_view demangled);

}  // namespace sonde::probes
