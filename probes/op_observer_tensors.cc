// The tensors of an operation, as the log keeps them: where they came from, and what they were like.
#include <algorithm>
#include <cmath>

#include "probes/op_observer.h"
#include "probes/torch_version.h"

namespace sonde::probes {
namespace {

// Tensors outside the graph above this size are measured only when they enter it: they may be whole data sets.
constexpr std::int64_t kLargeOutsideGraph = 1 << 20;
constexpr std::uint32_t kMostOperands = 64;

const c10::StorageImpl* storage_of(const at::TensorImpl& impl) {
  return impl.has_storage() ? impl.storage().unsafeGetStorageImpl() : nullptr;
}

}  // namespace

void OpObserver::add_input(const c10::IValue& value) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) add_operand(value.toTensor());
  } else if (value.isDouble() || value.isInt() || value.isBool()) {
    const double number = value.isDouble() ? value.toDouble()
                          : value.isInt()  ? static_cast<double>(value.toInt())
                                           : value.toBool();
    pending_.infinite_scalar = pending_.infinite_scalar || !std::isfinite(number);
    scalars_.push_back(number);
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) {
      if (element.isTensor() && element.toTensor().defined())
        add_operand(element.toTensor());
      else if (element.isInt())
        scalars_.push_back(static_cast<double>(element.toInt()));
      else if (element.isDouble())
        scalars_.push_back(element.toDouble());
    }
  }
}

void OpObserver::add_operand(const at::Tensor& tensor) {
  if (operands_.size() >= kMostOperands) return;
  const auto& impl = *tensor.unsafeGetTensorImpl();
  Operand operand;
  operand.tensor = &impl;
  operand.storage = storage_of(impl);
  operand.floating = is_floating(impl);
  operand.requires_grad = impl.requires_grad();
  operand.leaf = operand.requires_grad && grad_fn_of(&impl) == nullptr;
  operand.shape = shape_of(impl);
  auto producer = log_.producer_of(&impl);
  // What no operation made is from outside; such tensors are noted anew in each segment, for they may be written between.
  const auto known = producer.serial == kNoProducer ? OpLog::Place{} : log_.find(producer.serial);
  if (!known || (known.operation->external && producer.serial < log_.current().base))
    producer = {add_external(tensor), 0};
  operand.producer = producer.serial;
  operand.output = producer.output;
  operands_.push_back(operand);
}

std::uint64_t OpObserver::add_external(const at::Tensor& tensor) {
  static const OpInfo kOutside{"input", {}, false};
  auto& segment = log_.current();
  const auto& impl = *tensor.unsafeGetTensorImpl();
  Operation op;
  op.serial = log_.next_serial();
  op.info = &kOutside;
  op.external = true;
  op.first_node = op.end_node = at::sequence_number::peek();
  op.first_output = static_cast<std::uint32_t>(segment.outputs.size());
  op.outputs = 1;
  segment.operations.push_back(op);
  segment.outputs.emplace_back();
  auto& output = segment.outputs.back();
  output.tensor = WeakTensor(tensor.getIntrusivePtr());
  output.identity = &impl;
  output.storage = storage_of(impl);
  output.node = grad_fn_of(&impl);
  output.floating = is_floating(impl);
  output.requires_grad = impl.requires_grad();
  output.shape = shape_of(impl);
  output.version = version_of(&impl);
  output.dtype = dtype_name(impl);
  output.dtype_max = dtype_max(impl);
  log_.set_producer(&impl, {op.serial, 0});
  return op.serial;
}

// Tensors that enter the graph here: batches, targets, masks, the outputs of functions nobody could observe.
void OpObserver::measure_entering_operands() {
  for (const auto& operand : operands_) {
    if (operand.leaf || (operand.storage && is_state(operand.storage))) continue;
    const auto place = log_.find(operand.producer);
    if (!place || operand.output >= place.operation->outputs) continue;
    auto& output = place.segment->outputs_of(*place.operation)[operand.output];
    const bool written_since = output.identity == operand.tensor && output.version != version_of(operand.tensor);
    if (written_since) {
      output.measured = false;
      output.rewritten = true;
      output.finite = Finite::unknown;
      output.version = version_of(operand.tensor);
    }
    if (!output.measured) ensure_measured(output);
  }
}

bool OpObserver::ensure_measured(Output& output) {
  if (output.measured) return true;
  const auto tensor = output.tensor.lock();
  if (!tensor || version_of(tensor.get()) != output.version) return false;
  trace::TensorStats stats;
  if (meter_.measure(*tensor, {}, stats) != nullptr) return false;
  output.stats = stats;
  output.finite = finiteness(stats);
  output.measured = true;
  return true;
}

