#include "probes/device_reductions.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <ATen/Functions.h>

#ifdef SONDE_WITH_CUDA
#include "probes/cuda/reduce.h"
#endif

namespace sonde::probes {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 20;  // elements, of which a few copies as doubles are made
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The totals of a chunk, as kTotals doubles.
at::Tensor totals_of_chunk(const at::Tensor& chunk, const Tails* tails) {
  const at::Tensor x = chunk.to(at::kDouble);
  const at::Tensor positive = x.eq(kInfinity).sum();
  const at::Tensor negative = x.eq(-kInfinity).sum();
  at::Tensor beyond = at::zeros_like(positive);
  // Infinities lie beyond any tails, and are counted elsewhere.
  if (tails) beyond = x.lt(tails->low).sum().add(x.gt(tails->high).sum()).sub(positive).sub(negative);
  const at::Tensor counts = at::stack({x.isnan().sum(), positive, negative, x.eq(0).sum(), beyond}).to(at::kDouble);
  const at::Tensor finite = x.nan_to_num(0, 0, 0);
  const at::Tensor sums =
      at::stack({x.nan_to_num(kInfinity, kInfinity, kInfinity).min(),
                 x.nan_to_num(-kInfinity, -kInfinity, -kInfinity).max(), finite.sum(), finite.square().sum()});
  return at::cat({counts, sums});
}

at::Tensor merged(const std::vector<at::Tensor>& chunks) {
  if (chunks.size() == 1) return chunks[0];
  const at::Tensor all = at::stack(chunks);
  const at::Tensor sum = all.sum(0);
  return at::cat({sum.narrow(0, 0, kFieldMin), all.select(1, kFieldMin).min().unsqueeze(0),
                  all.select(1, kFieldMax).max().unsqueeze(0), sum.narrow(0, kFieldSum, kTotals - kFieldSum)});
}

at::Tensor unit_maxima(const at::Tensor& tensor, int unit_dimension) {
  std::vector<std::int64_t> others;
  for (std::int64_t d = 0; d < tensor.dim(); ++d)
    if (d != unit_dimension) others.push_back(d);
  if (others.empty()) return tensor.to(at::kDouble).abs();
  // Two walks rather than a tensor of magnitudes. NaN goes through both.
  const at::Tensor least = tensor.amin(others).to(at::kDouble), greatest = tensor.amax(others).to(at::kDouble);
  return at::maximum(greatest, least.neg());
}

}  // namespace

at::Tensor reduce_on_device(const at::Tensor& tensor, const Layout& layout, const Tails* tails, int unit_dimension) {
#ifdef SONDE_WITH_CUDA
  if (cuda::can_reduce(tensor)) {
    const at::Tensor row = cuda::reduce(tensor, tails, unit_dimension);
    const bool complete = unit_dimension < 0 || row.numel() > kTotals;
    return complete ? row : at::cat({row, unit_maxima(tensor, unit_dimension)});
  }
#endif
  std::vector<std::int64_t> sizes, strides;
  for (const Dimension& dimension : layout.dimensions()) {
    sizes.push_back(dimension.size);
    strides.push_back(dimension.stride);
  }
  const at::Tensor elements = tensor.as_strided(sizes, strides, tensor.storage_offset());
  std::vector<at::Tensor> chunks;
  const std::int64_t outer = sizes.empty() ? 1 : sizes[0];
  const std::int64_t rows = std::max<std::int64_t>(1, kChunk / std::max<std::int64_t>(1, elements.numel() / outer));
  if (rows >= outer) {
    chunks.push_back(totals_of_chunk(elements, tails));
  } else {
    for (std::int64_t row = 0; row < outer; row += rows)
      chunks.push_back(totals_of_chunk(elements.narrow(0, row, std::min(rows, outer - row)), tails));
  }
  const at::Tensor totals = merged(chunks);
  return unit_dimension < 0 ? totals : at::cat({totals, unit_maxima(tensor, unit_dimension)});
}

Totals totals_of(const double* row) {
  const auto count = [row](Field field) { return static_cast<std::uint64_t>(row[field]); };
  Totals totals;
  totals.nan = count(kFieldNan);
  totals.positive_infinity = count(kFieldPositiveInfinity);
  totals.negative_infinity = count(kFieldNegativeInfinity);
  totals.zeros = count(kFieldZeros);
  totals.beyond = count(kFieldBeyond);
  totals.min = row[kFieldMin];
  totals.max = row[kFieldMax];
  totals.sum = row[kFieldSum];
  totals.sum_squares = row[kFieldSumSquares];
  return totals;
}

}  // namespace sonde::probes
