#include "analysis/gradient_flow.h"

#include <algorithm>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::OpClass;
using trace::Record;

void GradientStopAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const Graph& graph = run.graph();
  std::size_t gradients = 0;
  std::size_t zero = 0;
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::gradient || record.tensor.count == 0) continue;
    ++gradients;
    zero += all_zero(record.tensor) ? 1 : 0;
  }
  if (gradients == 0) return;
  const bool nothing = zero == gradients;
  silent_ = nothing ? silent_ + 1 : 0;

  std::uint32_t stop = 0;
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::backward || all_zero(record.tensor) || record.tensor.count < 2) continue;
    const std::uint32_t operand = graph.operand(record.site);
    const trace::TensorStats* below = operand == 0 ? nullptr : step.stats(operand, Phase::backward);
    if (below == nullptr || !all_zero(*below)) {
      stopped_.erase(record.site);
    } else if (++stopped_[record.site] >= kSteps && (stop == 0 || graph.depth(record.site) > graph.depth(stop))) {
      stop = record.site;
    }
  }
  if (run.loss().level(5) == 0 && run.loss().initial_level() > 0) return;  // a margin loss that is satisfied
  const bool rectifier = graph.site(stop).op_class == OpClass::rectifier;  // dead units: told by their own analyzer
  const bool silence = silent_ >= kSteps && !run.improved_since(0);
  if ((stop == 0 || rectifier) && !(silence && stop == 0)) return;
  if (stop != 0 && run.improved_since(step.number() > 20 ? step.number() - 20 : 0)) return;
  Sighting sighting;
  sighting.sign = Sign::zero_gradient;
  sighting.severity = silence ? Severity::error : Severity::warning;
  sighting.revocable = true;
  sighting.site = stop;
  sighting.phase = Phase::backward;
  sighting.step = step.number();
  sighting.position = graph.depth(stop);
  if (stop == 0) {
    sighting.part = "loss";
    sighting.message =
        fmt::format("every gradient of every parameter has been exactly zero on {} observed steps, at a loss of {}",
                    silent_, number(run.loss().level()));
    sighting.suspects.push_back({Cause::wrong_loss, 0.5, 0, "loss", sighting.message});
  } else {
    sighting.message =
        fmt::format("{} gets a gradient but passes exactly zero on ({} of {} parameter gradients are zero)",
                    graph.name(stop), zero, gradients);
    if (mixes(graph.site(stop).op_class)) {
      sighting.suspects.push_back({Cause::bad_initialization, 0.7, stop, {}, "its weights are zero"});
    } else if (graph.in_loss(stop)) {
      sighting.suspects.push_back({Cause::loss_domain, 0.5, stop, {}, "every prediction lies where the loss is flat"});
    } else {
      const bool output = graph.is_output(stop);
      sighting.suspects.push_back({output ? Cause::wrong_output_activation : Cause::wrong_activation,
                                   output ? 0.85 : 0.7,
                                   stop,
                                   {},
                                   sighting.message});
    }
  }
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
