#include "probes/cuda/reduce.h"

#include <ATen/Functions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "probes/cuda/kernel.h"
#include "probes/statistics_layout.h"

namespace sonde::probes::cuda {
namespace {

Element element_of(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return Element::float64;
    case at::kHalf:
      return Element::float16;
    case at::kBFloat16:
      return Element::bfloat16;
    default:
      return Element::float32;
  }
}

}  // namespace

bool can_reduce(const at::Tensor& tensor) {
  const auto type = tensor.scalar_type();
  return tensor.is_cuda() && (type == at::kFloat || type == at::kDouble || type == at::kHalf || type == at::kBFloat16);
}

at::Tensor reduce(const at::Tensor& tensor, const Tails* tails, int unit_dimension) {
  const c10::cuda::CUDAGuard guard(tensor.device());
  const auto sizes = tensor.sizes(), strides = tensor.strides();
  const Layout layout = make_layout(
      {nullptr, ScalarType::float32, {sizes.data(), sizes.size()}, {strides.data(), strides.size()}}, unit_dimension);
  Walk walk;
  walk.data = tensor.data_ptr();
  walk.element = element_of(tensor.scalar_type());
  walk.elements = layout.elements / layout.repeat;
  walk.dimensions = static_cast<int>(layout.count);
  walk.unit = layout.unit;
  for (std::size_t d = 0; d < layout.count; ++d) {
    walk.sizes[d] = layout.storage[d].size;
    walk.strides[d] = layout.storage[d].stride;
  }
  if (tails) {
    walk.low = tails->low;
    walk.high = tails->high;
  }
  const std::int64_t units = layout.unit < 0 ? 0 : layout.storage[static_cast<std::size_t>(layout.unit)].size;
  const auto options = tensor.options().dtype(at::kDouble);
  const auto row = at::empty({kTotals + units}, options);
  const auto partials = at::empty({blocks_for(walk.elements) * kTotals}, options);
  const auto stream = c10::cuda::getCurrentCUDAStream(tensor.device().index());
  const int error = launch(walk, row.data_ptr<double>(), units, partials.data_ptr<double>(), stream.stream());
  TORCH_CHECK(error == 0, "sonde: the statistics kernel could not be launched, CUDA error ", error);
  return row;
}

}  // namespace sonde::probes::cuda
