// How cost and memory grow: with the layers of a model, with the elements of a tensor, with the steps of a run.
//
//   scale [--layers N] [--elements N] [--steps N] [--json FILE]
//
// Each option is the largest size of its table; sizes grow tenfold up to it. Every table ends in what a unit costs, which
// is the same in every row where growth is linear. Times are process CPU time, the analysis included.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>

#include <sonde/monitor.h>
#include <torch/torch.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "overhead_context.h"

namespace sonde::benchmarks {
namespace {

struct Settings {
  std::int64_t layers = 10000;
  std::int64_t elements = 1000000000;  // two bytes each, and two for the gradient
  std::int64_t steps = 1000000;
  std::string json;
};

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

Options analysed_here(bool every_step) {
  Options options;
  options.background = false;  // so that the analysis is done when the clock is read
  options.every_step = every_step;
  options.ring_capacity = std::size_t{1} << 20;
  return options;
}

// CPU seconds a step, the median of `steps`.
template <typename Step>
double median_step(int steps, const Step& step) {
  std::vector<double> seconds;
  for (int i = 0; i < steps; ++i) {
    const Clocks before = Clocks::now();
    step();
    seconds.push_back(Clocks::now().cpu - before.cpu);
  }
  std::nth_element(seconds.begin(), seconds.begin() + steps / 2, seconds.end());
  return seconds[static_cast<std::size_t>(steps) / 2];
}

// A chain of small layers: everything that is paid by the layer.
nlohmann::json layers(std::int64_t most) {
  std::printf("\nlayers (8 -> 8, batch 4)\n%10s %12s %12s %12s %14s %12s %10s\n", "layers", "bare ms", "observed ms",
              "report ms", "us a layer", "MiB", "dropped");
  nlohmann::json rows;
  for (std::int64_t count = 10; count <= most; count *= 10) {
    torch::manual_seed(1);
    torch::nn::Sequential model;
    for (std::int64_t i = 0; i < count; ++i) model->push_back(torch::nn::Linear(8, 8));
    for (auto& parameter : model->parameters())  // near the identity, so that signals live through ten thousand layers
      if (parameter.dim() == 2) parameter.set_data(torch::eye(8) + 0.001 * torch::randn({8, 8}));
    torch::optim::SGD optimizer(model->parameters(), 1e-6);
    const at::Tensor x = torch::randn({4, 8}), y = torch::randn({4, 8});
    const auto forward = [&] { return torch::mse_loss(model->forward(x), y); };
    const int steps = count >= 10000 ? 5 : 9;
    const auto bare = [&] {
      optimizer.zero_grad();
      forward().backward();
      optimizer.step();
    };
    bare();
    const double unwatched = median_step(steps, bare);
    const double before = resident_mib();
    Monitor monitor(*model, optimizer, analysed_here(true));
    const auto watched_step = [&] {
      optimizer.zero_grad();
      monitor.backward(forward());
      optimizer.step();
      monitor.poll();
    };
    for (int i = 0; i < 3; ++i) watched_step();
    const double watched = median_step(steps, watched_step);
    Report report;
    const double reporting = median_step(1, [&] { report = monitor.report(); });
    const double each = 1e6 * (watched - unwatched) / static_cast<double>(count);
    const double memory = resident_mib() - before;
    std::printf("%10ld %12.3f %12.3f %12.3f %14.2f %12.1f %10lu\n", static_cast<long>(count), 1e3 * unwatched,
                1e3 * watched, 1e3 * reporting, each, memory, static_cast<unsigned long>(report.cost.dropped));
    std::fflush(stdout);
    rows.push_back({{"layers", count},
                    {"bare_seconds", unwatched},
                    {"observed_seconds", watched},
                    {"report_seconds", reporting},
                    {"mib", memory},
                    {"dropped", report.cost.dropped}});
  }
  return rows;
}

// One parameter of so many elements that is its own prediction: everything that is paid by the element.
nlohmann::json elements(std::int64_t most) {
  std::printf("\nelements (of one bfloat16 parameter)\n%12s %12s %12s %14s\n", "elements", "bare ms", "observed ms",
              "ns an element");
  nlohmann::json rows;
  for (std::int64_t count = 1000; count <= most; count *= 10) {
    torch::manual_seed(1);
    at::Tensor weight = torch::rand({count}, at::kBFloat16).set_requires_grad(true);
    torch::optim::SGD optimizer({weight}, 1e-3);
    const auto bare = [&] {
      weight.sum().backward();
      optimizer.step();
      optimizer.zero_grad();
    };
    const int steps = count >= 10000000 ? 3 : 15;
    bare();
    const double unwatched = median_step(steps, bare);
    double watched = 0;
    {
      Monitor monitor({{"weight", weight}}, optimizer, analysed_here(true));
      const auto watched_step = [&] {
        monitor.backward(weight.sum());
        optimizer.step();
        optimizer.zero_grad();
        monitor.poll();
      };
      for (int i = 0; i < 2; ++i) watched_step();
      watched = median_step(steps, watched_step);
      (void)monitor.report();  // read, so that its end says nothing
    }
    std::printf("%12ld %12.3f %12.3f %14.4f\n", static_cast<long>(count), 1e3 * unwatched, 1e3 * watched,
                1e9 * (watched - unwatched) / static_cast<double>(count));
    std::fflush(stdout);
    rows.push_back({{"elements", count}, {"bare_seconds", unwatched}, {"observed_seconds", watched}});
  }
  return rows;
}

// One run: what the program holds after so many steps, and what a step has cost since the row before.
nlohmann::json steps(std::int64_t most) {
  std::printf("\nsteps (MLP 4-8-1, default options)\n%10s %14s %12s %12s\n", "steps", "us a step", "MiB", "observed");
  torch::manual_seed(1);
  torch::nn::Sequential model(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 1));
  torch::optim::SGD optimizer(model->parameters(), 1e-3);
  const at::Tensor x = torch::randn({8, 4}), y = x.sum(1, true);
  Monitor monitor(*model, optimizer);
  nlohmann::json rows;
  Clocks before = Clocks::now();
  std::int64_t done = 0;
  for (std::int64_t count = 100; count <= most; count *= 10) {
    const std::int64_t since = done;
    for (; done < count; ++done) {
      optimizer.zero_grad();
      monitor.backward(torch::mse_loss(model->forward(x), y));
      optimizer.step();
    }
    const Clocks now = Clocks::now();
    const auto report = monitor.report();
    const double each = (now.cpu - before.cpu) / static_cast<double>(count - since);
    const double memory = resident_mib();
    std::printf("%10ld %14.2f %12.2f %12lu\n", static_cast<long>(count), 1e6 * each, memory,
                static_cast<unsigned long>(report.context.observed_steps));
    std::fflush(stdout);
    rows.push_back({{"steps", count},
                    {"seconds_a_step", each},
                    {"mib", memory},
                    {"observed_steps", report.context.observed_steps}});
    before = Clocks::now();
  }
  return rows;
}

int run(const Settings& settings) {
  set_threads(1);
  const Context context = Context::here(1);
  context.print(std::cout);
  // Steps first: the memory of the others is not to be seen in its table.
  nlohmann::json all = {{"schema", 1}, {"context", context.json()}};
  all["steps"] = steps(settings.steps);
  all["layers"] = layers(settings.layers);
  all["elements"] = elements(settings.elements);
  if (!settings.json.empty()) {
    std::ofstream file(settings.json);
    file << all.dump(2) << '\n';
    if (!file) throw std::runtime_error("cannot write " + settings.json);
  }
  return 0;
}

}  // namespace
}  // namespace sonde::benchmarks

int main(int argc, char** argv) {
  sonde::benchmarks::Settings settings;
  CLI::App app("How the cost of watching grows with layers, elements and steps");
  app.add_option("--layers", settings.layers, "the most layers, from 10")->capture_default_str();
  app.add_option("--elements", settings.elements, "the most elements, from 1000")->capture_default_str();
  app.add_option("--steps", settings.steps, "the most steps, from 100")->capture_default_str();
  app.add_option("--json", settings.json, "write the figures to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    return sonde::benchmarks::run(settings);
  } catch (const std::exception& error) {
    std::cerr << "scale: " << error.what() << '\n';
    return 1;
  }
}
