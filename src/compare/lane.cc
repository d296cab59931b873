#include "compare/lane.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/boxed_tensors.h"

namespace sonde::compare {
namespace {

constexpr std::size_t kAlways = std::numeric_limits<std::size_t>::max();

bool writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

// Normalisations write running statistics without saying so in their schema.
bool updates_statistics(const Call& call, const std::vector<c10::IValue>& arguments) {
  for (const char* name : {"training", "train", "use_input_stats"})
    if (const int index = call.argument(name); index != kNone) {
      const c10::IValue& value = arguments[static_cast<std::size_t>(index)];
      if (value.isBool() && value.toBool()) return true;
    }
  return false;
}

// A change of precision, which a run in another precision does not take part in.
bool is_cast(const Call& call) {
  return call.kind == "to" || call.kind == "_to_copy" || call.kind == "type_as" || call.kind == "float" ||
         call.kind == "half" || call.kind == "bfloat16" || call.kind == "double";
}

void put(std::vector<c10::IValue>& stack, const Operand& operand, at::Tensor tensor) {
  c10::IValue& argument = stack[static_cast<std::size_t>(operand.argument)];
  if (operand.element == kNone) {
    argument = std::move(tensor);
    return;
  }
  auto list = argument.toList();
  list.set(static_cast<std::size_t>(operand.element), std::move(tensor));
}

}  // namespace

bool is_reduced(at::ScalarType dtype) { return dtype == at::kHalf || dtype == at::kBFloat16; }

at::Tensor in_precision(const at::Tensor& tensor, at::ScalarType precision) {
  if (precision == at::ScalarType::Undefined || !tensor.defined() || !at::isFloatingType(tensor.scalar_type()))
    return tensor;
  return tensor.to(precision);
}

std::vector<at::Tensor> run_call(const Call& call, std::vector<at::Tensor> tensors, bool protect,
                                 at::ScalarType precision, const ArgumentEdits* edits) {
  const at::NoGradGuard no_grad;
  const at::DisableRecordFunctionGuard unobserved;
  if (precision != at::ScalarType::Undefined && is_cast(call) && !tensors.empty() && call.results.size() == 1 &&
      at::isFloatingType(tensors.front().scalar_type()) && at::isFloatingType(call.result_dtype))
    return {in_precision(tensors.front(), precision)};
  auto generator = at::detail::getDefaultCPUGenerator();
  {
    const std::lock_guard lock(generator.mutex());
    generator.set_current_seed(0);
  }
  const auto& schema = call.schema().arguments();
  std::vector<c10::IValue> stack;
  stack.reserve(call.arguments.size());
  // Lists of tensors are filled in anew for each run; what else is boxed is not written to.
  for (const c10::IValue& argument : call.arguments) stack.push_back(with_emptied_list(argument));
  if (edits != nullptr)
    for (const auto& [index, value] : *edits) stack[static_cast<std::size_t>(index)] = value;
  const bool statistics = updates_statistics(call, stack);
  for (std::size_t i = 0; i < call.operands.size(); ++i) {
    const Operand& operand = call.operands[i];
    const auto& argument = schema[static_cast<std::size_t>(operand.argument)];
    const bool copied =
        (protect && writes(argument)) || (statistics && argument.name().find("running") != std::string::npos);
    put(stack, operand, copied ? tensors[i].clone() : tensors[i]);
  }
  call.op->callBoxed(&stack);
  std::vector<at::Tensor> results;
  for (const c10::IValue& value : stack) add_tensors(value, results);
  for (at::Tensor& result : results) result = in_precision(result, precision);
  return results;
}

Lane::Lane(const Tape& tape, at::ScalarType precision)
    : tape_(tape), precision_(precision), values_(tape.values.size()), needed_until_(tape.values.size(), 0) {
  for (std::size_t v = 0; v < values_.size(); ++v)
    if (tape.values[v].kind == Value::Kind::input) values_[v] = in_precision(tape.values[v].tensor.clone(), precision_);
  for (std::size_t c = 0; c < tape.calls.size(); ++c)
    for (const Operand& operand : tape.calls[c].operands) needed_until_[static_cast<std::size_t>(operand.value)] = c;
  for (const int output : tape.outputs) needed_until_[static_cast<std::size_t>(output)] = kAlways;
  last_use_ = needed_until_;
  for (std::size_t v = 0; v < values_.size(); ++v) {
    const auto memory = static_cast<std::size_t>(tape.values[v].memory);
    if (memory >= sharing_.size()) sharing_.resize(memory + 1);
    sharing_[memory].push_back(static_cast<int>(v));
  }
}

at::Tensor Lane::at(int value) const {
  if (value == kNone) return {};
  if (const auto replaced = replaced_.find(value); replaced != replaced_.end())
    return in_precision(replaced->second, precision_);
  const Value& known = tape_.values[static_cast<std::size_t>(value)];
  const bool held = known.kind == Value::Kind::stored || known.kind == Value::Kind::constant;
  return held ? in_precision(known.tensor, precision_) : values_[static_cast<std::size_t>(value)];
}

void Lane::edit(std::size_t call, ArgumentEdits edits) {
  auto& known = edits_[call];
  known.insert(known.end(), edits.begin(), edits.end());
}

bool Lane::may_copy(std::size_t index) const {
  const Call& call = tape_.calls[index];
  for (const Operand& operand : call.operands) {
    if (!writes(call.schema().arguments()[static_cast<std::size_t>(operand.argument)])) continue;
    const Value& written = tape_.values[static_cast<std::size_t>(operand.value)];
    for (const int other : sharing_[static_cast<std::size_t>(written.memory)]) {
      const int maker = tape_.values[static_cast<std::size_t>(other)].call;
      const bool before = maker == kNone || static_cast<std::size_t>(maker) < index;
      if (before && last_use_[static_cast<std::size_t>(other)] > index) return false;
    }
  }
  return true;
}

bool Lane::run(std::size_t index) {
  const Call& call = tape_.calls[index];
  try {
    std::vector<at::Tensor> tensors;
    for (const Operand& operand : call.operands) {
      tensors.push_back(at(operand.value));
      if (!tensors.back().defined()) return false;
      // The model's own memory is not to be written to.
      const bool computed = tape_.values[static_cast<std::size_t>(operand.value)].kind == Value::Kind::computed;
      if (!computed && writes(call.schema().arguments()[static_cast<std::size_t>(operand.argument)]))
        tensors.back() = tensors.back().clone();
    }
    const auto edits = edits_.find(index);
    const auto results = run_call(call, std::move(tensors), may_copy(index), precision_,
                                  edits == edits_.end() ? nullptr : &edits->second);
    for (std::size_t i = 0; i < results.size() && i < call.results.size(); ++i)
      values_[static_cast<std::size_t>(call.results[i])] = results[i];
    return true;
  } catch (const std::exception& error) {
    if (trouble_.empty()) trouble_ = call.kind + ": " + error.what();
    return false;
  }
}

void Lane::keep_until(int value, std::size_t call) {
  auto& until = needed_until_[static_cast<std::size_t>(value)];
  if (until != kAlways) until = std::max(until, call);
}

void Lane::forget_before(std::size_t call) {
  for (std::size_t v = 0; v < values_.size(); ++v)
    if (needed_until_[v] < call) values_[v] = at::Tensor();
}

}  // namespace sonde::compare
