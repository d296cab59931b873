// Where a non-finite value in the forward pass came from: a walk along the data flow, back from the loss.
//
// Rules (probes.md 6 has the measured failures of the plain "finite inputs, non-finite output"):
//  * only what reaches the loss counts, so a masked infinity nobody uses is no fault;
//  * an infinity that was put in on purpose (a masked_fill of -inf, a mask from outside into a softmax) is no origin;
//    what turns it into a NaN is;
//  * what no operation wrote came from outside, also when an operation made the tensor;
//  * memory of an empty() means nothing until written; the writer is looked for;
//  * where an input can no longer be looked at, the answer is "unknown", never a guess.
#pragma once

#include <cstdint>

#include "probes/op_observer.h"
#include "trace/record.h"

namespace sonde::probes {

struct ForwardOrigin {
  trace::OriginKind kind = trace::OriginKind::unknown;
  std::uint64_t serial = kNoProducer;      // the operation; for inputs and weights the one that used them
  std::uint32_t output = 0;                // which of its outputs is bad
  const at::TensorImpl* weight = nullptr;  // identity of the bad parameter (kind weight)
  std::uint64_t source = kNoProducer;      // the external tensor (kind input or weight)
  std::uint32_t reached = 0;               // operations on the way to the loss that were not finite
};

// `serial` and `output` name a non-finite output in the observer's log (usually that of the loss).
[[nodiscard]] ForwardOrigin find_forward_origin(OpObserver& observer, std::uint64_t serial, std::uint32_t output);

// Where the worst operand of an operation got its non-finite values; for gradients that meet them on the way back.
// Unknown if its operands are finite, or the infinity was put in on purpose.
[[nodiscard]] ForwardOrigin find_operand_origin(OpObserver& observer, std::uint64_t serial);

}  // namespace sonde::probes
