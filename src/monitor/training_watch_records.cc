#include "monitor/training_watch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>

#include <torch/nn/module.h>

#include "probes/torch_version.h"

namespace sonde::monitor {

using trace::Record;
using trace::RecordKind;

[[gnu::hot]] void TrainingWatch::push(Record& record) {
  record.step = step_;
  record.time_ns = time_ns_;
  session_.producer_for_this_thread().push(record);
}

void TrainingWatch::push_all(std::vector<Record>& records) {
  for (auto& record : records) push(record);
  records.clear();
}

[[gnu::hot]] void TrainingWatch::push_step(RecordKind kind, const StepState& state, bool applied, std::uint64_t step_ns,
                                           std::uint64_t monitor_ns) {
  Record record;
  record.kind = kind;
  record.phase = Phase::loss;
  record.flags =
      static_cast<std::uint8_t>((state.observed ? trace::kObservedInFull : 0) | (seen_.closure ? trace::kRepeated : 0) |
                                (kind == RecordKind::step_begin && seen_.first_of_run ? trace::kFirstOfRun : 0));
  record.facts = {};
  record.facts.loss = state.loss;
  record.facts.learning_rate = seen_.learning_rate;
  record.facts.batch_size = loss_view_.batch_size;
  record.facts.batch_fingerprint = state.observed ? loss_view_.fingerprint : 0;
  record.facts.step_nanoseconds = step_ns;
  record.facts.monitor_nanoseconds = monitor_ns;
  record.facts.backwards = backwards_;
  record.facts.operations = last_position_;
  record.facts.non_finite_loss = !state.loss_finite;
  record.facts.non_finite_gradient = !state.gradients_finite;
  record.facts.applied = applied;
  record.facts.weights_changed = static_cast<std::uint8_t>(state.between.weights_changed);
  record.facts.gradients_cleared = static_cast<std::uint8_t>(state.between.gradients_cleared);
  record.facts.training_mode = seen_.training_mode;
  push(record);
}

void TrainingWatch::push_forward() {
  auto& log = observer_->log();
  const auto slot = std::uint64_t{1} << subscription_->slot;
  for (const auto& entering : loss_view_.entering) {
    const auto place = log.find(entering.serial);
    const auto* placed = attribution_.find(entering.serial);
    if (!place || !placed) continue;
    const auto& output = place.segment->outputs_of(*place.operation)[entering.output];
    if (!output.measured || probes::is_promise(output.stats)) continue;
    Record record;
    record.phase = Phase::input;
    record.flags = entering.target ? trace::kTarget : 0;
    record.site = placed->site;
    record.position = placed->position;
    record.tensor = output.stats;
    push(record);
  }
  for (const auto& placed : attribution_.placed()) {
    const auto place = log.find(placed.serial);
    last_position_ = std::max(last_position_, placed.position);
    if (!place) continue;  // of a pass long before, told late
    const auto op_class = place.operation->info->traits.op_class;
    if (!placed.in_graph || placed.is_view || place.operation->external || op_class == trace::OpClass::loss) continue;
    if (place.operation->taken & slot) continue;  // a trunk that two losses share
    place.operation->taken |= slot;
    for (auto& output : place.segment->outputs_of(*place.operation)) {
      if (!output.measured || probes::is_promise(output.stats) || output.alias_of >= 0) continue;
      Record record;
      record.phase = Phase::forward;
      record.flags = placed.serial == loss_view_.prediction ? trace::kFeedsLoss : 0;
      record.site = placed.site;
      record.position = placed.position;
      record.tensor = output.stats;
      if (op_class == trace::OpClass::rectifier && record.tensor.units > 0)
        units_.update(placed.site, {place.segment->alive.data() + output.alive, record.tensor.units}, record.tensor);
      push(record);
      break;
    }
  }
}

void TrainingWatch::push_backward() {
  for (const auto& gradient : backward_.pass().gradients()) {
    const auto* placed = attribution_.find(gradient.serial);
    if (!placed || placed->is_view) continue;
    Record record;
    record.phase = Phase::backward;
    record.site = placed->site;
    record.position = last_position_ + 1 + gradient.order;
    record.tensor = gradient.stats;
    push(record);
  }
}

[[gnu::hot]] void TrainingWatch::push_loss(const StepState& state) {
  Record record;
  record.kind = RecordKind::loss;
  record.phase = Phase::loss;
  const auto* placed = state.observed ? attribution_.find(loss_view_.loss_serial) : nullptr;
  if (placed) loss_site_ = placed->site;
  record.site = loss_site_;
  record.position = last_position_ + 1;
  record.loss = {state.loss, 1};
  push(record);
}

void TrainingWatch::push_program() {
  auto program = session_.catalog().program();
  program.optimizer = optimizers_.settings().type;
  const auto& groups = optimizers_.groups();
  program.learning_rate = optimizers_.first_rate();
  program.momentum = groups.empty() ? 0 : groups[0].momentum;
  program.weight_decay = groups.empty() ? 0 : groups[0].weight_decay;
  program.groups.clear();
  for (const auto& group : groups)
    program.groups.push_back({group.type, group.learning_rate, group.momentum, group.weight_decay, {}});
  program.torch_version = probes::torch_version();
  program.told_task = options_.task;
  program.layers = program.parameters = 0;
  for (const auto& layer : modules_.layers()) program.layers += layer.has_parameters;
  // Parameters that are pieces of one buffer share its storage, but not their elements.
  std::map<std::tuple<const c10::StorageImpl*, std::int64_t, std::int64_t>, std::vector<std::string>> shared;
  for (std::size_t i = 0; i < modules_.parameter_count(); ++i) {
    const auto& parameter = modules_.parameters()[i];
    const auto impl = parameter.lock();
    if (!impl) continue;
    program.parameters += static_cast<std::uint64_t>(impl->numel());
    if (program.device.empty()) program.device = impl->device().str();
    if (const auto* group = optimizers_.group_of(impl.get()))
      program.groups[static_cast<std::size_t>(group - groups.data())].parameters.push_back(parameter.path);
    if (impl->has_storage())
      shared[{impl->storage().unsafeGetStorageImpl(), impl->storage_offset(), impl->numel()}].push_back(parameter.path);
  }
  program.tied.clear();
  for (auto& [memory, paths] : shared)
    if (paths.size() > 1) program.tied.push_back(std::move(paths));
  std::sort(program.tied.begin(), program.tied.end());  // addresses differ from run to run
  session_.catalog().set_program(std::move(program));
}

}  // namespace sonde::monitor
