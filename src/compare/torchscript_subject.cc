#include "compare/torchscript_subject.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "compare/subject.h"
#include "formats/file.h"
#include "formats/zip.h"

namespace sonde::compare {
namespace {

// Without optimisation nothing is fused, and every operator of the source is called.
class Unoptimized {
 public:
  Unoptimized() : before_(torch::jit::getGraphExecutorOptimize()) { torch::jit::setGraphExecutorOptimize(false); }
  ~Unoptimized() { torch::jit::setGraphExecutorOptimize(before_); }
  Unoptimized(const Unoptimized&) = delete;
  Unoptimized& operator=(const Unoptimized&) = delete;

 private:
  const bool before_;
};

class TorchScriptSubject final : public Subject {
 public:
  TorchScriptSubject(std::string name, torch::jit::Module module)
      : Subject(std::move(name)), module_(std::move(module)) {}

  [[nodiscard]] std::vector<StoredTensor> stored() const override {
    std::vector<StoredTensor> result;
    for (const auto& one : module_.named_parameters()) result.push_back({one.name, one.value, false});
    for (const auto& one : module_.named_buffers()) result.push_back({one.name, one.value, true});
    return result;
  }

  [[nodiscard]] c10::IValue run(const Inputs& inputs) override {
    const Unoptimized guard;
    return module_.forward(std::vector<c10::IValue>(inputs.begin(), inputs.end()));
  }

 private:
  torch::jit::Module module_;
};

bool has(const std::vector<formats::ZipEntry>& entries, std::string_view part) {
  return std::ranges::any_of(entries,
                             [part](const formats::ZipEntry& one) { return one.name.find(part) != std::string::npos; });
}

// TorchScript is a zip archive with its code in it; torch.save's has a pickle alone, or is no archive in old versions.
void check(const std::string& path) {
  constexpr auto kWhatToDo =
      "TorchScript, as torch.jit.script(model).save(path) or torch.jit.trace(model, inputs).save(path) write it";
  const formats::Bytes file = formats::map_file(path);
  if (!formats::is_zip(file)) throw CompareError(path + ": got no zip archive, wanted " + kWhatToDo);
  const auto entries = formats::read_zip_directory(file);
  if (has(entries, "/constants.pkl") || has(entries, "/code/")) return;
  throw CompareError(path +
                     (has(entries, "/data.pkl")
                          ? ": got what torch.save writes (a state dict or a pickled module), wanted "
                          : ": got another zip archive, wanted ") +
                     kWhatToDo);
}

}  // namespace

Model of(torch::jit::Module module, std::string name) {
  return Model(std::make_shared<TorchScriptSubject>(std::move(name), std::move(module)));
}

Model load_torchscript(const std::string& path) {
  try {
    check(path);
    return of(torch::jit::load(path, at::kCPU), path);
  } catch (const formats::FormatError& error) { throw CompareError(error.what()); } catch (const c10::Error& error) {
    throw CompareError(path + ": LibTorch cannot load it: " + error.what_without_backtrace());
  }
}

}  // namespace sonde::compare
