#include "probes/forward_origin.h"

#include <algorithm>
#include <vector>

namespace sonde::probes {
namespace {

using trace::OpClass;
using trace::OriginKind;

bool is_bad(Finite f) { return f == Finite::infinite || f == Finite::nan; }

class Walk {
 public:
  explicit Walk(OpObserver& observer) : observer_(observer), log_(observer.log()) {}

  ForwardOrigin from_operands(std::uint64_t serial) {
    const auto place = log_.find(serial);
    if (!place || place.operation->external) return unknown({});
    const auto next = worst_operand(place, Finite::nan);
    if (!next.operand || (next.finite == Finite::infinite && meant(*next.operand, place))) return unknown({});
    return from(next.operand->producer, next.operand->output, serial);
  }

  // `user` is the operation that the walk comes from.
  ForwardOrigin from(std::uint64_t serial, std::uint32_t output, std::uint64_t user = kNoProducer) {
    ForwardOrigin result;
    result.serial = user;
    for (;; ++result.reached) {
      if (result.reached > 100000) return unknown(result);
      const auto place = log_.find(serial);
      if (!place || output >= place.operation->outputs) return unknown(result);
      auto& made = place.segment->outputs_of(*place.operation)[output];
      if (place.operation->external) return external(result, serial, made);
      if (made.written_unseen) {
        result.kind = OriginKind::input;
        result.source = serial;
        result.output = output;
        return result;
      }
      if (made.rewritten || place.operation->info->traits.uninitialised) {
        if (const auto writer = writer_of(made.storage, serial); writer != kNoProducer && writer != serial) {
          result.serial = serial = writer;
          output = 0;
          continue;
        }
        if (place.operation->info->traits.uninitialised) {
          result.kind = OriginKind::uninitialised;
          result.serial = serial;
          result.output = output;
          return result;
        }
      }
      const auto next = worst_operand(place, made.finite);
      if (next.unknown) return unknown(result);
      if (!next.operand) return here(result, serial, output);
      // A NaN from an infinity that was meant is made here; else the infinity is where it began.
      if (made.finite == Finite::nan && next.finite == Finite::infinite && meant(*next.operand, place))
        return here(result, serial, output);
      result.serial = serial;  // the user of what comes next
      output = next.operand->output;
      serial = next.operand->producer;
    }
  }

 private:
  struct Choice {
    const Operand* operand = nullptr;
    Finite finite = Finite::finite;
    bool unknown = false;
  };

  static ForwardOrigin unknown(ForwardOrigin result) {
    result.kind = OriginKind::unknown;
    return result;
  }
  static ForwardOrigin here(ForwardOrigin result, std::uint64_t serial, std::uint32_t output) {
    result.kind = OriginKind::operation;
    result.serial = serial;
    result.output = output;
    return result;
  }

  // `result.serial` is the operation that used it.
  static ForwardOrigin external(ForwardOrigin result, std::uint64_t serial, const Output& made) {
    result.source = serial;
    result.weight = made.identity;
    if (!made.requires_grad)
      result.kind = OriginKind::input;
    else if (made.node == nullptr)
      result.kind = OriginKind::weight;
    else
      result.kind = OriginKind::operation;  // of a function nobody could observe: the node names it
    if (result.kind == OriginKind::operation) result.serial = serial;
    return result;
  }

  Finite look(const Operand& operand) {
    if (!operand.floating) return Finite::finite;
    const auto place = log_.find(operand.producer);
    if (!place || operand.output >= place.operation->outputs) return Finite::unknown;
    auto& made = place.segment->outputs_of(*place.operation)[operand.output];
    if (made.finite == Finite::unknown) observer_.ensure_measured(made);
    return made.finite;
  }

  // NaN inputs explain a NaN best; then infinities. In place, the first operand is what was overwritten.
  Choice worst_operand(OpLog::Place place, Finite made) {
    Choice infinite, lost;
    const auto operands = place.segment->operands_of(*place.operation);
    for (const auto& operand : operands) {
      const auto finite = look(operand);
      if (finite == Finite::nan && made == Finite::nan) return {&operand, finite, false};
      if (is_bad(finite) && !infinite.operand) infinite = {&operand, finite, false};
      if (finite == Finite::unknown && !place.operation->info->traits.in_place) lost.unknown = true;
    }
    return infinite.operand ? infinite : lost;
  }

  // Was the infinity of this operand of `user` put there on purpose?
  bool meant(const Operand& operand, OpLog::Place user) {
    const bool masks = user.operation->info->traits.op_class == OpClass::softmax ||
                       user.operation->info->traits.op_class == OpClass::log_softmax ||
                       user.operation->info->traits.op_class == OpClass::attention ||
                       user.operation->info->name == "aten::logsumexp";
    auto serial = operand.producer;
    auto output = operand.output;
    for (int steps = 0; steps < 1000; ++steps) {
      const auto place = log_.find(serial);
      if (!place || output >= place.operation->outputs) return false;
      const auto& op = *place.operation;
      const auto& made = place.segment->outputs_of(op)[output];
      if (op.external) return masks && made.stats.positive_infinity == 0;
      if (op.infinite_scalar) return true;
      const auto next = worst_operand(place, made.finite);
      if (!next.operand) return op.info->traits.factory;
      serial = next.operand->producer;
      output = next.operand->output;
    }
    return false;
  }

  // The last operation before the memory was used that wrote something bad into it through a view.
  std::uint64_t writer_of(const c10::StorageImpl* storage, std::uint64_t made_by) {
    std::uint64_t found = kNoProducer;
    for (auto serial = made_by + 1; serial < log_.next_serial(); ++serial) {
      const auto place = log_.find(serial);
      if (!place || !place.operation->info->traits.in_place) continue;
      const auto outputs = place.segment->outputs_of(*place.operation);
      if (!outputs.empty() && outputs[0].storage == storage && is_bad(outputs[0].finite)) found = serial;
    }
    return found;
  }

  OpObserver& observer_;
  OpLog& log_;
};

}  // namespace

ForwardOrigin find_operand_origin(OpObserver& observer, std::uint64_t serial) {
  return Walk(observer).from_operands(serial);
}

ForwardOrigin find_forward_origin(OpObserver& observer, std::uint64_t serial, std::uint32_t output) {
  return Walk(observer).from(serial, output);
}

}  // namespace sonde::probes
