// Rates of the statistics pass, beside the fastest that the same memory can be read at.
//
//   statistics_benchmark [Google Benchmark's options]
//
// bytes_per_second counts the tensor's bytes once. "read" sums the words of the tensor with all vector registers and is
// the limit the others are held against.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "probes/measure_tensor.h"
#include "probes/statistics.h"
#include "probes/statistics_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/statistics_benchmark.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first: it includes this file once for each target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sonde::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Eight sums, for an addition may take four cycles and two may begin in each.
float ReadSum(const float* p, std::size_t n) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0, sum4 = sum0, sum5 = sum0, sum6 = sum0, sum7 = sum0;
  for (std::size_t i = 0; i + 8 * lanes <= n; i += 8 * lanes) {
    sum0 = hn::Add(sum0, hn::LoadU(d, p + i));
    sum1 = hn::Add(sum1, hn::LoadU(d, p + i + lanes));
    sum2 = hn::Add(sum2, hn::LoadU(d, p + i + 2 * lanes));
    sum3 = hn::Add(sum3, hn::LoadU(d, p + i + 3 * lanes));
    sum4 = hn::Add(sum4, hn::LoadU(d, p + i + 4 * lanes));
    sum5 = hn::Add(sum5, hn::LoadU(d, p + i + 5 * lanes));
    sum6 = hn::Add(sum6, hn::LoadU(d, p + i + 6 * lanes));
    sum7 = hn::Add(sum7, hn::LoadU(d, p + i + 7 * lanes));
  }
  const auto low = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const auto high = hn::Add(hn::Add(sum4, sum5), hn::Add(sum6, sum7));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

}  // namespace sonde::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sonde {
namespace {

HWY_EXPORT(ReadSum);

using probes::all_finite;
using probes::element_size;
using probes::measure;
using probes::MeasureOptions;
using probes::ScalarType;

// Always the same memory, for which pages it is made of decides how much of it fits into a cache; and LibTorch's, which
// begins on a cache line.
at::Tensor memory(std::int64_t n) {
  static const at::Tensor all = at::empty({(64 << 20) / 4 + 64});
  return all.narrow(0, 0, n);
}

at::Tensor normal_data(std::int64_t n) {
  const at::Tensor data = memory(n);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::generate_n(data.data_ptr<float>(), n, [&] { return normal(random); });
  return data;
}

void set_bytes(benchmark::State& state, std::int64_t bytes) { state.SetBytesProcessed(state.iterations() * bytes); }

// `shift`: elements by which the data begin behind a cache line, as the slices of a tensor may.
void read(benchmark::State& state, std::int64_t shift) {
  const std::int64_t n = state.range(0) / 4;
  const auto data = normal_data(n + shift);
  const float* const begin = data.data_ptr<float>() + shift;
  for (auto _ : state) benchmark::DoNotOptimize(HWY_DYNAMIC_DISPATCH(ReadSum)(begin, static_cast<std::size_t>(n)));
  set_bytes(state, state.range(0));
}

void measure_run(benchmark::State& state, const void* data, ScalarType type, const MeasureOptions& options = {}) {
  const std::int64_t sizes[] = {state.range(0) / static_cast<std::int64_t>(element_size(type))}, strides[] = {1};
  for (auto _ : state) benchmark::DoNotOptimize(measure({data, type, sizes, strides}, options));
  set_bytes(state, state.range(0));
}

void measure_flat(benchmark::State& state, ScalarType type, at::Tensor (*contents)(std::int64_t), std::int64_t shift) {
  const auto data = contents(state.range(0) / 4 + shift);
  measure_run(state, data.data_ptr<float>() + shift, type);
}

at::Tensor rectified_data(std::int64_t n) { return normal_data(n).relu_(); }
at::Tensor nan_data(std::int64_t n) { return memory(n).fill_(std::numeric_limits<float>::quiet_NaN()); }
at::Tensor constant_data(std::int64_t n) { return memory(n).fill_(0x1p-5f); }  // finite numbers as any type

// Bytes in all, elements inside a unit (planes) or units in a row (columns).
void measure_units(benchmark::State& state, bool planes) {
  const std::int64_t n = state.range(0) / 4, length = state.range(1);
  const auto data = normal_data(n);
  const std::int64_t sizes[] = {n / length, length}, strides[] = {length, 1};
  MeasureOptions options;
  options.unit_dimension = planes ? 0 : 1;
  std::vector<float> maxima(static_cast<std::size_t>(sizes[options.unit_dimension]));
  options.unit_maxima = maxima;
  for (auto _ : state)
    benchmark::DoNotOptimize(measure({data.data_ptr(), ScalarType::float32, sizes, strides}, options));
  set_bytes(state, state.range(0));
}

void measure_tails(benchmark::State& state) {
  const probes::Tails tails{-2, 2};
  MeasureOptions options;
  options.tails = &tails;
  const auto data = normal_data(state.range(0) / 4);
  measure_run(state, data.data_ptr(), ScalarType::float32, options);
}

void measure_elements(benchmark::State& state) {
  const auto data = normal_data(state.range(0));
  const std::int64_t sizes[] = {state.range(0)}, strides[] = {1};
  for (auto _ : state) benchmark::DoNotOptimize(measure({data.data_ptr(), ScalarType::float32, sizes, strides}));
  set_bytes(state, state.range(0) * 4);
}

// Elements, and LibTorch's intra-op threads.
void measure_tensor(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(1)));
  const auto tensor = at::randn({state.range(0)});
  probes::TensorMeter meter;
  trace::TensorStats stats;
  for (auto _ : state) benchmark::DoNotOptimize(meter.measure(*tensor.unsafeGetTensorImpl(), {}, stats));
  set_bytes(state, state.range(0) * 4);
}

void finite(benchmark::State& state) {
  const auto data = normal_data(state.range(0) / 4);
  const std::int64_t sizes[] = {state.range(0) / 4}, strides[] = {1};
  for (auto _ : state) benchmark::DoNotOptimize(all_finite({data.data_ptr(), ScalarType::float32, sizes, strides}));
  set_bytes(state, state.range(0));
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(64 << 10)->Arg(1 << 20)->Arg(64 << 20); }

BENCHMARK_CAPTURE(read, aligned, 0)->Apply(sizes);
BENCHMARK_CAPTURE(read, shifted, 4)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, float, ScalarType::float32, normal_data, 0)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, float_shifted, ScalarType::float32, normal_data, 4)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, float_half_zeros, ScalarType::float32, rectified_data, 0)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, float_all_nan, ScalarType::float32, nan_data, 0)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, double, ScalarType::float64, constant_data, 0)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, half, ScalarType::float16, constant_data, 0)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, bfloat16, ScalarType::bfloat16, constant_data, 0)->Apply(sizes);
BENCHMARK(measure_tails)->Apply(sizes);
BENCHMARK(finite)->Apply(sizes);
BENCHMARK_CAPTURE(measure_units, planes, true)->ArgsProduct({{64 << 10, 1 << 20}, {9, 16, 64, 256, 1024}});
BENCHMARK_CAPTURE(measure_units, columns, false)->ArgsProduct({{64 << 10, 1 << 20}, {4, 16, 64, 128, 4096}});
BENCHMARK(measure_tensor)->ArgsProduct({{1 << 18, 1 << 19, 1 << 20, 1 << 22, 1 << 24}, {1, 2}})->UseRealTime();
BENCHMARK(measure_elements)->Arg(10)->Arg(32)->Arg(64)->Arg(100)->Arg(640)->Arg(2048);

}  // namespace
}  // namespace sonde

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("vectors", sonde::probes::vector_target());
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
#endif
