// A C++ module as one side of a comparison.
#pragma once

#include <utility>

#include "compare/subject.h"

namespace sonde::compare {

class ModuleSubject : public Subject {
 public:
  ModuleSubject(torch::nn::Module& module, Forward forward, std::string name)
      : Subject(std::move(name)), module_(module), forward_(std::move(forward)) {}

  [[nodiscard]] std::vector<StoredTensor> stored() const override;
  [[nodiscard]] c10::IValue run(const Inputs& inputs) override { return forward_(inputs); }
  [[nodiscard]] torch::nn::Module* module() const override { return &module_; }

 private:
  torch::nn::Module& module_;
  const Forward forward_;
};

}  // namespace sonde::compare
