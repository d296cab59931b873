// What the experiments of preflight find, by the names that reports show; docs/preflight.md explains each.
#pragma once

namespace sonde::preflights {

inline constexpr const char* kNoGradient = "no-gradient";
inline constexpr const char* kNotUsed = "not-used";
inline constexpr const char* kOnlyZeroGradient = "only-zero-gradient";
inline constexpr const char* kForwardNotDeterministic = "forward-not-deterministic";
inline constexpr const char* kBatchNotFitted = "batch-not-fitted";
inline constexpr const char* kInputIgnored = "input-ignored";
inline constexpr const char* kSamplesMixed = "samples-mixed";
inline constexpr const char* kCustomGradient = "custom-gradient";

inline constexpr const char* kAllKinds[] = {kNoGradient,     kNotUsed,      kOnlyZeroGradient, kForwardNotDeterministic,
                                            kBatchNotFitted, kInputIgnored, kSamplesMixed,     kCustomGradient};

}  // namespace sonde::preflights
