// ModuleMap: which layer a tensor's memory belongs to.
//
// Built from a module tree (or from named tensors) and rebuilt when the tree changes. A parameter's identity is its
// TensorImpl, held weakly: its storage changes under load() and to(), and freed addresses are used again, so the map
// from storages is made anew for each observed step. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/util/flat_hash_map.h>

#include "probes/op_log.h"

namespace torch::nn {
class Module;
}

namespace sonde::probes {

inline constexpr int kNoLayer = -1;

struct Layer {
  std::string path;  // "encoder.0"; "" is the root
  std::string type;  // "Linear"
  int parent = kNoLayer;
  int place = 0;                 // among the parent's children
  std::vector<int> children;     // layers, in order of registration
  bool has_parameters = false;   // of its own
  const void* module = nullptr;  // identity only
  bool training = true;          // as of the last rescan or read_modes()
};

struct Parameter {
  std::string name;  // "weight"
  std::string path;  // "encoder.0.weight"
  int layer = kNoLayer;
  WeakTensor tensor{c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>()};
  const at::TensorImpl* identity = nullptr;
  bool requires_grad = false;
  bool buffer = false;

  [[nodiscard]] c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl> lock() const { return tensor.lock(); }
};

class ModuleMap {
 public:
  // From a module tree. `module` is looked at during the call only.
  void rescan(const torch::nn::Module& module);
  // From tensors without a module; each is a layer of its own with the given name.
  void rescan(const std::vector<std::pair<std::string, at::Tensor>>& tensors);

  // True if the tree holds other tensors than at the last rescan.
  [[nodiscard]] bool differs(const torch::nn::Module& module) const;

  // Reads again which modules are in training mode. `module` as at the last rescan; a tree that differs is left alone.
  void read_modes(const torch::nn::Module& module);

  // Reads the storages the parameters have at this moment. To be called before observing a step.
  void refresh_storages();

  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const {
    return parameters_;
  }                                                                               // buffers come after parameters
  [[nodiscard]] std::size_t parameter_count() const { return parameter_count_; }  // without buffers

  // Parameters and buffers whose memory this is (several when tied), or empty.
  [[nodiscard]] const std::vector<int>& of_storage(const c10::StorageImpl* storage) const;
  [[nodiscard]] bool is_state(const c10::StorageImpl* storage) const {
    return by_storage_.find(storage) != by_storage_.end();
  }

  // Index of the layer with this path or module, kNoLayer if there is none.
  [[nodiscard]] int layer_of_path(const std::string& path) const;
  [[nodiscard]] int layer_of_module(const torch::nn::Module& module) const;
  // True if `layer` is `ancestor` or lies below it.
  [[nodiscard]] bool is_within(int layer, int ancestor) const;

  // A parameter-free layer of the tree that `operation` may stand for when it follows `previous` in the data flow: the
  // next sibling of `previous`, or of its container; kNoLayer if there is none of the right kind.
  [[nodiscard]] int follower(int previous, const std::string& operation) const;

 private:
  int next_in_tree(int layer) const;

  std::vector<Layer> layers_;
  std::vector<Parameter> parameters_;
  std::size_t parameter_count_ = 0;
  ska::flat_hash_map<const c10::StorageImpl*, std::vector<int>> by_storage_;
};

}  // namespace sonde::probes
