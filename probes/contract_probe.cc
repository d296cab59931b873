#include "probes/contract_probe.h"

#include <algorithm>
#include <unordered_set>

namespace sonde::probes {
namespace {

using trace::Contract;
using trace::OpClass;

// A violation is reported when it has been seen so often in a row, and again when it is certain.
constexpr std::uint32_t kFew = 3;
constexpr std::uint32_t kSure = trace::kCertainSteps;
// For what a slow schedule explains too (a layer that is unfrozen later).
constexpr std::uint32_t kPatient = 30;

bool cares_about_mode(const OpInfo& info, std::span<const double> scalars) {
  // dropout(input, p, train): p above 0 and train off. batch_norm(..., training, momentum, eps, cudnn).
  if (info.traits.op_class == OpClass::dropout) return scalars.size() >= 2 && scalars[0] > 0 && scalars[1] == 0;
  if (info.name == "aten::batch_norm") return !scalars.empty() && scalars[0] == 0;
  return false;
}

}  // namespace

void ContractProbe::reset() {
  seen_ = {};
  seen_.counters.assign(modules_.parameter_count(), {});
}

void ContractProbe::judge(Contract what, std::uint32_t site, std::uint32_t seen, bool disproved,
                          std::vector<trace::Record>& records, double got, double wanted) {
  const auto known = seen_.reported.find({what, site});
  if (disproved) {
    if (known == seen_.reported.end()) return;
    report(what, site, seen, records, got, wanted);
    records.back().flags |= trace::kWithdrawn;
    seen_.reported.erase(known);
    return;
  }
  // Where several optimizers take turns, a parameter may be left out for a while.
  const std::uint32_t wanted_steps = known == seen_.reported.end() ? (optimizers_.several() ? kSure : kFew) : kSure;
  if (seen < wanted_steps || (known != seen_.reported.end() && known->second >= kSure)) return;
  report(what, site, seen, records, got, wanted);
  seen_.reported[{what, site}] = seen;
}

void ContractProbe::report(Contract what, std::uint32_t site, std::uint32_t seen, std::vector<trace::Record>& records,
                           double got, double wanted) {
  trace::Record record;
  record.kind = trace::RecordKind::contract;
  record.site = site;
  record.contract = {};
  record.contract.what = what;
  record.contract.seen = seen;
  record.contract.got = got;
  record.contract.wanted = wanted;
  std::fill(std::begin(record.contract.shape_a), std::end(record.contract.shape_a), -1);
  std::fill(std::begin(record.contract.shape_b), std::end(record.contract.shape_b), -1);
  records.push_back(record);
}

void ContractProbe::look_at_operations(OpLog& log, const std::vector<PlacedOp>& placed,
                                       std::vector<trace::Record>& records) {
  if (seen_.counters.size() != modules_.parameter_count()) seen_.counters.assign(modules_.parameter_count(), {});
  ++seen_.observed;
  // `feeds`: used by operations the loss depends on, but not through the graph: it is cut in between.
  std::unordered_set<int> used, reached, feeds;
  for (std::uint64_t serial = log.current().base; serial < log.next_serial(); ++serial) {
    const auto place = log.find(serial);
    const auto operands = place.segment->operands_of(*place.operation);
    for (const auto& operand : operands)
      for (int p : modules_.of_storage(operand.storage)) used.insert(p);
    // Not only those the loss is placed on: dropout in eval() hands its input through.
    if (!place.operation->external &&
        cares_about_mode(*place.operation->info, place.segment->scalars_of(*place.operation)) &&
        std::any_of(operands.begin(), operands.end(), [](const Operand& operand) { return operand.requires_grad; }))
      seen_.cares_about_mode = true;
  }
  for (const auto& op : placed) {
    const auto place = log.find(op.serial);
    for (const auto& operand : place.segment->operands_of(*place.operation))
      for (int p : modules_.of_storage(operand.storage)) {
        used.insert(p);
        (op.in_graph ? reached : feeds).insert(p);
      }
  }
  for (std::size_t i = 0; i < seen_.counters.size(); ++i) {
    const bool is_used = used.contains(static_cast<int>(i));
    seen_.counters[i].used += is_used;
    const auto p = static_cast<int>(i);
    seen_.counters[i].cut += feeds.contains(p) && !reached.contains(p);
  }
  look_for_strangers(log, placed);
  look_for_broadcast(log, placed, records);
}

// Leaves that require grad but are no parameters of the model. Others may own them (the other half of a GAN, a second
// model): then somebody changes them. If nobody does and the model's layers come after, they were meant to be trained.
// Not so the points at which a physics-informed network is derived: a layer of the model reads them, or an operation
// that nothing else enters (cat({x, t}), 2 * x - 1).
void ContractProbe::look_for_strangers(OpLog& log, const std::vector<PlacedOp>& placed) {
  std::size_t last_own = 0;
  for (std::size_t i = 0; i < placed.size(); ++i)
    if (placed[i].uses_parameters && placed[i].in_graph) last_own = i;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const auto place = log.find(placed[i].serial);
    if (!placed[i].in_graph || place.operation->external) continue;
    const auto operands = place.segment->operands_of(*place.operation);
    const auto is_stranger = [this](const Operand& operand) {
      return operand.leaf && operand.floating && !modules_.is_state(operand.storage) &&
             !optimizers_.holds(operand.tensor);
    };
    const bool alone = !placed[i].is_view && std::all_of(operands.begin(), operands.end(), [&](const Operand& operand) {
      return operand.shape.dimensions == 0 || is_stranger(operand);
    });
    for (const auto& operand : operands) {
      if (!is_stranger(operand)) continue;
      const auto source = log.find(operand.producer);
      if (!source || !source.operation->external) continue;
      auto& stranger = seen_.strangers[operand.tensor];
      if (stranger.site == 0) {
        stranger.tensor = source.segment->outputs_of(*source.operation)[0].tensor;
        stranger.site = placed[i].site;
        stranger.in_the_middle = i < last_own;
      }
      stranger.is_data = stranger.is_data || placed[i].uses_parameters || (alone && operand.shape.dimensions >= 2);
      if (const auto impl = stranger.tensor.lock()) {
        const auto points = probe_hash(*impl);
        stranger.changed = stranger.changed || (stranger.points != 0 && points != stranger.points);
        stranger.points = points;
        ++stranger.unchanged;
      }
    }
  }
  if (seen_.strangers.size() > 10000) seen_.strangers.clear();  // a new leaf each step: none of them is a parameter
}

