// Trainings whose tensors go the way of a device: judged one step late, untouched, and read back once a step.
#include <gtest/gtest.h>
#include <sonde/sonde.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#ifdef SONDE_WITH_CUDA
#include <c10/cuda/CUDAFunctions.h>
#endif

#include "monitor/inspect.h"
#include "monitor/training.h"
#include "probes/op_observer.h"
#include "probes/stats_alike.h"

namespace sonde::tests {
namespace {

using probes::DeviceStatistics;

// Sends tensors of the CPU through the device path of this thread.
class DevicePath {
 public:
  DevicePath() { probes::OpObserver::of_this_thread().device().take(DeviceStatistics::Devices::all); }
  ~DevicePath() { probes::OpObserver::of_this_thread().device().take(DeviceStatistics::Devices::others); }
  DevicePath(const DevicePath&) = delete;
  DevicePath& operator=(const DevicePath&) = delete;
};

struct Trained {
  std::vector<torch::Tensor> weights;
  std::vector<Verdict> verdicts;
  std::vector<trace::Record> records;
  Report report;
};

// `change` may spoil the batch of a step. Returns everything that is left behind.
Trained trained(bool on_device, const Options& options, int steps, const std::function<void(int, Batch&)>& change) {
  std::optional<DevicePath> path;
  if (on_device) path.emplace();
  torch::manual_seed(3);  // also of the weights
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.05);
  Monitor monitor(net, optimizer, options);
  const monitor::Inspector inspector(monitor);
  Trained result;
  for (int step = 0; step < steps; ++step) {
    Batch batch;
    change(step, batch);
    optimizer.zero_grad();
    result.verdicts.push_back(monitor.backward(torch::mse_loss(net.forward(batch.x), batch.y)));
    optimizer.step();
  }
  result.report = monitor.report();
  result.records = inspector.records();
  result.weights = copy_of_weights(net);
  return result;
}

void healthy(int, Batch&) {}
void nan_in_step_30(int step, Batch& batch) {
  if (step == 30) batch.x[3][1] = std::nanf("");
}

std::string outline(const Report& report) {
  std::string text;
  for (const auto& finding : report.findings) {
    const auto& origin = finding.origin;
    text += std::string(to_string(finding.severity)) + " " + origin.kind + " step " + std::to_string(origin.step) +
            " " + origin.where.layer + origin.where.part + " " + origin.where.operation + ": " + origin.message + "\n";
    for (const auto& cause : finding.causes) text += "  " + std::string(to_string(cause.cause)) + "\n";
  }
  return text;
}

using Key = std::tuple<std::uint64_t, trace::RecordKind, Phase, std::uint32_t, std::uint32_t>;
Key key(const trace::Record& record) { return {record.step, record.kind, record.phase, record.site, record.position}; }

void expect_same_aux(double got, double want) {
  if (std::isnan(want))
    EXPECT_TRUE(std::isnan(got));
  else
    EXPECT_NEAR(got, want, 1e-6 * (1 + std::abs(want)));
}

TEST(Device, ANanIsKnownOneStepLateAndItsOriginIsTheSame) {
  const auto on_cpu = trained(false, observed(), 33, nan_in_step_30);
  const auto on_device = trained(true, observed(), 33, nan_in_step_30);
  EXPECT_FALSE(on_cpu.verdicts[30].ok);
  EXPECT_TRUE(on_device.verdicts[30].ok);
  ASSERT_FALSE(on_device.verdicts[31].ok);
  EXPECT_EQ(on_device.verdicts[31].reason, on_cpu.verdicts[30].reason);
  EXPECT_EQ(outline(on_device.report), outline(on_cpu.report));
  EXPECT_NE(find(on_device.report, "non-finite"), nullptr);
}

TEST(Device, AnOverflowInALayerIsThatLayersAlthoughItsParametersWereNotMeasured) {
  const auto overflow = [](int step, Batch& batch) {
    if (step == 5) batch.x = torch::full({16, 4}, 3e38F);
  };
  const auto on_cpu = trained(false, observed(), 7, overflow);
  const auto on_device = trained(true, observed(), 7, overflow);
  const auto *want = find(on_cpu.report, "non-finite"), *got = find(on_device.report, "non-finite");
  ASSERT_NE(want, nullptr);
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(got->origin.where.layer, want->origin.where.layer);
  EXPECT_EQ(got->origin.where.operation, want->origin.where.operation);
  EXPECT_EQ(got->origin.message, want->origin.message);
}

TEST(Device, TellsTheRecordsOfTheCpuInTheirOrder) {
  const auto on_cpu = trained(false, observed(), 25, healthy);
  const auto on_device = trained(true, observed(), 25, healthy);
  ASSERT_EQ(on_device.records.size(), on_cpu.records.size());
  for (std::size_t i = 0; i < on_cpu.records.size(); ++i) {
    const auto &got = on_device.records[i], &want = on_cpu.records[i];
    ASSERT_EQ(key(got), key(want)) << "record " << i;
    SCOPED_TRACE("record " + std::to_string(i) + " of phase " + std::string(to_string(want.phase)));
    if (want.kind == trace::RecordKind::tensor) {
      expect_alike(got.tensor, want.tensor, 1e-6);
      expect_same_aux(got.tensor.aux, want.tensor.aux);
    }
    if (want.kind == trace::RecordKind::loss) { EXPECT_EQ(got.loss.value, want.loss.value); }
  }
}

TEST(Device, TheTrainingIsTheSameBitByBit) {
  Options options = observed();
  options.every_step = false;
  options.first_steps = 5;
  options.max_blind_steps = 4;
  for (const auto& one : {observed(), options}) {
    const auto on_cpu = trained(false, one, 40, healthy).weights;
    const auto on_device = trained(true, one, 40, healthy);
    for (std::size_t i = 0; i < on_cpu.size(); ++i) EXPECT_TRUE(torch::equal(on_cpu[i], on_device.weights[i]));
    EXPECT_EQ(kinds(on_device.report), "");
    EXPECT_EQ(on_device.report.context.steps, 40u);
  }
}

TEST(Device, AGuardKnowsInTimeEvenOfStepsThatAreNotObserved) {
  for (const bool every_step : {true, false}) {
    auto options = observed(OnFault::skip);
    options.every_step = every_step;
    options.first_steps = 2;
    const auto on_device = trained(true, options, 33, nan_in_step_30);
    EXPECT_FALSE(on_device.verdicts[30].ok);
    EXPECT_FALSE(on_device.verdicts[30].applied);
    EXPECT_TRUE(on_device.verdicts[32].applied);
    for (const auto& weight : on_device.weights) EXPECT_TRUE(weight.isfinite().all().item<bool>());
  }
}

TEST(Device, ABadStepThatWasNotObservedIsFoundLate) {
  auto options = observed();
  options.every_step = false;
  options.first_steps = 2;
  options.overhead = 1e-9;
  const auto on_device = trained(true, options, 33, nan_in_step_30);
  EXPECT_TRUE(on_device.verdicts[30].ok);
  EXPECT_FALSE(on_device.verdicts[31].ok);
  EXPECT_NE(find(on_device.report, "non-finite"), nullptr);
}

// Every operator that is called while it is switched on, the monitor's included: those are unseen by RecordFunction, but
// not by a mode of the dispatcher.
std::map<std::string, int> called;
void note_call(const c10::OperatorHandle& op, c10::Stack* stack) {
  ++called[op.operator_name().name];
  const c10::impl::ExcludeDispatchKeyGuard below(c10::DispatchKey::TESTING_ONLY_GenericMode);
  op.callBoxed(stack);
}

TEST(Device, NoOperatorOfAStepReadsATensorBack) {
  const DevicePath path;
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.05);
  Monitor monitor(net, optimizer, observed());
  called.clear();
  {
    const c10::impl::IncludeDispatchKeyGuard mode(c10::DispatchKey::TESTING_ONLY_GenericMode);
    train(net, optimizer, monitor, 5);
  }
  EXPECT_GT(called["aten::nan_to_num"], 0);  // the reductions were seen
  // Each of these brings a number to the host, for which a device has to be waited for.
  for (const char* name : {"aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::equal",
                           "aten::nonzero", "aten::masked_select", "aten::allclose"})
    EXPECT_EQ(called[name], 0) << name;
}

// As torch.cuda.set_sync_debug_mode("error"): what waits for the device throws.
TEST(Device, OnACudaDeviceNothingWaitsInAStep) {
#ifdef SONDE_WITH_CUDA
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
  Net net;
  net.to(torch::kCUDA);
  torch::optim::SGD optimizer(net.parameters(), 0.05);
  Monitor monitor(net, optimizer, observed());
  const auto x = torch::randn({16, 4}, torch::kCUDA), y = x.sum(1, true);
  const auto step = [&] {
    optimizer.zero_grad();
    monitor.backward(torch::mse_loss(net.forward(x), y));
    optimizer.step();
  };
  for (int i = 0; i < 5; ++i) step();  // the first ones allocate pinned memory
  c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
  EXPECT_NO_THROW(for (int i = 0; i < 20; ++i) step());
  c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  const auto report = monitor.report();
  EXPECT_EQ(report.context.steps, 25u);
  EXPECT_EQ(kinds(report), "");
#else
  GTEST_SKIP() << "built without CUDA";
#endif
}

}  // namespace
}  // namespace sonde::tests

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&sonde::tests::note_call>());
}
