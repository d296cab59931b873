// A program of one layer, as far as a session sees it.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/session.h"

namespace sonde::runtime {

// Nothing runs until it is asked for.
[[nodiscard]] Options polled();

[[nodiscard]] trace::Site layer(const std::string& name);

// A step whose loss is NaN if `bad`, and whose update the guard does not apply if `skipped`.
void push_step(Session& session, std::uint32_t site, std::uint64_t step, bool bad, bool skipped = false);

// Forty steps; from step 30 on bad if `sick`.
void train(Session& session, bool sick);

}  // namespace sonde::runtime
