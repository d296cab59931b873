// Rule tied-parameters: two layers of one kind share a weight but not a bias. Advice.
// A module used twice shares both; an embedding and a head are of different kinds. What is left looks like a copy of a
// tensor handle by mistake.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {
namespace {

std::string leaf_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::vector<std::string> layers_of(const std::vector<std::string>& paths) {
  std::vector<std::string> layers;
  for (const std::string& path : paths) {
    const auto dot = path.rfind('.');
    layers.push_back(dot == std::string::npos ? std::string() : path.substr(0, dot));
  }
  return layers;
}

std::string type_of(const MetaModel& model, const std::string& path) {
  const auto module = std::ranges::find(model.modules, path, &ModuleFacts::path);
  return module == model.modules.end() ? std::string() : module->type;
}

}  // namespace

Violations check_tied_parameters(const MetaModel& model) {
  std::set<std::vector<std::string>> whole;  // groups of layers whose biases are shared
  for (const auto& paths : model.tied)
    if (!paths.empty() && leaf_of(paths.front()) == "bias") whole.insert(layers_of(paths));
  for (const auto& paths : model.tied) {
    const std::vector<std::string> layers = layers_of(paths);
    if (leaf_of(paths.front()) != "weight" || whole.contains(layers)) continue;
    const std::string type = type_of(model, layers.front());
    const bool alike = std::ranges::all_of(layers, [&](const auto& layer) { return type_of(model, layer) == type; });
    if (!alike || (type != "Linear" && !type.starts_with("Conv"))) continue;
    Violation violation =
        advice_on("model", Cause::unknown, 0.35,
                  fmt::format("{} and {} share one weight, but not their biases", layers[0], layers[1]));
    violation.causes.front().fix = "give each layer a weight of its own (clone()), or use one module twice";
    return {violation};
  }
  return {};
}

}  // namespace sonde::rules
