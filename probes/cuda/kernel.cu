#include "probes/cuda/kernel.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "probes/cuda/accumulator.h"

namespace sonde::probes::cuda {
namespace {

constexpr int kThreads = 256;

__device__ double number(float x) { return x; }
__device__ double number(double x) { return x; }
__device__ double number(__half x) { return __half2float(x); }
__device__ double number(__nv_bfloat16 x) { return __bfloat162float(x); }

// Halves of a block at a time, so that the order of additions is always the same. The sum is in shared[0].
__device__ void reduce_block(Accumulator* shared) {
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) shared[threadIdx.x].merge(shared[threadIdx.x + half]);
  }
  __syncthreads();
}

// Non-negative doubles are ordered like their bits.
__device__ void raise(double* maximum, double x) {
  const double magnitude = x != x ? __longlong_as_double(0x7ff0000000000000LL) : fabs(x);
  auto* const bits = reinterpret_cast<unsigned long long*>(maximum);
  const auto wanted = static_cast<unsigned long long>(__double_as_longlong(magnitude));
  // A look first: nearly all elements are no news, and many threads share a unit.
  if (wanted > *static_cast<volatile unsigned long long*>(bits)) atomicMax(bits, wanted);
}

template <class T, class Index>
__global__ void __launch_bounds__(kThreads) walk_elements(Walk walk, double* unit_maxima, double* partials) {
  __shared__ Accumulator shared[kThreads];
  const T* const data = static_cast<const T*>(walk.data);
  const auto n = static_cast<Index>(walk.elements);
  const auto stride = static_cast<Index>(gridDim.x) * kThreads;
  Accumulator mine;
  for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += stride) {
    long long offset = 0, unit = 0;
    Index rest = i;
    for (int d = walk.dimensions - 1; d >= 0; --d) {
      const auto size = static_cast<Index>(walk.sizes[d]);
      const Index next = d > 0 ? rest / size : 0;
      const auto index = static_cast<long long>(rest - next * size);
      offset += index * walk.strides[d];
      if (d == walk.unit) unit = index;
      rest = next;
    }
    const double x = number(data[offset]);
    mine.add(x, walk.low, walk.high);
    if (walk.unit >= 0) raise(unit_maxima + unit, x);
  }
  shared[threadIdx.x] = mine;
  reduce_block(shared);
  if (threadIdx.x == 0) shared[0].write(partials + static_cast<long long>(blockIdx.x) * kTotals);
}

__device__ Accumulator read(const double* row) {
  Accumulator totals;
  totals.nan = static_cast<unsigned long long>(row[kFieldNan]);
  totals.positive_infinity = static_cast<unsigned long long>(row[kFieldPositiveInfinity]);
  totals.negative_infinity = static_cast<unsigned long long>(row[kFieldNegativeInfinity]);
  totals.zeros = static_cast<unsigned long long>(row[kFieldZeros]);
  totals.beyond = static_cast<unsigned long long>(row[kFieldBeyond]);
  totals.min = row[kFieldMin];
  totals.max = row[kFieldMax];
  totals.sum = row[kFieldSum];
  totals.sum_squares = row[kFieldSumSquares];
  return totals;
}

__global__ void __launch_bounds__(kThreads) merge_blocks(const double* partials, int blocks, double* row) {
  __shared__ Accumulator shared[kThreads];
  Accumulator mine;
  for (int block = static_cast<int>(threadIdx.x); block < blocks; block += kThreads)
    mine.merge(read(partials + static_cast<long long>(block) * kTotals));
  shared[threadIdx.x] = mine;
  reduce_block(shared);
  if (threadIdx.x == 0) shared[0].write(row);
}

template <class T>
void walk_all(const Walk& walk, double* unit_maxima, double* partials, cudaStream_t stream) {
  const int blocks = blocks_for(walk.elements);
  // Divisions by 32 bits are several times faster; the index may run past the end by a stride.
  if (walk.elements < (1ULL << 31))
    walk_elements<T, unsigned><<<blocks, kThreads, 0, stream>>>(walk, unit_maxima, partials);
  else
    walk_elements<T, unsigned long long><<<blocks, kThreads, 0, stream>>>(walk, unit_maxima, partials);
}

}  // namespace

int blocks_for(unsigned long long elements) {
  constexpr unsigned long long kEach = kThreads * 8;
  const unsigned long long blocks = (elements + kEach - 1) / kEach;
  return blocks < 1 ? 1 : blocks < kBlocks ? static_cast<int>(blocks) : kBlocks;
}

int launch(const Walk& walk, double* row, long long units, double* partials, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  double* const unit_maxima = row + kTotals;
  if (units > 0) {
    const auto cleared = cudaMemsetAsync(unit_maxima, 0, static_cast<std::size_t>(units) * sizeof(double), on);
    if (cleared != cudaSuccess) return cleared;
  }
  switch (walk.element) {
    case Element::float32:
      walk_all<float>(walk, unit_maxima, partials, on);
      break;
    case Element::float64:
      walk_all<double>(walk, unit_maxima, partials, on);
      break;
    case Element::float16:
      walk_all<__half>(walk, unit_maxima, partials, on);
      break;
    case Element::bfloat16:
      walk_all<__nv_bfloat16>(walk, unit_maxima, partials, on);
      break;
  }
  merge_blocks<<<1, kThreads, 0, on>>>(partials, blocks_for(walk.elements), row);
  return cudaGetLastError();
}

}  // namespace sonde::probes::cuda
