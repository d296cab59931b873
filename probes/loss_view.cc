#include "probes/loss_view.h"

#include <algorithm>
#include <cmath>

namespace sonde::probes {
namespace {

using trace::OpClass;

bool is_constant_factory(const OpInfo& info) {
  if (!info.traits.factory) return false;
  const auto& name = info.name;
  return name.find("rand") == std::string::npos && name.find("normal") == std::string::npos &&
         name.find("bernoulli") == std::string::npos;
}

const Output* output_of(OpLog& log, std::uint64_t serial, std::uint32_t index) {
  const auto place = log.find(serial);
  if (!place || index >= place.operation->outputs) return nullptr;
  return &place.segment->outputs_of(*place.operation)[index];
}

const Operand* first_flowing(OpLog::Place place) {
  const auto operands = place.segment->operands_of(*place.operation);
  for (const auto& operand : operands)
    if (operand.requires_grad && !operand.leaf && operand.floating) return &operand;
  for (const auto& operand : operands)
    if (operand.floating && !operand.leaf) return &operand;
  return nullptr;
}

// Back over views and the arithmetic of a hand-written loss to what the model gave out.
std::uint64_t model_output(OpLog& log, const Attribution& attribution, std::uint64_t serial) {
  for (int steps = 0; steps < 1000; ++steps) {
    const auto place = log.find(serial);
    const auto* placed = attribution.find(serial);
    if (!place || !placed || place.operation->external) return serial;
    const auto op_class = place.operation->info->traits.op_class;
    const bool arithmetic = placed->is_view || op_class == OpClass::pointwise || op_class == OpClass::reduction ||
                            op_class == OpClass::copy;
    if (placed->uses_parameters || !arithmetic) return serial;
    const auto* operand = first_flowing(place);
    if (!operand) return serial;
    serial = operand->producer;
  }
  return serial;
}

}  // namespace

LossView view_loss(OpLog& log, const Attribution& attribution, const std::vector<PlacedOp>& placed) {
  LossView view;
  if (placed.empty()) return view;
  view.loss_serial = placed.back().serial;
  std::uint32_t last_layer = 0;
  for (const auto& op : placed) {
    if (!op.in_graph) continue;
    if (op.uses_parameters) last_layer = op.position;
    const auto place = log.find(op.serial);
    if (!place.operation->external && place.operation->info->traits.op_class == OpClass::loss) {
      view.loss_serial = op.serial;
      view.known_loss = true;
    }
  }
  std::uint64_t hash = 0;
  for (const auto& op : placed) {
    const auto place = log.find(op.serial);
    if (!op.in_graph || place.operation->external) continue;
    for (const auto& operand : place.segment->operands_of(*place.operation)) {
      if (operand.leaf || operand.requires_grad || operand.shape.elements == 0) continue;
      const auto* source = attribution.find(operand.producer);
      const auto made = log.find(operand.producer);
      if (!source || !made || source->uses_parameters ||
          (!made.operation->external && made.operation->info->traits.factory &&
           is_constant_factory(*made.operation->info)))
        continue;
      const bool known = std::any_of(view.entering.begin(), view.entering.end(), [&](const EnteringTensor& e) {
        return e.serial == operand.producer && e.output == operand.output;
      });
      if (known) continue;
      view.entering.push_back({operand.producer, operand.output, op.position, op.position > last_layer});
      if (const auto& output = made.segment->outputs_of(*made.operation)[operand.output]; true) {
        if (const auto tensor = output.tensor.lock()) hash = hash * 0x100000001b3U ^ probe_hash(*tensor);
        if (view.batch_size == 0 && output.shape.dimensions > 0)
          view.batch_size = static_cast<std::uint64_t>(output.shape.sizes[0]);
      }
    }
  }
  view.fingerprint = hash;

  if (view.known_loss) {
    const auto place = log.find(view.loss_serial);
    const auto operands = place.segment->operands_of(*place.operation);
    for (auto& entering : view.entering)
      entering.target = std::any_of(operands.begin(), operands.end(),
                                    [&](const Operand& operand) { return operand.producer == entering.serial; });
  }
  // What else enters after the last layer is neither input nor target: masks, weights of samples, advantages, the
  // statistics of a network that only passes gradients on (the other half of a GAN).
  std::erase_if(view.entering, [&](const EnteringTensor& e) { return e.position > last_layer && !e.target; });

  // The prediction stands beside the target; without one, where the loss begins.
  for (const auto& op : placed) {
    const auto place = log.find(op.serial);
    if (!op.in_graph || place.operation->external || op.position <= last_layer) continue;
    const auto operands = place.segment->operands_of(*place.operation);
    const bool beside_target = std::any_of(operands.begin(), operands.end(), [&](const Operand& operand) {
      return std::any_of(view.entering.begin(), view.entering.end(),
                         [&](const EnteringTensor& e) { return e.target && e.serial == operand.producer; });
    });
    // A mask may come from outside too; where the loss is known, only what enters it counts.
    if (view.known_loss ? op.serial != view.loss_serial : !beside_target) continue;
    if (const auto* operand = first_flowing(place)) view.prediction = model_output(log, attribution, operand->producer);
    break;
  }
  return view;
}

namespace {

constexpr std::size_t kMostElements = std::size_t{1} << 16;  // read for columns and labels, once
constexpr std::size_t kMostFeatures = 256;
constexpr std::size_t kLabelSample = 4096;

std::uint64_t count_distinct(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return static_cast<std::uint64_t>(std::unique(values.begin(), values.end()) - values.begin());
}

// The first input, if it is floating, has rows and columns, and not too many.
const Output* table_input(OpLog& log, const LossView& loss) {
  for (const auto& entering : loss.entering) {
    const auto* input = output_of(log, entering.serial, entering.output);
    if (entering.target || !input || !input->floating || input->shape.dimensions != 2) continue;
    const auto columns = static_cast<std::size_t>(input->shape.sizes[1]);
    const bool fits = columns > 0 && columns <= kMostFeatures && input->shape.sizes[0] >= 2 &&
                      static_cast<std::size_t>(input->shape.elements) <= kMostElements;
    return fits ? input : nullptr;
  }
  return nullptr;
}

const Output* target_of(OpLog& log, const LossView& loss) {
  for (const auto& entering : loss.entering)
    if (entering.target)
      if (const auto* target = output_of(log, entering.serial, entering.output)) return target;
  return nullptr;
}

// The columns of the first two-dimensional floating input.
void describe_features(OpLog& log, const LossView& loss, const std::vector<double>& values,
                       std::vector<FeatureFacts>& features) {
  const auto* input = table_input(log, loss);
  if (!input || values.size() != static_cast<std::size_t>(input->shape.elements)) return;
  const auto columns = static_cast<std::size_t>(input->shape.sizes[1]);
  const auto rows = static_cast<double>(input->shape.sizes[0]);
  for (std::size_t c = 0; c < columns; ++c) {
    FeatureFacts facts{values[c], values[c], 0, 0};
    for (std::size_t i = c; i < values.size(); i += columns) {
      facts.min = std::min(facts.min, values[i]);
      facts.max = std::max(facts.max, values[i]);
      facts.mean += values[i] / rows;
    }
    for (std::size_t i = c; i < values.size(); i += columns)
      facts.deviation += (values[i] - facts.mean) * (values[i] - facts.mean) / rows;
    facts.deviation = facts.min == facts.max ? 0 : std::sqrt(facts.deviation);
    features.push_back(facts);
  }
}

// Labels are of type long; the first ones will do.
void read_labels(const at::TensorImpl& impl, std::vector<double>& values) {
  if (!impl.is_cpu() || impl.layout() != at::kStrided || !impl.is_contiguous() ||
      c10::typeMetaToScalarType(impl.dtype()) != at::kLong)
    return;
  const auto* labels = static_cast<const std::int64_t*>(impl.data());
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(impl.numel()), kLabelSample);
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(labels[i]));
}

}  // namespace

