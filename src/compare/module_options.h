// The options of LibTorch's standard modules, by the names of the operations' arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>

namespace torch::nn {
class Module;
}

namespace sonde::compare {

// The modules below `root` that run an operation of this kind ("batch_norm", "avg_pool2d"), in the order of registration.
[[nodiscard]] std::vector<torch::nn::Module*> modules_running(torch::nn::Module& root, std::string_view operation);

// The module at a path of the tree, or null.
[[nodiscard]] torch::nn::Module* module_at(torch::nn::Module& root, const std::string& path);

// Sets what the module passes on as this argument. False if the module has no such option, or not of this type.
[[nodiscard]] bool set_option(torch::nn::Module& module, std::string_view argument, const c10::IValue& value);

}  // namespace sonde::compare
