#include "compare/recorder.h"

#include <array>
#include <exception>
#include <unordered_map>
#include <utility>

#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/boxed_tensors.h"
#include "compare/kept_model.h"
#include "probes/call_site.h"
#include "probes/torch_version.h"

namespace sonde::compare {
namespace {

// Constants are copied, because the model may write to them later, unless they are as large as only weights are.
constexpr std::int64_t kMostCopiedElements = std::int64_t{1} << 24;
constexpr std::int64_t kMostTableElements = std::int64_t{1} << 16;
constexpr std::int64_t kFingerprintElements = 64;

std::string kind_of(const c10::OperatorName& name) {
  const auto colons = name.name.rfind(':');
  std::string kind = colons == std::string::npos ? name.name : name.name.substr(colons + 1);
  while (kind.size() > 1 && kind.back() == '_') kind.pop_back();
  return kind;
}

// Of a few elements spread over the tensor: whether memory was written in between.
std::uint64_t fingerprint(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.numel() == 0 || !tensor.device().is_cpu() || tensor.layout() != at::kStrided)
    return 0;
  const auto* bytes = static_cast<const unsigned char*>(tensor.data_ptr());
  const std::int64_t n = tensor.numel();
  const std::size_t size = tensor.element_size();
  std::uint64_t hash = 1469598103934665603ULL;
  for (std::int64_t k = 0; k < std::min(n, kFingerprintElements); ++k) {
    std::int64_t rest = n <= kFingerprintElements ? k : k * (n / kFingerprintElements);
    std::int64_t offset = 0;
    for (std::int64_t d = tensor.dim() - 1; d >= 0; --d) {
      offset += rest % tensor.size(d) * tensor.stride(d);
      rest /= tensor.size(d);
    }
    const unsigned char* element = bytes + static_cast<std::size_t>(offset) * size;
    for (std::size_t b = 0; b < size; ++b) hash = (hash ^ element[b]) * 1099511628211ULL;  // FNV-1a
  }
  return hash;
}

class Recorder;
thread_local Recorder* current_recorder = nullptr;

class Recorder {
 public:
  Recorder(const Subject& subject, const Inputs& inputs, Tape& tape)
      : tape_(tape), from_program_(subject.module() != nullptr) {
    const auto stored = subject.stored();
    for (const StoredTensor& one : stored) {
      tape_.stored.push_back({one.name, one.buffer});
      if (!one.tensor.defined()) continue;
      Value value = described(one.tensor);
      value.kind = Value::Kind::stored;
      value.stored = static_cast<int>(tape_.stored.size()) - 1;
      value.tensor = one.tensor.detach();
      know(one.tensor, std::move(value));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Value value = described(inputs[i]);
      value.kind = Value::Kind::input;
      value.input = static_cast<int>(i);
      value.tensor = inputs[i].clone();
      know(inputs[i], std::move(value));
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
  int output(const at::Tensor& tensor) { return value_of(tensor); }
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
    const int value = value_of(tensor);
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
      pending_.results.push_back(know(result, std::move(value)));
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

  static Value described(const at::Tensor& tensor) {
    Value value;
    value.sizes = tensor.sizes().vec();
    value.dtype = tensor.scalar_type();
    return value;
  }

  int know(const at::Tensor& tensor, Value value) {
    const int id = static_cast<int>(tape_.values.size());
    value.memory = memory_of(tensor);
    tape_.values.push_back(std::move(value));
    auto* impl = tensor.unsafeGetTensorImpl();
    // Held weakly, so that the address is not used again; strongly, the model would need more memory than without us.
    known_.insert_or_assign(impl, Known{id, probes::version_of(impl), fingerprint(tensor), weak(tensor)});
    if (tensor.has_storage()) {
      const auto [same, first] = by_memory_.emplace(tensor.storage().unsafeGetStorageImpl(), impl);
      if (!first && known_.at(same->second).weak.expired()) same->second = impl;
    }
    return id;
  }

  // Numbers stand for storages, which live as long as a tensor that we hold weakly may be used again.
  int memory_of(const at::Tensor& tensor) {
    if (!tensor.has_storage()) return next_memory_++;
    const auto* storage = tensor.storage().unsafeGetStorageImpl();
    const auto same = by_memory_.find(storage);
    if (same != by_memory_.end() && !known_.at(same->second).weak.expired())
      return tape_.values[static_cast<std::size_t>(known_.at(same->second).value)].memory;
    return next_memory_++;
  }

  using Weak = c10::weak_intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>;
  static Weak weak(const at::Tensor& tensor) { return Weak(tensor.getIntrusivePtr()); }

  int value_of(const at::Tensor& tensor) {
    auto* impl = tensor.unsafeGetTensorImpl();
    auto found = known_.find(impl);
    if (found == known_.end() && tensor.has_storage()) {
      if (const auto same = by_memory_.find(tensor.storage().unsafeGetStorageImpl()); same != by_memory_.end()) {
        const auto alias = known_.find(same->second);
        const auto original = alias->second.weak.lock();
        if (original && original->sizes() == tensor.sizes() && original->strides() == tensor.strides() &&
            original->storage_offset() == tensor.storage_offset() && original->dtype() == tensor.dtype())
          found = alias;
      }
    }
    if (found != known_.end()) {
      const Known& known = found->second;
      const bool computed = tape_.values[static_cast<std::size_t>(known.value)].kind == Value::Kind::computed;
      if (!computed || known.version != probes::version_of(impl) || known.fingerprint == fingerprint(tensor))
        return known.value;
    }
    Value value = described(tensor);
    value.kind = Value::Kind::constant;
    value.tensor = tensor.numel() <= kMostCopiedElements ? tensor.detach().clone() : tensor.detach();
    return know(tensor, std::move(value));
  }

  struct Known {
    int value;
    std::uint32_t version;
    std::uint64_t fingerprint;
    Weak weak;
  };

  Tape& tape_;
  const bool from_program_;
  std::unordered_map<const at::TensorImpl*, Known> known_;
  std::unordered_map<const c10::StorageImpl*, const at::TensorImpl*> by_memory_;  // one value in it
  Call pending_;
  at::Tensor first_operand_;  // of the call that is running
  const at::RecordFunction* outermost_ = nullptr;
  bool busy_ = false;
  std::exception_ptr error_;
  int next_memory_ = 0;
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
