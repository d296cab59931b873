#include "compare/recorder.h"

#include <array>
#include <exception>
#include <utility>

#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/boxed_tensors.h"
#include "compare/kept_model.h"
#include "compare/known_tensors.h"
#include "probes/call_site.h"
#include "probes/torch_version.h"

namespace sonde::compare {
namespace {

constexpr std::int64_t kMostTableElements = std::int64_t{1} << 16;

std::string kind_of(const c10::OperatorName& name) {
  const auto colons = name.name.rfind(':');
  std::string kind = colons == std::string::npos ? name.name : name.name.substr(colons + 1);
  while (kind.size() > 1 && kind.back() == '_') kind.pop_back();
  return kind;
}

class Recorder;
thread_local Recorder* current_recorder = nullptr;

class Recorder {
 public:
  Recorder(const Subject& subject, const Inputs& inputs, Tape& tape)
      : tape_(tape), tensors_(tape), from_program_(subject.module() != nullptr) {
    const auto stored = subject.stored();
    for (const StoredTensor& one : stored) {
      tape_.stored.push_back({one.name, one.buffer});
      if (!one.tensor.defined()) continue;
      Value value = described(one.tensor);
      value.kind = Value::Kind::stored;
      value.stored = static_cast<int>(tape_.stored.size()) - 1;
      value.tensor = one.tensor.detach();
      tensors_.add(one.tensor, std::move(value));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Value value = described(inputs[i]);
      value.kind = Value::Kind::input;
      value.input = static_cast<int>(i);
      value.tensor = inputs[i].clone();
      tensors_.add(inputs[i], std::move(value));
    }
    callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&Recorder::on_start, &Recorder::on_end)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}));
    current_recorder = this;
  }
  ~Recorder() {
    current_recorder = nullptr;
    at::removeCallback(callback_);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // The value of a tensor that the model put out.
  int output(const at::Tensor& tensor) { return tensors_.value_of(tensor); }
  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& function) {
    auto* recorder = current_recorder;
    if (recorder == nullptr || recorder->busy_ || recorder->outermost_ != nullptr) return nullptr;
    recorder->outermost_ = &function;
    recorder->guarded([&] { recorder->start(function); });
    return nullptr;
  }
  static void on_end(const at::RecordFunction& function, at::ObserverContext*) {
    auto* recorder = current_recorder;
    if (recorder == nullptr || recorder->outermost_ != &function) return;
    recorder->guarded([&] { recorder->end(function); });
    recorder->outermost_ = nullptr;
  }
  // LibTorch swallows what a callback throws.
  template <typename Action>
  void guarded(const Action& action) {
    busy_ = true;
    try {
      const at::DisableRecordFunctionGuard unobserved;
      action();
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
    busy_ = false;
  }

  void start(const at::RecordFunction& function) {
    pending_ = {};
    const auto name = function.operator_name();
    if (!name) return;
    const auto op = c10::Dispatcher::singleton().findSchema(*name);
    if (!op) return;
    pending_.op = *op;
    pending_.kind = kind_of(*name);
    pending_.constant = true;
    int index = 0;
    for (const c10::IValue& input : probes::inputs_of(function)) add_argument(input, index++);
    if (!from_program_) return;  // a file has no line in the program
    std::array<std::uintptr_t, 12> frames{};
    const std::size_t count = probes::capture_user_frames(frames);
    pending_.frames.assign(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(count));
  }

  void add_argument(const c10::IValue& input, int index) {
    if (input.isTensor()) {
      pending_.arguments.emplace_back();
      if (input.toTensor().defined())
        add_operand(input.toTensor(), index, kNone);
      else
        pending_.arguments.back() = input;
    } else if (input.isTensorList() || input.isOptionalTensorList()) {
      const auto list = input.toListRef();
      pending_.arguments.push_back(with_emptied_list(input));
      for (std::size_t k = 0; k < list.size(); ++k)
        if (list[k].isTensor() && list[k].toTensor().defined())
          add_operand(list[k].toTensor(), index, static_cast<int>(k));
    } else {
      pending_.arguments.push_back(input);
    }
  }

  void add_operand(const at::Tensor& tensor, int argument, int element) {
    if (pending_.operands.empty()) first_operand_ = tensor.has_storage() ? tensor : at::Tensor();
    const int value = tensors_.value_of(tensor);
    pending_.operands.push_back({argument, element, value});
    const Value& known = tape_.values[static_cast<std::size_t>(value)];
    if (known.kind == Value::Kind::input ||
        (known.kind == Value::Kind::computed && !tape_.calls[static_cast<std::size_t>(known.call)].constant))
      pending_.constant = false;
  }

  void end(const at::RecordFunction& function) {
    if (!pending_.op) {
      tape_.troubles.emplace_back(function.name());
      return;
    }
    std::vector<at::Tensor> results;
    for (const c10::IValue& output : probes::outputs_of(function)) add_tensors(output, results);
    const int call = static_cast<int>(tape_.calls.size());
    // A table of positions is a layer, though what is looked up does not depend on the input's values.
    if (pending_.kind == "embedding") pending_.constant = false;
    if (!results.empty()) pending_.result_dtype = results.front().scalar_type();
    pending_.identity = results.size() == 1 && is_first_operand(results.front());
    for (const at::Tensor& result : results) {
      Value value = described(result);
      value.call = call;
      if (pending_.constant && result.numel() <= kMostTableElements) value.tensor = result.detach().clone();
      pending_.results.push_back(tensors_.add(result, std::move(value)));
    }
    tape_.calls.push_back(std::move(pending_));
    first_operand_ = at::Tensor();
  }

  [[nodiscard]] bool is_first_operand(const at::Tensor& result) const {
    if (pending_.operands.empty() || !result.has_storage()) return false;
    for (const c10::Argument& argument : pending_.schema().arguments())
      if (argument.alias_info() != nullptr && argument.alias_info()->isWrite()) return false;
    const at::Tensor& operand = first_operand_;
    return operand.defined() && operand.is_alias_of(result) && operand.sizes() == result.sizes() &&
           operand.strides() == result.strides() && operand.storage_offset() == result.storage_offset() &&
           operand.dtype() == result.dtype();
  }

  Tape& tape_;
  KnownTensors tensors_;
  const bool from_program_;
  Call pending_;
  at::Tensor first_operand_;  // of the call that is running
  const at::RecordFunction* outermost_ = nullptr;
  bool busy_ = false;
  std::exception_ptr error_;
  at::CallbackHandle callback_ = 0;
};

// LibTorch appends where it was thrown.
std::string first_line(const std::string& what) { return what.substr(0, what.find('\n')); }

}  // namespace

Recording record(Subject& subject, const Inputs& inputs) {
  Recording recording;
  const at::NoGradGuard no_grad;
  const KeptModel kept(subject, 0);
  Inputs copies;
  for (const at::Tensor& input : inputs) copies.push_back(input.detach().clone());
  try {
    Recorder recorder(subject, copies, recording.tape);
    add_tensors(subject.run(copies), recording.outputs);
    recorder.rethrow();
    for (const at::Tensor& output : recording.outputs) recording.tape.outputs.push_back(recorder.output(output));
  } catch (const CompareError&) { throw; } catch (const std::exception& error) {
    throw CompareError(subject.name() + " cannot be run on these inputs: " + first_line(error.what()));
  }
  for (at::Tensor& output : recording.outputs) output = output.detach().clone();
  return recording;
}

}  // namespace sonde::compare
