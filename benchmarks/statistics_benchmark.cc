// Rates of the statistics pass, beside the fastest that the same memory can be read at.
//
//   statistics_benchmark [Google Benchmark's options]
//
// bytes_per_second counts the tensor's bytes once. "read" sums the words of the tensor with all vector registers and is
// the limit the others are held against.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "probes/measure_tensor.h"
#include "probes/statistics.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/statistics_benchmark.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first: it includes this file once for each target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sonde::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

float ReadSum(const float* p, std::size_t n) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (std::size_t i = 0; i + 4 * lanes <= n; i += 4 * lanes) {
    sum0 = hn::Add(sum0, hn::LoadU(d, p + i));
    sum1 = hn::Add(sum1, hn::LoadU(d, p + i + lanes));
    sum2 = hn::Add(sum2, hn::LoadU(d, p + i + 2 * lanes));
    sum3 = hn::Add(sum3, hn::LoadU(d, p + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

}  // namespace sonde::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sonde {
namespace {

HWY_EXPORT(ReadSum);

using probes::all_finite;
using probes::measure;
using probes::MeasureOptions;
using probes::ScalarType;

std::vector<float> normal_data(std::size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> data(n);
  for (float& x : data) x = normal(random);
  return data;
}

void set_bytes(benchmark::State& state, std::int64_t bytes) { state.SetBytesProcessed(state.iterations() * bytes); }

void read(benchmark::State& state) {
  const auto data = normal_data(static_cast<std::size_t>(state.range(0)) / 4);
  for (auto _ : state) benchmark::DoNotOptimize(HWY_DYNAMIC_DISPATCH(ReadSum)(data.data(), data.size()));
  set_bytes(state, state.range(0));
}

void measure_flat(benchmark::State& state, ScalarType type, std::int64_t element, float value) {
  auto data = normal_data(static_cast<std::size_t>(state.range(0)) / 4);
  if (element != 4) data.assign(data.size(), 0x1p-5f);  // any bits that are finite numbers
  if (std::isnan(value)) data.assign(data.size(), value);
  const std::int64_t sizes[] = {state.range(0) / element}, strides[] = {1};
  for (auto _ : state) benchmark::DoNotOptimize(measure({data.data(), type, sizes, strides}));
  set_bytes(state, state.range(0));
}

// Bytes in all, elements inside a unit (planes) or units in a row (columns).
void measure_units(benchmark::State& state, bool planes) {
  const std::int64_t n = state.range(0) / 4, length = state.range(1);
  const auto data = normal_data(static_cast<std::size_t>(n));
  const std::int64_t sizes[] = {n / length, length}, strides[] = {length, 1};
  MeasureOptions options;
  options.unit_dimension = planes ? 0 : 1;
  std::vector<float> maxima(static_cast<std::size_t>(sizes[options.unit_dimension]));
  options.unit_maxima = maxima;
  for (auto _ : state) benchmark::DoNotOptimize(measure({data.data(), ScalarType::float32, sizes, strides}, options));
  set_bytes(state, state.range(0));
}

void measure_tails(benchmark::State& state) {
  const auto data = normal_data(static_cast<std::size_t>(state.range(0)) / 4);
  const std::int64_t sizes[] = {state.range(0) / 4}, strides[] = {1};
  const probes::Tails tails{-2, 2};
  MeasureOptions options;
  options.tails = &tails;
  for (auto _ : state) benchmark::DoNotOptimize(measure({data.data(), ScalarType::float32, sizes, strides}, options));
  set_bytes(state, state.range(0));
}

void measure_elements(benchmark::State& state) {
  const auto data = normal_data(static_cast<std::size_t>(state.range(0)));
  const std::int64_t sizes[] = {state.range(0)}, strides[] = {1};
  for (auto _ : state) benchmark::DoNotOptimize(measure({data.data(), ScalarType::float32, sizes, strides}));
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
  const auto data = normal_data(static_cast<std::size_t>(state.range(0)) / 4);
  const std::int64_t sizes[] = {state.range(0) / 4}, strides[] = {1};
  for (auto _ : state) benchmark::DoNotOptimize(all_finite({data.data(), ScalarType::float32, sizes, strides}));
  set_bytes(state, state.range(0));
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(64 << 10)->Arg(1 << 20)->Arg(64 << 20); }
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

BENCHMARK(read)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, float, ScalarType::float32, 4, 0.0f)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, all_nan, ScalarType::float32, 4, kNaN)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, double, ScalarType::float64, 8, 0.0f)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, half, ScalarType::float16, 2, 0.0f)->Apply(sizes);
BENCHMARK_CAPTURE(measure_flat, bfloat16, ScalarType::bfloat16, 2, 0.0f)->Apply(sizes);
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