// [N,1] against [N], or [N,1] against [N,K]: the result has more elements than the prediction or the target.
void ContractProbe::look_for_broadcast(OpLog& log, const std::vector<PlacedOp>& placed,
                                       std::vector<trace::Record>& records) {
  for (const auto& op : placed) {
    const auto place = log.find(op.serial);
    const auto& info = *place.operation->info;
    const bool loss = info.traits.op_class == OpClass::loss || info.name == "aten::broadcast_tensors";
    if (!op.in_graph || place.operation->external || (!loss && info.traits.op_class != OpClass::pointwise)) continue;
    const Operand *prediction = nullptr, *target = nullptr;
    for (const auto& operand : place.segment->operands_of(*place.operation)) {
      if (!operand.floating || operand.leaf) continue;
      (operand.requires_grad ? prediction : target) = &operand;
    }
    if (!prediction || !target) continue;
    const auto& a = prediction->shape;
    const auto& b = target->shape;
    const bool crossed =
        a.dimensions == b.dimensions + 1 && a.dimensions == 2 && a.sizes[1] == 1 && a.sizes[0] == b.sizes[0];
    const bool crossed_back =
        b.dimensions == a.dimensions + 1 && b.dimensions == 2 && b.sizes[1] == 1 && a.sizes[0] == b.sizes[0];
    // [N,1] against [N,K]: one answer is compared with K targets. Only a loss compares; a product may be a mask.
    const bool stretched = loss && a.dimensions == 2 && b.dimensions == 2 && a.sizes[0] == b.sizes[0] &&
                           a.sizes[1] != b.sizes[1] && (a.sizes[1] == 1 || b.sizes[1] == 1);
    if ((!crossed && !crossed_back && !stretched) || a.sizes[0] < 2) continue;
    if (!seen_.reported.try_emplace({Contract::loss_broadcast, op.site}, 1).second) continue;
    report(Contract::loss_broadcast, op.site, 1, records);
    for (std::size_t d = 0; d < 4; ++d) {
      if (d < a.dimensions) records.back().contract.shape_a[d] = a.sizes[d];
      if (d < b.dimensions) records.back().contract.shape_b[d] = b.sizes[d];
    }
  }
}

