#include <sonde/finding.h>

#include <array>

namespace sonde {
namespace {

// In the order of the enums.
constexpr std::array kSeverities = {"advice", "warning", "error"};
constexpr std::array kPhases = {"input", "forward", "loss", "backward", "gradient", "weight", "update"};
constexpr std::array kCauses = {
    // data
    "input-not-normalized", "input-non-finite", "input-constant", "labels-constant", "labels-unrelated",
    "labels-out-of-range", "labels-shape-mismatch", "target-not-normalized", "data-not-shuffled", "too-little-data",
    "class-imbalance",
    // structure
    "missing-activation", "wrong-activation", "redundant-activation", "wrong-output-activation", "wrong-output-width",
    "wrong-layer-width", "wrong-filter-count", "too-few-conv-layers", "too-many-dense-layers", "missing-pooling",
    "missing-normalization", "missing-dropout", "redundant-dropout", "dropout-rate", "wrong-kernel-size", "too-shallow",
    "too-deep", "redundant-bias",
    // loss
    "wrong-loss", "loss-output-mismatch", "loss-domain", "loss-broadcast", "loss-reduction",
    // optimisation
    "learning-rate-too-high", "learning-rate-too-low", "wrong-optimizer", "optimizer-settings", "batch-size",
    "too-few-epochs",
    // initialisation
    "bad-initialization",
    // loop
    "missing-zero-grad", "missing-step", "parameter-not-optimized", "parameter-not-registered", "frozen-parameter",
    "detached-graph", "eval-mode-while-training", "repeated-batch",
    // numerics
    "overflow", "underflow", "division-by-zero", "log-of-zero", "sqrt-at-zero", "unknown"};

static_assert(kSeverities.size() == static_cast<std::size_t>(Severity::error) + 1);
static_assert(kPhases.size() == static_cast<std::size_t>(Phase::update) + 1);
static_assert(kCauses.size() == static_cast<std::size_t>(Cause::unknown) + 1);

template <typename Enum, std::size_t N>
std::string_view name(const std::array<const char*, N>& names, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : "invalid";
}

}  // namespace

std::string_view to_string(Severity severity) noexcept { return name(kSeverities, severity); }
std::string_view to_string(Phase phase) noexcept { return name(kPhases, phase); }
std::string_view to_string(Cause cause) noexcept { return name(kCauses, cause); }

}  // namespace sonde
