#include "compare/module_subject.h"

#include <torch/nn/module.h>

namespace sonde::compare {

std::vector<StoredTensor> ModuleSubject::stored() const {
  std::vector<StoredTensor> all;
  for (const auto& item : module_.named_parameters()) all.push_back({item.key(), item.value(), false});
  for (const auto& item : module_.named_buffers()) all.push_back({item.key(), item.value(), true});
  return all;
}

Model of(torch::nn::Module& module, Forward forward, std::string name) {
  if (!forward) throw CompareError("the forward function of " + name + " is empty; it has to run the model");
  return Model(std::make_shared<ModuleSubject>(module, std::move(forward), std::move(name)));
}

}  // namespace sonde::compare