void ContractProbe::step(const StepView& view, Attribution& attribution, std::vector<trace::Record>& records) {
  if (seen_.counters.size() != modules_.parameter_count()) seen_.counters.assign(modules_.parameter_count(), {});
  count_parameters(view);
  judge_loop(view, records);
  if (view.observed) judge_parameters(attribution, records);
}

void ContractProbe::count_parameters(const StepView& view) {
  const auto& states = parameters_.states();
  const bool any_gradient = std::any_of(states.begin(), states.end(), [](const ParameterState& s) {
    return s.has_gradient && (!s.measured || !s.gradient_zero);
  });
  for (std::size_t i = 0; i < states.size() && i < seen_.counters.size(); ++i) {
    const auto& state = states[i];
    auto& counter = seen_.counters[i];
    counter.ever_moved = counter.ever_moved || state.moved || (view.observed && state.changed_between_observed);
    if (!view.observed) continue;
    const bool gradient = state.has_gradient && !state.gradient_zero;
    counter.ever_gradient = counter.ever_gradient || gradient;
    counter.with_gradient = gradient ? counter.with_gradient + 1 : 0;
    counter.without_gradient = !gradient && any_gradient ? counter.without_gradient + 1 : 0;
  }
}

void ContractProbe::judge_parameters(Attribution& attribution, std::vector<trace::Record>& records) {
  const auto& states = parameters_.states();
  for (std::size_t i = 0; i < states.size() && i < seen_.counters.size(); ++i) {
    const auto& state = states[i];
    const auto& counter = seen_.counters[i];
    if (!state.alive) continue;
    const auto& parameter = modules_.parameters()[i];
    const auto site = attribution.parameter_site(static_cast<int>(i));
    const auto impl = parameter.lock();
    const bool optimized = impl && optimizers_.holds(impl.get());
    // What the step before told counts from the second observed step on, so an update less is seen than steps.
    const auto enough = [this](std::uint32_t steps) { return std::min(steps, seen_.updates + 1); };
    judge(Contract::parameter_frozen, site, state.requires_grad ? 0 : counter.used, state.requires_grad, records,
          optimized ? 1 : 0);
    if (!state.requires_grad) continue;
    const auto* group = impl ? optimizers_.group_of(impl.get()) : nullptr;
    const auto unmoved = enough(counter.with_gradient);
    judge(Contract::parameter_not_optimized, site, optimized ? 0 : unmoved, counter.ever_moved || optimized, records);
    const double rate = group ? group->learning_rate : 0;
    judge(Contract::parameter_not_updated, site, optimized && rate != 0 ? unmoved : 0, counter.ever_moved, records,
          rate);

    // Only what the optimizer is there for: unused heads and the other half of a GAN are nobody's loss.
    const bool reached = counter.ever_gradient || !optimized;
    const auto missed = reached || counter.used == 0 ? 0 : enough(counter.without_gradient);
    const bool cut = counter.cut >= std::min(missed, kSure);
    judge(Contract::graph_cut, site, cut ? missed : 0, reached, records);
    judge(Contract::parameter_without_gradient, site, cut || state.has_gradient ? 0 : missed, reached || cut, records);
    const bool long_unused = seen_.observed >= kPatient || seen_.updates >= 4 * kPatient;
    const bool unused = !reached && counter.used == 0 && long_unused && seen_.updates >= kSure;
    judge(Contract::module_registered_not_used, site, unused ? seen_.observed : 0, counter.used > 0, records);
  }
  struct Place {
    std::uint32_t unchanged = 0;
    bool changed = false, in_the_middle = false;
  };
  std::map<std::uint32_t, Place> places;  // a weight and its bias enter at one
  for (const auto& [tensor, stranger] : seen_.strangers) {
    if (stranger.is_data) continue;
    auto& place = places[stranger.site];
    place.unchanged = std::max(place.unchanged, stranger.unchanged);
    place.changed = place.changed || stranger.changed;
    place.in_the_middle = place.in_the_middle || stranger.in_the_middle;
  }
  for (const auto& [site, place] : places)
    judge(Contract::parameter_not_registered, site, std::min(place.unchanged, seen_.updates + 1), place.changed,
          records, place.in_the_middle ? 1 : 0);
}

