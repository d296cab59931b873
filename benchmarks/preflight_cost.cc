// What a preflight costs, in bare steps of the same model (forward, backward, update), and what each experiment adds.
//
//   preflight_cost [--models c,d] [--repeats N] [--threads N]
//
// Medians of process CPU time over the repeats, bare steps and preflights in turns. "trace" is preflight() without
// experiments less one bare step: the monitor's set-up and its observed step, keeping and putting back the state.
#include <sonde/preflight.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <torch/torch.h>
#include <CLI/CLI.hpp>

#include "overhead_models.h"

namespace sonde::benchmarks {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <typename Call>
double seconds_of(const Call& call) {
  const double begin = cpu_seconds();
  call();
  return cpu_seconds() - begin;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Column {
  const char* name;
  bool PreflightOptions::*experiment;
};
constexpr Column kColumns[] = {{"gradients", &PreflightOptions::gradients_arrive},
                               {"deterministic", &PreflightOptions::forward_is_deterministic},
                               {"fits batch", &PreflightOptions::fits_one_batch},
                               {"input", &PreflightOptions::loss_depends_on_input},
                               {"samples", &PreflightOptions::samples_are_independent},
                               {"custom", &PreflightOptions::custom_gradients}};

void measure(const Workload& workload, int repeats) {
  const auto batch = make_batches(workload, 1)[0];
  auto model = (torch::manual_seed(5), workload.make());
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(workload.learning_rate));
  const auto loss_of = [&](const at::Tensor& x) {
    return torch::nn::functional::cross_entropy(model->forward(x), batch.labels);
  };
  const auto step = [&] {
    optimizer.zero_grad();
    loss_of(batch.input).backward();
    optimizer.step();
  };
  const auto look = [&](const PreflightOptions& options) {
    (void)preflight(model, loss_of, batch.input, optimizer, options);
  };
  step();
  look({});
  std::vector<double> bare, traced;
  for (int i = 0; i < repeats; ++i) {
    bare.push_back(seconds_of(step));
    traced.push_back(seconds_of([&] { look({}); }));
  }
  const double one = median(bare), trace = median(traced);
  std::printf("%-28s %8.2f ms  trace %5.2f", workload.name.c_str(), 1e3 * one, trace / one - 1);
  for (const auto& column : kColumns) {
    PreflightOptions options;
    options.*column.experiment = true;
    std::printf("  %s %.1f", column.name, (seconds_of([&] { look(options); }) - trace) / one);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace
}  // namespace sonde::benchmarks

int main(int argc, char** argv) {
  std::vector<std::string> models;
  int repeats = 11, threads = 1;
  CLI::App app("What a preflight costs, in bare steps");
  app.add_option("--models", models, "keys of models, all if empty")->delimiter(',');
  app.add_option("--repeats", repeats)->check(CLI::Range(1, 1000));
  app.add_option("--threads", threads)->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(threads);
  for (const auto& workload : sonde::benchmarks::workloads())
    if (models.empty() || std::find(models.begin(), models.end(), workload.key) != models.end())
      sonde::benchmarks::measure(workload, repeats);
}
