// The one place that knows how LibTorch's versions differ.
#pragma once

#include <ATen/SequenceNumber.h>
#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

namespace sonde::probes {

inline const char* torch_version() { return TORCH_VERSION; }

// The node that made `tensor`, as it stands; unlike Tensor::grad_fn() it never creates nodes for views written in place.
inline torch::autograd::Node* grad_fn_of(const at::TensorImpl* impl) {
  const auto* meta = static_cast<const torch::autograd::AutogradMeta*>(impl->autograd_meta());
  return meta ? meta->grad_fn_.get() : nullptr;
}

// The gradient that will be applied to `parameter`, or null.
inline const at::Tensor* gradient_of(const at::TensorImpl& parameter) {
  const auto* meta = static_cast<const torch::autograd::AutogradMeta*>(parameter.autograd_meta());
  return meta && meta->grad_.defined() ? &meta->grad_ : nullptr;
}

// Differs from reading to reading when memory of the tensor (or of a view of it) was written in between; 0 where
// versions are not counted (inference tensors).
inline std::uint32_t version_of(const at::TensorImpl* impl) {
  const auto& counter = impl->version_counter();
  return counter.enabled() ? counter.current_version() : 0;
}

// What belongs to the call of what a callback is shown: TorchScript's interpreter passes its whole stack, with the operands of
// the expressions around, and the call's own on top (seen on 1.13 and 2.13).
inline c10::ArrayRef<const c10::IValue> own_part(c10::ArrayRef<const c10::IValue> stack, std::size_t own) {
  return own > 0 && stack.size() > own ? stack.slice(stack.size() - own) : stack;
}
inline c10::ArrayRef<const c10::IValue> inputs_of(const at::RecordFunction& function) {
  return own_part(function.inputs(), function.num_inputs());
}
inline c10::ArrayRef<const c10::IValue> outputs_of(const at::RecordFunction& function) {
  const auto& outputs = function.outputs();
  return own_part(c10::ArrayRef<const c10::IValue>(outputs.data(), outputs.size()), function.num_outputs());
}

// `node` as an accumulator of a parameter's gradient, or null.
inline const torch::autograd::AccumulateGrad* as_accumulator(const torch::autograd::Node* node) {
  return dynamic_cast<const torch::autograd::AccumulateGrad*>(node);
}

// Whether gradients that arrive at `node`, or those it makes, pass hooks that may exchange them.
inline bool has_hooks(torch::autograd::Node& node) {
  bool any = !node.pre_hooks().empty() || !node.post_hooks().empty();
#if TORCH_VERSION_MAJOR >= 2
  any = any || !node.tensor_pre_hooks().empty();
#endif
  return any;
}

}  // namespace sonde::probes
