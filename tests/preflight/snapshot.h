// All of a program that a preflight must leave as it is, as one comparable value.
#pragma once

#include <sstream>
#include <string>

#include <torch/torch.h>

namespace sonde::tests {

inline void describe(std::ostream& out, const torch::Tensor& tensor) {
  if (!tensor.defined()) {
    out << "undefined;";
    return;
  }
  const auto flat = tensor.detach().cpu().contiguous();
  out << tensor.unsafeGetTensorImpl() << ' ' << tensor.data_ptr() << ' ' << tensor.sizes() << tensor.strides()
      << tensor.scalar_type() << tensor.requires_grad() << ':';
  if (tensor.requires_grad()) out << tensor._version();  // a forward pass may write to buffers in place
  out.write(static_cast<const char*>(flat.data_ptr()), static_cast<std::streamsize>(flat.nbytes()));
}

inline std::string snapshot(const std::vector<torch::Tensor>& tensors) {
  std::ostringstream out;
  for (const auto& tensor : tensors) {
    describe(out, tensor);
    describe(out, tensor.grad());
  }
  const auto random = at::detail::getDefaultCPUGenerator().get_state();
  out.write(static_cast<const char*>(random.data_ptr()), random.numel());
  return out.str();
}

inline std::string snapshot(const torch::nn::Module& model) {
  std::ostringstream out;
  auto tensors = model.parameters();
  for (const auto& buffer : model.buffers()) tensors.push_back(buffer);
  out << snapshot(tensors) << model.is_training();
  for (const auto& child : model.named_children()) out << child.key() << child.value()->is_training();
  return out.str();
}

// State and settings as they are saved.
inline std::string snapshot(const torch::optim::Optimizer& optimizer) {
  std::ostringstream out;
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  archive.save_to(out);
  return out.str();
}

}  // namespace sonde::tests
