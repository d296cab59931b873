// What watching costs: the step of a model under the monitor, and under what else there is, against the bare step.
//
//   overhead [--models a,b] [--configurations every,default] [--repeats N] [--threads N] [--blas-threads N] [--seconds S]
//            [--json FILE]
//
// Every configuration has a model, an optimizer and data of its own, and is compared with itself: in each round a stretch
// of its steps goes bare (the monitor looks away) and one watched, which of them first changes from round to round. Two
// copies of a small model in one process may differ by 5 % for where they lie in memory. A ratio is the median over the
// rounds of (process CPU time of the watched stretch, the analysis of it included) / (that of the bare one). The
// monitor's default setting observes a few steps out of many: its ratio is that of the sums over all rounds. Behind each
// ratio stand two standard errors of it; "again" shows whether they are honest: a model without a monitor, bare in both.
// Page faults are those of a step: whether the allocator gives its memory back at the end of one depends on where small
// blocks lie, and each costs a microsecond or two.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <string>

#include <sonde/monitor.h>
#include <torch/torch.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "overhead_context.h"
#include "overhead_models.h"

namespace sonde::benchmarks {
namespace {

enum class Watch { again, every, default_, unobserved, anomaly, naive };

// Names as told and printed.
constexpr std::pair<Watch, const char*> kWatches[] = {{Watch::again, "again"},      {Watch::every, "every"},
                                                      {Watch::default_, "default"}, {Watch::unobserved, "unobserved"},
                                                      {Watch::anomaly, "anomaly"},  {Watch::naive, "naive"}};

struct Settings {
  std::vector<std::string> models;
  std::vector<std::string> configurations;  // empty: all, as for models
  int repeats = 15;
  int threads = 1;
  int blas_threads = 1;
  double seconds = 20;  // of one configuration of one model, roughly
  std::string json;
};

// What people write when they look for a NaN: one operator a number, each number fetched at once.
void look_naively(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() < 2) return;
  volatile double sink = tensor.isfinite().all().item<bool>();
  for (const at::Tensor& number : {tensor.min(), tensor.max(), tensor.mean(), tensor.std()})
    sink = number.item<double>();
  sink = static_cast<double>(tensor.count_nonzero().item<std::int64_t>());
  static_cast<void>(sink);
}

// One model that is trained under one kind of watching.
class Run {
 public:
  Run(const Workload& workload, Watch watch, const std::vector<Batch>& batches)
      : watch_(watch), batches_(batches), model_((torch::manual_seed(5), workload.make())) {
    optimizer_.emplace(model_->parameters(), torch::optim::AdamOptions(workload.learning_rate));
    Options options;
    options.every_step = watch == Watch::every;
    if (watch == Watch::unobserved) {  // after the first steps: what all but the observed steps cost
      options.overhead = 1e-9;
      options.max_blind_steps = std::numeric_limits<std::uint32_t>::max();
    }
    if (watch == Watch::every || watch == Watch::default_ || watch == Watch::unobserved)
      monitor_.emplace(*model_, *optimizer_, std::move(options));
  }

  // The monitor looks away but in its own watched stretches: a monitor that waits for its model's next step sees the
  // operations of the other models, which would make their steps dearer.
  void pause() {
    if (monitor_) pause_.emplace(monitor_->pause());
  }
  void resume() { pause_.reset(); }

  void steps(int count, bool watched) {
    for (int i = 0; i < count; ++i) step(watched);
  }

  // What watching left to be done on another thread is part of its cost.
  void settle() {
    if (monitor_) monitor_->poll();
  }

  std::uint64_t observed() { return monitor_ ? monitor_->report().context.observed_steps : 0; }
  std::optional<Report> report() { return monitor_ ? std::optional(monitor_->report()) : std::nullopt; }

 private:
  void step(bool watched) {
    const Batch& batch = batches_[next_++ % batches_.size()];
    optimizer_->zero_grad();
    std::optional<torch::autograd::DetectAnomalyGuard> guard;
    if (watched && watch_ == Watch::anomaly) guard.emplace();
    model_->collect_in(watched && watch_ == Watch::naive ? &outputs_ : nullptr);
    const at::Tensor loss = torch::nn::functional::cross_entropy(model_->forward(batch.input), batch.labels);
    if (watched && monitor_) {
      monitor_->backward(loss);
    } else {
      loss.backward();
    }
    guard.reset();
    if (watched && watch_ == Watch::naive) look_at_everything();
    optimizer_->step();
  }

