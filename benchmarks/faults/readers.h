// From JSON to the structs of case.h. All throw CaseError.
#pragma once

#include "faults/case.h"
#include "faults/fields.h"

namespace sonde::faults {

[[nodiscard]] DataSpec read_data(const json& value, const std::string& path);
[[nodiscard]] std::vector<LayerSpec> read_layers(const json& value, const std::string& path);
[[nodiscard]] LossSpec read_loss(const json& value, const std::string& path);
[[nodiscard]] OptimizerSpec read_optimizer(const json& value, const std::string& path);
[[nodiscard]] LoopSpec read_loop(const json& value, const std::string& path);
[[nodiscard]] std::vector<Fault> read_faults(const json& value, const std::string& path);
[[nodiscard]] std::vector<Answer> read_extra_faults(const json& value, const std::string& path);

// The whole case, both variants, shapes checked.
[[nodiscard]] Case read_case(const json& document);
// The same from a file; errors begin with its name.
[[nodiscard]] Case load_case(const std::filesystem::path& file);

// Refuses programs whose shapes do not fit: layer after layer, then the loss.
void check_shapes(const Program& program);

// Whether the model wants token numbers.
[[nodiscard]] bool has_embedding(const std::vector<LayerSpec>& layers);

}  // namespace sonde::faults
