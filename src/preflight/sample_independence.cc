// Does one sample's output depend on another sample? The first sample of the batch is exchanged, in eval mode, and
// nothing may change but what belongs to it. The idea of following one sample through the batch is from Karpathy, "A
// recipe for training neural networks", 2019.
//
// Which dimension counts the samples differs from operation to operation (attention folds heads into it, recurrent
// layers put time first), so an output is in order if its changes fit any dimension that could.
#include <algorithm>
#include <cmath>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "preflight/kinds.h"
#include "preflight/trial.h"
#include "probes/op_table.h"

namespace sonde::preflights {
namespace {

constexpr double kMuch = 1e-4;  // of the largest change of the output; below it is rounding

enum class Spread { unchanged, of_one_sample, of_others, unknown };

// `samples` in the batch; the first one was exchanged.
Spread spread_of(const at::Tensor& before, const at::Tensor& after, std::int64_t samples) {
  if (before.is_complex() || before.sizes() != after.sizes()) return Spread::unknown;
  if (relative_difference(before, after) <= 1e-6) return Spread::unchanged;
  const auto change = difference(before, after);
  const auto much = change.gt(kMuch * change.max());
  bool countable = false;
  for (std::int64_t d = 0; d < before.dim(); ++d) {
    const auto size = before.size(d);
    if (size == 0 || size % samples != 0) continue;
    countable = true;
    const auto changed = much.movedim(d, 0).reshape({size, -1}).any(1);
    // A fold has the sample's part in one piece or in every so-manieth place.
    const auto outside = [&](const at::Tensor& own) {
      return changed.logical_and(own.logical_not()).any().item<bool>();
    };
    const auto place = at::arange(size, at::TensorOptions().dtype(at::kLong).device(before.device()));
    if (!outside(place.lt(size / samples)) || !outside(place.remainder(samples).eq(0))) return Spread::of_one_sample;
  }
  return countable ? Spread::of_others : Spread::unknown;
}

bool mixes(const TapedOp& before, const TapedOp& after, std::int64_t samples) {
  for (std::size_t i = 0; i < before.outputs.size(); ++i)
    if (before.outputs[i].dim() > 0 && spread_of(before.outputs[i], after.outputs[i], samples) == Spread::of_others)
      return true;
  return false;
}

}  // namespace

void samples_are_independent(Trial& trial) {
  constexpr const char* kQuestion = "whether samples depend on each other";
  const auto& input = trial.input();
  auto dimension = trial.options().batch_dimension;
  if (dimension < 0) dimension += input.dim();
  if (dimension < 0 || dimension >= input.dim() || input.size(dimension) < 2)
    return trial.not_observed(kQuestion, "the input has no two samples in the batch dimension");
  auto other = trial.shuffled_input();
  if (other.defined())
    other = at::cat({other.narrow(dimension, 0, 1), input.narrow(dimension, 1, input.size(dimension) - 1)}, dimension);
  if (!other.defined() || other.equal(input))
    return trial.not_observed(kQuestion, "all elements of the input are alike");

  const auto first = trial.record(input, Trial::Mode::eval).tape;
  const auto second = trial.record(other, Trial::Mode::eval).tape;
  const auto common = common_length(first, second);
  if (first.operations.empty()) return trial.not_observed(kQuestion, "no operation was seen");
  for (std::size_t i = 0; i < common; ++i) {
    const auto& op = first.operations[i];
    if (!mixes(op, second.operations[i], input.size(dimension))) continue;
    if (op.operation.find("batch_norm") != std::string::npos)
      return trial.not_observed(kQuestion, "batch normalisation of " + op.layer + " uses the batch in eval mode, too");
    // What comes after the last layer may be a loss that compares samples.
    const bool in_model = i < first.end_of_layers();
    trial.found(
        in_model ? Severity::warning : Severity::advice, kSamplesMixed, op.where(Phase::forward),
        "another first sample changes what comes out for other samples" +
            std::string(in_model ? "" : "; right only if the loss is meant to compare samples"),
        because(Cause::unknown, 0.6,
                "look at dimensions here: a softmax or mean over dimension 0, or a view() where a transpose() was "
                "meant"));
    return;
  }
  if (common < first.operations.size() || first.full)
    trial.not_observed(kQuestion, "seen up to " + first.operations[common - (common > 0)].operation +
                                      " only: the two runs went different ways, or there was too much to compare");
}

}  // namespace sonde::preflights