  void look_at_everything() {
    const torch::NoGradGuard no_grad;
    for (const at::Tensor& output : outputs_) look_naively(output);
    for (const at::Tensor& weight : model_->parameters()) {
      look_naively(weight);
      look_naively(weight.grad());
    }
    outputs_.clear();
  }

  Watch watch_;
  const std::vector<Batch>& batches_;
  std::size_t next_ = 0;
  std::vector<at::Tensor> outputs_;
  std::shared_ptr<Model> model_;
  std::optional<torch::optim::Adam> optimizer_;
  std::optional<Monitor> monitor_;
  std::optional<Monitor::Pause> pause_;
};

struct Stretch {
  double cpu = 0;  // seconds a step
  double wall = 0;
  double page_faults = 0;      // a step
  std::uint64_t observed = 0;  // steps that the monitor observed in full
};

// The time between two stretches looks like a long step, for which a monitor with a budget grants itself two observations
// at once: they are let pass before the clock starts.
constexpr int kLeadIn = 3;

Stretch measure(Run& run, int steps, bool watched, int lead_in = kLeadIn) {
  if (watched) run.resume();
  run.steps(lead_in, watched);
  run.settle();
  const std::uint64_t observed = run.observed();
  const Clocks before = Clocks::now();
  run.steps(steps, watched);
  if (watched) run.settle();
  const Clocks after = Clocks::now();
  if (watched) run.pause();
  return {(after.cpu - before.cpu) / steps, (after.wall - before.wall) / steps,
          static_cast<double>(after.page_faults - before.page_faults) / steps, run.observed() - observed};
}

double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double two_standard_errors(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  if (count < 2) return std::nan("");
  const double centre = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return 2 * std::sqrt(squares / (count - 1) / count);
}

struct Outcome {
  Watch watch = Watch::again;
  std::string name;
  int steps = 0;                                       // measured
  std::vector<double> cpu, wall, bare_cpu, bare_wall;  // a step, by rounds
  std::vector<double> faults, bare_faults;
  std::uint64_t observed = 0;  // steps observed in full, of the measured
  std::size_t warnings = 0;

  void add(const Stretch& bare, const Stretch& watched, int count) {
    steps += count;
    observed += watched.observed;
    cpu.push_back(watched.cpu);
    wall.push_back(watched.wall);
    bare_cpu.push_back(bare.cpu);
    bare_wall.push_back(bare.wall);
    faults.push_back(watched.page_faults);
    bare_faults.push_back(bare.page_faults);
  }
  static std::vector<double> ratios(const std::vector<double>& watched, const std::vector<double>& bare) {
    std::vector<double> ratios(watched.size());
    std::transform(watched.begin(), watched.end(), bare.begin(), ratios.begin(), std::divides<>());
    return ratios;
  }
  double ratio(const std::vector<double>& watched, const std::vector<double>& bare) const {
    return watch == Watch::default_ ? mean(watched) / mean(bare) : median(ratios(watched, bare));
  }
  double cpu_ratio() const { return ratio(cpu, bare_cpu); }
  double cpu_error() const { return two_standard_errors(ratios(cpu, bare_cpu)); }
  double wall_ratio() const { return ratio(wall, bare_wall); }
  bool monitored() const { return watch == Watch::every || watch == Watch::default_ || watch == Watch::unobserved; }