// Memory is also written by no operation, and then its version stays the same.
void OpObserver::look_again(Output& output) {
  if (output.finite != Finite::finite) return;
  const auto tensor = output.tensor.lock();
  trace::TensorStats stats;
  if (!tensor || meter_.measure(*tensor, {}, stats) != nullptr || finiteness(stats) == Finite::finite) return;
  output.stats = stats;
  output.finite = finiteness(stats);
  output.written_unseen = true;
}

void OpObserver::add_output(Operation& op, const at::Tensor& tensor) {
  auto& segment = log_.current();
  const auto& impl = *tensor.unsafeGetTensorImpl();
  const auto* storage = storage_of(impl);
  int alias = -1;
  for (std::size_t i = 0; i < operands_.size() && alias < 0; ++i) {
    if (operands_[i].tensor == &impl && !op.info->traits.in_place) return;  // handed through: x.to(its own type)
    if (storage && operands_[i].storage == storage && !op.info->traits.in_place) alias = static_cast<int>(i);
  }
  segment.outputs.emplace_back();
  auto& output = segment.outputs.back();
  output.tensor = WeakTensor(tensor.getIntrusivePtr());
  output.identity = &impl;
  output.storage = storage;
  output.node = grad_fn_of(&impl);
  output.version = version_of(&impl);
  output.alias_of = alias;
  output.requires_grad = impl.requires_grad();
  output.floating = is_floating(impl);
  output.shape = shape_of(impl);
  output.dtype = dtype_name(impl);
  output.dtype_max = dtype_max(impl);
  log_.set_producer(&impl, {op.serial, static_cast<std::uint32_t>(segment.outputs.size() - 1 - op.first_output)});
  if (!output.floating) {
    output.finite = Finite::finite;
    return;
  }
  if (op.info->traits.uninitialised) return;
  if (alias >= 0) {
    const auto& base = operands_[static_cast<std::size_t>(alias)];
    const auto place = log_.find(base.producer);
    if (!place || base.output >= place.operation->outputs) return;  // a view of a parameter
    const auto& made = place.segment->outputs_of(*place.operation)[base.output];
    output.unit_dimension = impl.dim() == made.shape.dimensions ? made.unit_dimension : -1;
    // A view of finite memory is finite; of other memory it has to be looked at.
    if (made.finite == Finite::finite && made.version == output.version) {
      output.finite = Finite::finite;
      return;
    }
    // What a device has been asked of all elements need not be asked again.
    if (made.measured && is_promise(made.stats) && made.version == output.version &&
        made.shape.elements == output.shape.elements) {
      output.stats = made.stats;
      output.measured = true;
      return;
    }
  }
  if (!output.requires_grad && output.shape.elements > kLargeOutsideGraph) return;

  output.unit_dimension = alias >= 0 ? output.unit_dimension : unit_dimension_of(op, impl);
  TensorMeter::Request request;
  request.tails = op.info->traits.tails;
  const bool rectifier = op.info->traits.op_class == trace::OpClass::rectifier;
  if (alias < 0 && op.info->traits.counts_units && output.unit_dimension >= 0 && (rectifier || unit_spread_)) {
    request.unit_dimension = output.unit_dimension;
    if (rectifier) {
      output.counts_life = true;
      output.alive = static_cast<std::uint32_t>(segment.alive.size());
      segment.alive.resize(segment.alive.size() +
                               static_cast<std::size_t>(impl.sizes()[static_cast<std::size_t>(output.unit_dimension)]),
                           0);
      request.alive = segment.alive.data() + output.alive;
    }
  }
  if (meter_.measure(impl, request, output.stats) == nullptr) {
    output.measured = true;
    output.finite = finiteness(output.stats);
  }
}

// Channels are dimension 1; only of sequences (N, T, F), which no convolution made, they are the last one.
int OpObserver::unit_dimension_of(const Operation& op, const at::TensorImpl& impl) {
  const auto dimensions = impl.dim();
  if (dimensions < 2 || dimensions > 5) return -1;
  if (dimensions != 3) return 1;
  if (op.info->traits.op_class == trace::OpClass::convolution) return 1;
  for (const auto& operand : operands_) {
    const auto place = log_.find(operand.producer);
    if (!place || operand.output >= place.operation->outputs) continue;
    const auto& made = place.segment->outputs_of(*place.operation)[operand.output];
    if (made.shape.dimensions == 3 && made.unit_dimension >= 0) return made.unit_dimension;
  }
  return 2;
}

}  // namespace sonde::probes
