#include "compare/alternatives.h"

#include <algorithm>

namespace sonde::compare {
namespace {

constexpr double kEpsilons[] = {1e-12, 1e-8, 1e-6, 1e-5, 1e-3};  // BERT; some GANs; many transformers; Torch; Keras
constexpr double kSlopes[] = {0.01, 0.1, 0.2, 0.3};              // Torch and ONNX; darknet; TensorFlow; Keras
constexpr const char* kGelu[] = {"none", "tanh"};

}  // namespace

std::vector<Alternative> alternatives(const Tape& tape, const Call& call) {
  std::vector<Alternative> found;
  const auto& schema = call.schema().arguments();
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const std::string& name = schema[i].name();
    const c10::IValue& now = call.arguments[i];
    const auto add = [&](c10::IValue value) { found.push_back({static_cast<int>(i), name, std::move(value), false}); };
    if (name == "eps" && now.isDouble()) {
      for (const double eps : kEpsilons)
        if (eps != now.toDouble()) add(eps);
    } else if (name == "negative_slope" && now.isScalar()) {
      for (const double slope : kSlopes)
        if (slope != now.toScalar().toDouble()) add(slope);
    } else if (name == "approximate" && now.isString()) {
      for (const char* kind : kGelu)
        if (now.toStringRef() != kind) add(std::string(kind));
    } else if (now.isBool() && (name == "training" || name == "train" || name == "use_input_stats")) {
      add(!now.toBool());
      found.back().training_mode = true;
    } else if (now.isBool() && (name == "count_include_pad" || name == "ceil_mode" || name == "align_corners")) {
      add(!now.toBool());
    } else if (name == "dim" && now.isInt() && call.kind.find("softmax") != std::string::npos &&
               !call.operands.empty()) {
      const auto rank =
          static_cast<std::int64_t>(tape.values[static_cast<std::size_t>(call.operands.front().value)].sizes.size());
      for (std::int64_t dim = 0; dim < rank; ++dim)
        if (dim != (now.toInt() + rank) % rank) add(dim);
    }
  }
  return found;
}

}  // namespace sonde::compare
