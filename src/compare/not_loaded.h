// Whether a tensor looks as if nothing had ever been loaded into it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compare/parameter_diagnosis.h"
#include "compare/plain_tensor.h"

namespace sonde::compare {

struct NotLoaded {
  std::string message;
  std::vector<std::string> evidence;
};

// All elements the same (zero, one, another number) where the reference's are not.
[[nodiscard]] std::optional<NotLoaded> find_constant(const PlainPair& pair);

// Drawn by an initialiser: without correlation to the reference, and with the spread and the shape (even or normal) that an
// initialiser gives a tensor of this shape. That is likely, not certain: another training run could look so.
[[nodiscard]] std::optional<NotLoaded> find_initialiser(const PlainPair& pair, const Figures& figures,
                                                        const ParameterRole& role);

}  // namespace sonde::compare
