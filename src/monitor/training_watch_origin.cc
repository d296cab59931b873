// Records of RecordKind::origin: each gets a site of its own, with the call stack of the very operation.
#include <cmath>
#include <limits>

#include "monitor/training_watch.h"
#include "probes/torch_version.h"

namespace sonde::monitor {
namespace {

using probes::OpLog;
using trace::OriginFacts;
using trace::OriginKind;
using trace::Record;
using trace::RecordKind;

OriginFacts::Operand operand_of(const trace::TensorStats& stats) {
  const auto share = stats.count > 0 ? static_cast<float>(stats.zeros) / static_cast<float>(stats.count) : 0.0F;
  return {static_cast<float>(stats.min), static_cast<float>(stats.max), share};
}

void fill_output(const trace::TensorStats& stats, double dtype_max, OriginFacts& facts) {
  facts.count = stats.count;
  facts.nan = stats.nan;
  facts.positive_infinity = stats.positive_infinity;
  facts.negative_infinity = stats.negative_infinity;
  facts.lower = static_cast<float>(stats.min);
  facts.upper = static_cast<float>(stats.max);
  facts.dtype_max = static_cast<float>(dtype_max);
}

// The first two tensor inputs of an operation, as far as their statistics are known.
void fill_inputs(probes::OpObserver& observer, OpLog::Place place, std::size_t first, OriginFacts& facts) {
  for (const auto& operand : place.segment->operands_of(*place.operation)) {
    if (first >= 2) break;
    if (!operand.floating) continue;
    const auto source = observer.log().find(operand.producer);
    if (!source || operand.output >= source.operation->outputs) continue;
    auto& output = source.segment->outputs_of(*source.operation)[operand.output];
    const bool was_measured = output.measured || observer.ensure_measured(output);
    if (!was_measured || probes::is_promise(output.stats)) continue;
    facts.operand[first++] = operand_of(output.stats);
    facts.operands = static_cast<std::uint16_t>(first);
  }
}

// A view's inputs are those of what it is a view of.
OpLog::Place behind_views(OpLog& log, OpLog::Place place) {
  for (int steps = 0; steps < 100 && place && place.operation->info->traits.op_class == trace::OpClass::view; ++steps) {
    const auto operands = place.segment->operands_of(*place.operation);
    if (operands.empty()) break;
    const auto next = log.find(operands[0].producer);
    if (!next || next.operation->external) break;
    place = next;
  }
  return place;
}

trace::Site copy_of(const trace::Catalog& catalog, const probes::PlacedOp* placed, OpLog::Place place) {
  trace::Site site;
  if (placed) site = catalog.site(placed->site);
  if (site.operation.empty()) {
    site.operation = place.operation->info->name;
    site.op_class = place.operation->info->traits.op_class;
  }
  const auto frames = place.segment->frames_of(*place.operation);
  if (!frames.empty()) site.frames.assign(frames.begin(), frames.end());
  return site;
}

}  // namespace

bool TrainingWatch::push_forward_origin() {
  if (attribution_.placed().empty()) return false;
  return push_forward_origin(probes::find_forward_origin(*observer_, attribution_.placed().back().serial, 0), true);
}

bool TrainingWatch::push_forward_origin(const probes::ForwardOrigin& origin, bool via_loss) {
  auto& log = observer_->log();
  if (origin.kind == OriginKind::unknown) return false;
  const auto place = log.find(origin.serial);
  if (!place) return false;

  Record record;
  record.kind = RecordKind::origin;
  record.phase = Phase::forward;
  record.origin = {};
  record.origin.kind = origin.kind;
  record.origin.via_loss = via_loss;
  record.origin.reached = origin.reached;
  const auto* placed = attribution_.find(origin.serial);
  auto site = copy_of(session_.catalog(), placed, place);
  record.position = placed ? placed->position : 0;
  // A value put into the data by hand comes from outside as much as a bad batch does.
  const bool given =
      origin.kind == OriginKind::operation && place.operation->infinite_scalar && !(placed && placed->in_graph);
  const auto source = log.find(origin.source);
  if (origin.kind == OriginKind::input || origin.kind == OriginKind::weight) {
    record.phase = origin.kind == OriginKind::input ? Phase::input : Phase::weight;
    if (source) {
      const auto& output = source.segment->outputs_of(*source.operation)[origin.output];
      fill_output(output.stats, output.dtype_max, record.origin);
    }
    for (std::size_t i = 0; i < modules_.parameters().size(); ++i)
      if (origin.kind == OriginKind::weight && modules_.parameters()[i].identity == origin.weight) {
        site.layer = modules_.layers()[static_cast<std::size_t>(modules_.parameters()[i].layer)].path;
        site.parameter = modules_.parameters()[i].name;
      }
  } else {
    const auto outputs = place.segment->outputs_of(*place.operation);
    if (origin.output < outputs.size()) {
      const auto& output = outputs[origin.output];
      fill_output(output.stats, output.dtype_max, record.origin);
      // Of a function that ran no operation anybody could see, the node of its output knows the name.
      if (place.operation->external) {
        const auto tensor = output.tensor.lock();
        if (const auto* node = tensor ? probes::grad_fn_of(tensor.get()) : nullptr) site.operation = node->name();
      }
    }
    fill_inputs(*observer_, place, 0, record.origin);
  }
  if (given) {
    record.origin.kind = OriginKind::input;
    record.phase = Phase::input;
  }
  record.site = session_.catalog().add(std::move(site));
  push(record);
  explained_step_ = step_;
  return true;
}

void TrainingWatch::push_backward_origin() {
  auto& log = observer_->log();
  const auto origin = backward_.pass().origin();
  // A gradient that met an infinity or NaN of the forward pass: that one came first.
  if (push_forward_origin(probes::find_operand_origin(*observer_, origin.serial), false)) return;
  Record record;
  record.kind = RecordKind::origin;
  record.phase = Phase::backward;
  record.origin = {};
  record.origin.kind = OriginKind::node;
  record.origin.reached = origin.reached;
  fill_output(origin.made, origin.dtype_max, record.origin);
  record.origin.operands = 1;
  record.origin.operand[0] = operand_of(origin.incoming);
  record.position = last_position_ + 2;

  trace::Site site;
  auto place = log.find(origin.serial);
  if (!place) place = log.find_inside_function(origin.sequence_number);
  if (place) {
    site = copy_of(session_.catalog(), attribution_.find(place.operation->serial), place);
    fill_inputs(*observer_, behind_views(log, place), 1, record.origin);
  }
  site.operation = origin.node;
  record.site = session_.catalog().add(std::move(site));
  push(record);
  explained_step_ = step_;
}

void TrainingWatch::push_unknown_origin(Phase phase, int parameter) {
  Record record;
  record.kind = RecordKind::origin;
  record.phase = phase;
  record.site = parameter >= 0 ? attribution_.parameter_site(parameter) : loss_site_;
  record.position = last_position_ + 2;
  record.origin = {};
  record.origin.kind = OriginKind::unknown;
  record.origin.via_loss = phase == Phase::loss;
  push(record);
}

}  // namespace sonde::monitor
