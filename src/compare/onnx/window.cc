#include "compare/onnx/window.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace sonde::compare::onnx {

Window window_of(const Call& call, at::IntArrayRef spatial, Sizes kernel) {
  const std::size_t n = spatial.size();
  Window window{.kernel = call.integers("kernel_shape", std::move(kernel)),
                .stride = call.integers("strides", Sizes(n, 1)),
                .dilation = call.integers("dilations", Sizes(n, 1)),
                .before = Sizes(n, 0),
                .after = Sizes(n, 0)};
  const std::string how = call.text("auto_pad", "NOTSET");
  const Sizes pads = call.integers("pads", Sizes(2 * n, 0));
  if (window.kernel.size() != n || window.stride.size() != n || window.dilation.size() != n || pads.size() != 2 * n)
    call.fail("kernel, strides, dilations or pads are not for " + std::to_string(n) + " spatial dimensions");
  for (std::size_t d = 0; d < n; ++d) {
    if (window.stride[d] < 1 || window.dilation[d] < 1 || window.kernel[d] < 1)
      call.fail("kernel, strides and dilations are at least 1");
    if (how == "NOTSET" || how.empty()) {
      window.before[d] = pads[d];
      window.after[d] = pads[n + d];
    } else if (how != "VALID") {
      const std::int64_t out = (spatial[d] + window.stride[d] - 1) / window.stride[d];
      const std::int64_t reach = (window.kernel[d] - 1) * window.dilation[d] + 1;
      const std::int64_t total = std::max<std::int64_t>((out - 1) * window.stride[d] + reach - spatial[d], 0);
      window.before[d] = how == "SAME_LOWER" ? total - total / 2 : total / 2;
      window.after[d] = total - window.before[d];
    }
  }
  return window;
}

at::Tensor padded(const at::Tensor& x, const Window& window, double value) {
  Sizes pads;  // ATen's: from the last dimension on, before and after
  for (std::size_t d = window.dimensions(); d-- > 0;) pads.insert(pads.end(), {window.before[d], window.after[d]});
  return at::constant_pad_nd(x, pads, value);
}

}  // namespace sonde::compare::onnx
