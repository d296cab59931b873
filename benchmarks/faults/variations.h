// Healthy programs, varied: other seeds, widths, depths, batch sizes, learning rates and activations. A monitor must stay
// silent on all of them that learn.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "faults/scoring.h"

namespace sonde::faults {

// The healthy program of a case document as a case of its own: the patched one, or the document itself.
[[nodiscard]] nlohmann::json healthy_document(const nlohmann::json& document);

// `count` variations of the bases in turn, the same for the same seed. Each changes the data's seed and at most two other
// things; its title tells which, its id is that of the base and "-v1", "-v2" ... Every document is valid where its base is.
[[nodiscard]] std::vector<nlohmann::json> vary(const std::vector<nlohmann::json>& bases, std::size_t count,
                                               std::uint32_t seed);

// The healthy programs of the scored cases, each distinct one once, and `count` variations of them, as cases with files in
// `folder`. The programs as they are come first.
[[nodiscard]] std::vector<Case> make_variations(const std::vector<Case>& cases, std::size_t count,
                                                const std::filesystem::path& folder);

// Takes variations that did not learn (whose score in any run is 0.1 or more below that of the program they were made of)
// out of the count, and says so in their titles. `scores` are those of `cases`, in the same order.
void discount_unlearnt(std::vector<Case>& cases, const std::vector<CaseScore>& scores);

}  // namespace sonde::faults
