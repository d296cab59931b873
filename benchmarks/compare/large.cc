// Compares one large model with a copy that has one fault: seconds, and the most memory that the process had.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include <fmt/format.h>
#include <sonde/compare.h>

#include "compare/large_models.h"

namespace {

using namespace sonde::pairs;

// Running statistics as of one batch of images.
void settle(LargeModel& model, std::int64_t size) {
  for (const auto& module : model.modules()) {
    auto* bn = module->as<torch::nn::BatchNorm2d>();
    if (bn == nullptr) continue;
    bn->options.momentum(1.0);
    bn->weight.normal_(1, 0.1);
    bn->bias.normal_(0, 0.1);
  }
  model.train();
  (void)model.forward(torch::randn({2, 3, size, size}));
  model.eval();
  for (const auto& module : model.modules()) {
    if (auto* bn = module->as<torch::nn::BatchNorm2d>()) bn->options.momentum(0.1);
  }
}

void copy(const torch::nn::Module& from, torch::nn::Module& to) {
  const auto parameters = to.named_parameters(), buffers = to.named_buffers();
  for (const auto& item : from.named_parameters()) parameters[item.key()].copy_(item.value());
  for (const auto& item : from.named_buffers()) buffers[item.key()].copy_(item.value());
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

int run(const std::string& name) {
  const torch::NoGradGuard no_gradients;
  torch::manual_seed(1);
  const LargeCase of = large_case(name);
  const std::shared_ptr<LargeModel> reference = of.build(), target = of.build();
  settle(*reference, of.size);
  target->eval();
  copy(*reference, *target);
  of.fault(*target->named_modules()[of.layer]);
  const at::Tensor image = torch::randn({1, 3, of.size, of.size});

  const double before = peak_mib();
  const auto start = std::chrono::steady_clock::now();
  const sonde::compare::Result result = sonde::compare::run(sonde::compare::of(*reference), *target, {image});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::size_t visible = 0;
  bool located = false;
  for (const sonde::compare::Fault& fault : result.faults) {
    visible += fault.visible ? 1 : 0;
    located = located || fault.target.layer == of.layer;
    std::cerr << fmt::format("  {} at {}: {}\n", to_string(fault.cause), fault.target.layer, fault.message);
  }
  std::cout << fmt::format(
      "compare_large: model={} seconds={:.1f} peak_mib={:.0f} before_mib={:.0f} faults={} located={}\n", name, seconds,
      peak_mib(), before, visible, located ? "yes" : "no");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("the name of one model is wanted");
    return run(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
