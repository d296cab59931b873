#include "analysis/analyzer.h"

namespace sonde::analysis {

std::string_view name_of(Sign sign) noexcept {
  switch (sign) {
    case Sign::non_finite:
      return "non-finite";
    case Sign::contract:
      return "broken-contract";
    case Sign::zero_gradient:
      return "zero-gradient";
    case Sign::vanishing_gradient:
      return "vanishing-gradient";
    case Sign::exploding_gradient:
      return "exploding-gradient";
    case Sign::exploding_activation:
      return "exploding-activation";
    case Sign::saturation:
      return "saturation";
    case Sign::dead_units:
      return "dead-units";
    case Sign::identical_units:
      return "identical-units";
    case Sign::large_update:
      return "large-update";
    case Sign::small_update:
      return "small-update";
    case Sign::loss_stuck:
      return "loss-stuck";
    case Sign::loss_diverging:
      return "loss-diverging";
    case Sign::loss_slow:
      return "loss-slow";
    case Sign::loss_oscillating:
      return "loss-oscillating";
    case Sign::input_scale:
      return "input-scale";
    case Sign::target_scale:
      return "target-scale";
    case Sign::output_range:
      return "output-range";
    case Sign::constant_output:
      return "constant-output";
    case Sign::loss_mismatch:
      return "loss-mismatch";
    case Sign::structure:
      return "structure";
    case Sign::batch_order:
      return "batch-order";
    case Sign::over_fitting:
      return "over-fitting";
    case Sign::over_training:
      return "over-training";
    case Sign::stall:
      return "stall";
    case Sign::metric_not_finite:
      return "metric-not-finite";
  }
  return "unknown";
}

}  // namespace sonde::analysis
