#include "compare/operations.h"

#include <set>
#include <unordered_map>

#include <ATen/record_function.h>

namespace sonde::pairs {
namespace {

const std::set<std::string> kUncounted{"view",  "reshape",    "flatten", "transpose", "permute",    "t",       "select",
                                       "slice", "narrow",     "squeeze", "expand",    "unsqueeze",  "chunk",   "split",
                                       "to",    "contiguous", "detach",  "clone",     "empty_like", "item",    "zeros",
                                       "size",  "copy",       "empty",   "dropout",   "lift_fresh", "_to_copy"};

struct Recording {
  std::unordered_map<const void*, std::string> owners;
  std::vector<Operation> operations;
  std::string layer;
  int depth = 0;
};

thread_local Recording* recording = nullptr;

struct Depth : at::ObserverContext {
  ~Depth() override = default;
};

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
  if (recording->depth++ > 0) return std::make_unique<Depth>();
  std::string name = function.name();
  if (name.rfind("aten::", 0) == 0) name = name.substr(6);
  while (!name.empty() && name.back() == '_') name.pop_back();
  const auto see = [&](const at::Tensor& tensor) {
    if (!tensor.defined() || !tensor.has_storage()) return;
    const auto found = recording->owners.find(tensor.storage().unsafeGetStorageImpl());
    if (found != recording->owners.end()) recording->layer = found->second;
  };
  for (const c10::IValue& value : function.inputs()) {
    if (value.isTensor()) see(value.toTensor());
    if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorVector()) see(tensor);
    }
  }
  if (!kUncounted.contains(name)) recording->operations.push_back({name, recording->layer});
  return std::make_unique<Depth>();
}

void leave(const at::RecordFunction&, at::ObserverContext*) { --recording->depth; }

// A run in training mode writes running statistics.
class KeptTensors {
 public:
  void keep(const at::Tensor& tensor) { kept_.emplace_back(tensor, tensor.clone()); }
  void put_back() {
    const torch::NoGradGuard no_gradients;
    for (auto& [tensor, before] : kept_) tensor.copy_(before);
  }

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;
};

}  // namespace

std::vector<Operation> operations_of(Network& network, const std::function<void()>& run) {
  Recording mine;
  KeptTensors kept;
  const auto own = [&](const std::string& prefix, const torch::nn::Module& module) {
    const auto add = [&](const auto& items) {
      for (const auto& item : items) {
        if (!item.value().defined()) continue;
        const std::string path = prefix + item.key();
        const auto dot = path.rfind('.');
        mine.owners[item.value().storage().unsafeGetStorageImpl()] =
            dot == std::string::npos ? "" : path.substr(0, dot);
      }
    };
    add(module.named_parameters());
    add(module.named_buffers());
    for (const at::Tensor& buffer : module.buffers()) {
      if (buffer.defined()) kept.keep(buffer);
    }
  };
  own("", network);
  for (const Unregistered& module : network.blueprint.unregistered) own(module.path + ".", *module.module);

  recording = &mine;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(enter, leave).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  const auto stop = [&] {
    at::removeCallback(handle);
    recording = nullptr;
    kept.put_back();
  };
  try {
    run();
  } catch (...) {
    stop();
    throw;
  }
  stop();
  return mine.operations;
}

}  // namespace sonde::pairs