BatchSample sample_batch(OpObserver& observer, const LossView& loss) {
  BatchSample sample;
  auto& device = observer.device();
  const auto take = [&](const Output* output, std::size_t limit, std::vector<double>& values, auto& promised) {
    if (!output) return;
    const auto tensor = output->tensor.lock();
    if (!tensor) return;
    if (device.takes(*tensor))
      promised = device.enqueue_elements(*tensor, limit);
    else if (output->floating)
      sample_elements(*tensor, limit, values);
    else
      read_labels(*tensor, values);
  };
  take(table_input(observer.log(), loss), kMostElements, sample.input, sample.promised_input);
  take(target_of(observer.log(), loss), kLabelSample, sample.target, sample.promised_target);
  return sample;
}

void keep_sample(DeviceStatistics& device, BatchSample& sample) {
  (void)device.keep_elements(sample.promised_input, sample.input);
  (void)device.keep_elements(sample.promised_target, sample.target);
}

void describe_loss(OpLog& log, const Attribution& attribution, const LossView& loss, BatchSample& sample,
                   trace::Program& program) {
  if (loss.loss_serial == kNoProducer) return;
  const auto place = log.find(loss.loss_serial);
  program.loss_operation = loss.known_loss ? place.operation->info->name : "";
  program.loss_reduction = -1;
  program.prediction_site = 0;
  program.prediction_shape.clear();
  program.target_shape.clear();
  program.target_dtype.clear();
  program.target_min = program.target_max = 0;
  program.target_integral = program.target_one_hot = false;
  program.target_distinct = 0;
  if (program.features.empty()) describe_features(log, loss, sample.input, program.features);
  if (loss.known_loss) {
    // The reduction is the first integer after the tensors in every loss of LibTorch that has one as ...(prediction,
    // target, [weight,] reduction, ...), but for those that carry a margin or a p before it.
    const auto scalars = place.segment->scalars_of(*place.operation);
    const auto it = std::find_if(scalars.begin(), scalars.end(), [](double s) { return s == 0 || s == 1 || s == 2; });
    program.loss_reduction = it == scalars.end() ? -1 : static_cast<int>(*it);
  }
  const auto* prediction = output_of(log, loss.prediction, 0);
  if (const auto* placed = attribution.find(loss.prediction)) program.prediction_site = placed->site;
  if (prediction) program.prediction_shape = prediction->shape.vector();

  const auto* target = target_of(log, loss);
  if (!target) return;
  program.target_shape = target->shape.vector();
  program.target_dtype = target->dtype;
  const auto& stats = target->stats;
  program.target_integral = !target->floating;
  if (target->measured) {
    program.target_min = stats.min;
    program.target_max = stats.max;
  }
  auto& values = sample.target;
  if (target->floating && !values.empty()) {
    program.target_integral = std::all_of(values.begin(), values.end(), [](double v) { return v == std::floor(v); });
    const bool zeros_and_ones = target->measured && program.target_integral && stats.min >= 0 && stats.max <= 1;
    program.target_one_hot = zeros_and_ones && target->shape.dimensions == 2 && target->shape.sizes[1] > 1 &&
                             std::abs(stats.mean * static_cast<double>(target->shape.sizes[1]) - 1) < 1e-9;
  }
  if (program.target_integral) program.target_distinct = count_distinct(values);
}

}  // namespace sonde::probes