  void print() const {
    std::printf("   %-10s %8.3f +-%.3f  wall %.3f  page faults %.0f (bare %.0f)", name.c_str(), cpu_ratio(),
                cpu_error(), wall_ratio(), median(faults), median(bare_faults));
    if (monitored())
      std::printf("  observed %5.1f %%  warnings %zu", 100.0 * static_cast<double>(observed) / steps, warnings);
    std::printf("\n");
    std::fflush(stdout);
  }
  nlohmann::json json() const {
    nlohmann::json json = {{"configuration", name},         {"steps", steps},
                           {"cpu_ratio", cpu_ratio()},      {"cpu_ratio_two_standard_errors", cpu_error()},
                           {"wall_ratio", wall_ratio()},    {"cpu_ratios", ratios(cpu, bare_cpu)},
                           {"page_faults", median(faults)}, {"bare_page_faults", median(bare_faults)}};
    if (monitored()) {
      json["observed_steps"] = observed;
      json["warnings"] = warnings;
    }
    return json;
  }
};

bool wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

constexpr int kWarmUp = 60;  // beyond the monitor's first steps, which are always observed

nlohmann::json measure_model(const Workload& workload, const Settings& settings) {
  const auto batches = make_batches(workload, 64);
  std::vector<std::unique_ptr<Run>> runs;
  std::vector<Outcome> outcomes;
  for (const auto& [watch, name] : kWatches) {
    if (!wanted(settings.configurations, name)) continue;
    runs.push_back(std::make_unique<Run>(workload, watch, batches));
    runs.back()->steps(watch == Watch::anomaly ? 1 : kWarmUp, true);
    runs.back()->pause();
    outcomes.emplace_back();
    outcomes.back().watch = watch;
    outcomes.back().name = name;
  }
  const Stretch trial = measure(*runs[0], 5, false);
  const int stretch = std::clamp(static_cast<int>(settings.seconds / settings.repeats / trial.wall / 2), 5, 400);

  double anomaly_seconds = 0;
  for (int round = 0; round < settings.repeats; ++round) {
    for (std::size_t k = 0; k < runs.size(); ++k) {
      const bool anomaly = outcomes[k].watch == Watch::anomaly;  // up to 300 times the bare step
      if (anomaly && anomaly_seconds > settings.seconds) continue;
      const int steps = anomaly ? 1 : stretch;
      Stretch bare, watched;
      for (const bool watch : {round % 2 == 0, round % 2 != 0}) {
        if (watch) {
          watched = measure(*runs[k], steps, true, anomaly ? 0 : kLeadIn);
        } else {
          bare = measure(*runs[k], stretch, false);
        }
      }
      outcomes[k].add(bare, watched, steps);
      if (anomaly) anomaly_seconds += watched.wall;
    }
  }

  const double bare_cpu = median(outcomes[0].bare_cpu), bare_wall = median(outcomes[0].bare_wall);
  std::printf("%s  %s: bare step %.3f ms of CPU time, %.3f ms\n", workload.key.c_str(), workload.name.c_str(),
              1e3 * bare_cpu, 1e3 * bare_wall);
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t k = 0; k < runs.size(); ++k) {
    if (const auto report = runs[k]->report()) outcomes[k].warnings = report->count(Severity::warning);
    outcomes[k].print();
    rows.push_back(outcomes[k].json());
  }
  return {{"model", workload.key},          {"name", workload.name},    {"bare_cpu_seconds", bare_cpu},
          {"bare_wall_seconds", bare_wall}, {"steps_a_round", stretch}, {"configurations", rows}};
}

int run(const Settings& settings) {
  set_threads(settings.threads, settings.blas_threads);
  const Context context = Context::here(settings.threads, settings.blas_threads);
  context.print(std::cout);
  std::printf("CPU time against the bare step, +- two standard errors\n");
  nlohmann::json models = nlohmann::json::array();
  for (const Workload& workload : workloads()) {
    if (wanted(settings.models, workload.key)) models.push_back(measure_model(workload, settings));
  }
  if (!settings.json.empty()) {
    std::ofstream file(settings.json);
    file << nlohmann::json{{"schema", 2},
                           {"context", context.json()},
                           {"repeats", settings.repeats},
                           {"models", models}}
                .dump(2)
         << '\n';
    if (!file) throw std::runtime_error("cannot write " + settings.json);
  }
  return 0;
}

}  // namespace
}  // namespace sonde::benchmarks

int main(int argc, char** argv) {
  sonde::benchmarks::Settings settings;
  CLI::App app("The cost of watching a training step, against the bare step");
  app.add_option("--models", settings.models, "some of a, b, c, d, e, f")
      ->delimiter(',')
      ->check(CLI::IsMember({"a", "b", "c", "d", "e", "f"}));
  std::set<std::string> names;
  for (const auto& [watch, name] : sonde::benchmarks::kWatches) names.insert(name);
  app.add_option("--configurations", settings.configurations, "some of the six kinds of watching; default: all")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  app.add_option("--repeats", settings.repeats, "rounds")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--threads", settings.threads, "LibTorch's threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--blas-threads", settings.blas_threads, "OpenBLAS's threads, beside LibTorch's")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "time for one configuration of one model")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--json", settings.json, "write the figures to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    return sonde::benchmarks::run(settings);
  } catch (const std::exception& error) {
    std::cerr << "overhead: " << error.what() << '\n';
    return 1;
  }
}