void ContractProbe::judge_loop(const StepView& view, std::vector<trace::Record>& records) {
  const bool changed = view.between.weights_changed == Answer::yes;
  const bool cleared = view.between.gradients_cleared == Answer::yes;
  if (changed) {
    ++seen_.updates;
    // Two updates without a clear in between: the second used the gradients of the first again.
    seen_.uncleared_updates = cleared || seen_.cleared_since_update || view.between.gradients_cleared == Answer::unknown
                                  ? 0
                                  : seen_.uncleared_updates + 1;
    seen_.clears_without_update = 0;
  } else if (cleared && !view.skipped) {
    ++seen_.clears_without_update;
  }
  seen_.cleared_since_update = cleared || (seen_.cleared_since_update && !changed);
  // The gradients of the first pass meet nothing old, so a pass more than updates is needed to see it.
  judge(Contract::gradients_not_cleared, 0, seen_.uncleared_updates == 0 ? 0 : seen_.uncleared_updates + 1, cleared,
        records);

  const auto& states = parameters_.states();
  const bool gradients_exist = std::any_of(
      states.begin(), states.end(), [](const ParameterState& s) { return s.has_gradient && !s.gradient_points_zero; });
  const bool never_stepped = seen_.clears_without_update > 0 && gradients_exist && !view.all_rates_zero;
  judge(Contract::step_missing, 0, never_stepped ? seen_.clears_without_update + 1 : 0, seen_.updates > 0, records);

  seen_.zero_rate = view.all_rates_zero ? seen_.zero_rate + 1 : 0;
  seen_.ever_positive_rate = seen_.ever_positive_rate || !view.all_rates_zero;
  // A schedule may end at zero.
  const bool zero_rate = !seen_.ever_positive_rate || seen_.zero_rate >= kPatient;
  judge(Contract::learning_rate_zero, 0, zero_rate ? seen_.zero_rate : 0, !view.all_rates_zero, records);
  if (view.defaults_edited && seen_.reported.try_emplace({Contract::learning_rate_in_defaults, 0}, 1).second)
    report(Contract::learning_rate_in_defaults, 0, 1, records, view.rate_in_defaults, view.rate_in_groups);

  seen_.ever_training = seen_.ever_training || view.root_training;
  seen_.eval_updates = changed && !view.root_training ? seen_.eval_updates + 1 : seen_.eval_updates;
  const bool in_eval = seen_.eval_updates > 0 && seen_.cares_about_mode;
  judge(Contract::eval_while_training, 0, in_eval ? seen_.eval_updates + 1 : 0, seen_.ever_training, records);

  if (view.batch_fingerprint != 0) {
    seen_.same_batch = view.batch_fingerprint == seen_.last_fingerprint ? seen_.same_batch + 1 : 1;
    seen_.other_batches =
        seen_.other_batches || (seen_.last_fingerprint != 0 && view.batch_fingerprint != seen_.last_fingerprint);
    seen_.last_fingerprint = view.batch_fingerprint;
    judge(Contract::batch_repeated, 0, seen_.same_batch, seen_.other_batches, records);
  }
}

}  // namespace sonde::probes
