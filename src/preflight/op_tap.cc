#include "preflight/op_tap.h"

#include <utility>

#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "probes/torch_version.h"

namespace sonde::preflights {
namespace {

thread_local OpTap* current_tap = nullptr;

void add_tensors(const c10::IValue& value, OpTap::Tensors& tensors) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) tensors.push_back(value.toTensor());
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) add_tensors(element, tensors);
  }
}

template <typename Values>
OpTap::Tensors tensors_in(const Values& values) {
  OpTap::Tensors tensors;
  for (const c10::IValue& value : values) add_tensors(value, tensors);
  return tensors;
}

}  // namespace

OpTap::OpTap(Before before, After after) : before_(std::move(before)), after_(std::move(after)) {
  callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&OpTap::on_start, &OpTap::on_end)
                                             .needsInputs(true)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
  current_tap = this;
}

OpTap::~OpTap() {
  current_tap = nullptr;
  at::removeCallback(callback_);
}

template <typename Call>
void OpTap::guarded(const Call& call) {
  busy_ = true;
  try {
    const at::DisableRecordFunctionGuard unobserved;
    const at::NoGradGuard no_grad;
    call();
  } catch (...) {
    if (!error_) error_ = std::current_exception();
  }
  busy_ = false;
}

std::unique_ptr<at::ObserverContext> OpTap::on_start(const at::RecordFunction& function) {
  auto* tap = current_tap;
  if (tap == nullptr || tap->busy_ || tap->outermost_ != nullptr) return nullptr;
  tap->outermost_ = &function;
  tap->guarded([&] { tap->before_(function.name(), tensors_in(probes::inputs_of(function))); });
  return nullptr;
}

void OpTap::on_end(const at::RecordFunction& function, at::ObserverContext*) {
  auto* tap = current_tap;
  if (tap == nullptr || tap->outermost_ != &function) return;
  tap->guarded([&] { tap->after_(tensors_in(probes::outputs_of(function))); });
  tap->outermost_ = nullptr;
}

void OpTap::rethrow() {
  if (auto error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
}

}  // namespace sonde::preflights
