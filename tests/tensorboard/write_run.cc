// Writes a run whose every number is known: FOLDER/run/events.out.tfevents... and FOLDER/expected.json.
#include <cmath>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/sample.h"
#include "report/tensorboard.h"
#include "report/tensorboard_text.h"

namespace {

using nlohmann::json;
using sonde::Phase;
using sonde::trace::Record;
using sonde::trace::RecordKind;

constexpr std::uint64_t kSteps = 3000;
constexpr int kLayers = 12;
constexpr double kStart = 1.7e9;  // seconds; the records' clock starts at one second then
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// JSON has no NaN, but Python reads this word.
std::string words(const json& document) {
  std::string text = document.dump(1);
  for (const char* word : {"NaN", "-Infinity", "Infinity"}) {
    const std::string quoted = '"' + std::string(word) + '"';
    for (auto at = text.find(quoted); at != std::string::npos; at = text.find(quoted))
      text.replace(at, quoted.size(), word);
  }
  return text;
}

json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

class Run {
 public:
  explicit Run(const std::string& folder) : writer_(folder + "/run", {kStart, 1'000'000'000}) {
    for (const char* kind : {"scalars", "histograms", "texts"}) expected_[kind] = json::object();
    for (int i = 0; i < kLayers; ++i) {
      sonde::trace::Site site;
      site.layer = "net." + std::to_string(i);
      site.layer_owns = true;
      site.operation = i % 3 == 0 ? "aten::relu" : i % 3 == 1 ? "aten::sigmoid" : "aten::linear";
      site.op_class = i % 3 == 0   ? sonde::trace::OpClass::rectifier
                      : i % 3 == 1 ? sonde::trace::OpClass::saturating
                                   : sonde::trace::OpClass::linear;
      operations_.push_back(catalog_.add(site));
      site.operation.clear();
      site.parameter = "weight";
      site.op_class = sonde::trace::OpClass::parameter;
      parameters_.push_back(catalog_.add(site));
    }
  }

  void step(std::uint64_t step) {
    step_ = step;
    const bool observed = step < 20 || step % 100 == 0;
    if (observed) layers();
    Record loss = record(RecordKind::loss);
    // Everything that a float can and cannot hold.
    constexpr double kOdd[] = {0, -0.5, 1e-50, 1e300, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()};
    const double value = step % 50 == 7 ? kOdd[step / 50 % std::size(kOdd)] : 2.3 * std::exp(-0.001 * step);
    loss.loss = {value, 1};
    push(loss);
    Record end = record(RecordKind::step_end);
    end.facts = {};
    end.facts.learning_rate = 0.1 / (1 + step);
    end.flags = observed ? sonde::trace::kObservedInFull : 0;
    push(end);
    expect_scalar("train/loss", value);
    expect_scalar("train/learning_rate", end.facts.learning_rate);
    if (step % 250 == 0) metric("val_loss", 1.0 / (1 + step));
    if (step % 500 == 0) metric("Ü <b>\n\xff/x", step % 1000 == 0 ? kInfinity : 3.0);
  }

  void incident(const sonde::Finding& finding) {
    writer_.incident(finding);
    expected_["texts"]["incidents/" + sonde::report::title_of(finding)].push_back(
        {finding.origin.step, sonde::report::markdown(finding)});
  }

  json finish() {
    writer_.flush();
    return expected_;
  }

 private:
  Record record(RecordKind kind) const {
    Record record;
    record.kind = kind;
    record.step = step_;
    record.time_ns = 1'000'000'000 + step_ * 10'000'000;
    return record;
  }
  void push(const Record& record) { writer_.consume(std::span(&record, 1), catalog_); }

  void expect_scalar(const std::string& tag, double value) {
    expected_["scalars"][tag].push_back({step_, kStart + 0.01 * step_, number(value)});
  }
  void expect_histogram(const std::string& tag, const std::vector<double>& values) {
    expected_["histograms"][tag].push_back({step_, values});
  }

  double tensor(std::uint32_t site, Phase phase, double rms, const auto& change) {
    Record one = record(RecordKind::tensor);
    one.site = site;
    one.phase = phase;
    one.tensor.count = 640;
    one.tensor.min = -1;
    one.tensor.max = 1;
    one.tensor.mean_square = rms * rms;
    change(one.tensor);
    push(one);
    return std::sqrt(rms * rms);
  }

  void layers() {
    std::vector<double> gradients, updates, activations, dead, saturated;
    for (int i = 0; i < kLayers; ++i) {
      const double size = 0.01 * (i + 1) * std::exp(-0.001 * step_);
      const std::string name = "net." + std::to_string(i);
      const auto activation = tensor(operations_[i], Phase::forward, 100 * size, [&](auto& stats) {
        stats.units = 64;
        stats.dead_units = static_cast<std::uint32_t>(i + step_ % 5);
        stats.beyond = 0.25F * (step_ % 3);
        stats.nan = i == 5 && step_ == 10 ? 3 : 0;
      });
      expect_scalar("activation_rms/" + name, activation);
      activations.push_back(std::log10(activation));
      if (i % 3 == 0) {
        dead.push_back((i + step_ % 5) / 64.0);
        expect_scalar("dead_share/" + name, dead.back());
      }
      if (i % 3 == 1) {
        saturated.push_back(0.25 * (step_ % 3));
        expect_scalar("saturated_share/" + name, saturated.back());
      }
      if (i == 5 && step_ >= 10) expect_scalar("non_finite/" + name, step_ == 10 ? 3 : 0);
      const auto nothing = [](auto&) {};
      const double gradient = tensor(parameters_[i], Phase::gradient, size, nothing);
      const double weight = tensor(parameters_[i], Phase::weight, 0.1, nothing);
      const double update =
          tensor(parameters_[i], Phase::update, 1e-3 * size, [](auto& stats) { stats.aux = 0.1; }) / 0.1;
      expect_scalar("gradient_rms/" + name + ".weight", gradient);
      expect_scalar("weight_rms/" + name + ".weight", weight);
      expect_scalar("update_ratio/" + name + ".weight", update);
      gradients.push_back(std::log10(gradient));
      updates.push_back(std::log10(update));
    }
    expect_histogram("layers/log10_gradient_rms", gradients);
    expect_histogram("layers/log10_update_ratio", updates);
    expect_histogram("layers/log10_activation_rms", activations);
    expect_histogram("layers/dead_share", dead);
    expect_histogram("layers/saturated_share", saturated);
  }

  void metric(const std::string& name, double value) {
    if (!metrics_.contains(name)) {
      sonde::trace::Site site;
      site.operation = sonde::trace::kMetricOperation;
      site.parameter = name;
      metrics_[name] = catalog_.add(site);
    }
    Record one = record(RecordKind::metric);
    one.site = metrics_[name];
    one.metric = {value, sonde::Better::inferred, sonde::Split::inferred};
    push(one);
    expect_scalar(name == "val_loss" ? "metrics/val_loss" : "metrics/Ü <b> \uFFFD/x", value);
  }

  sonde::trace::Catalog catalog_;
  sonde::report::TensorBoardWriter writer_;
  json expected_;
  std::vector<std::uint32_t> operations_, parameters_;
  std::map<std::string, std::uint32_t> metrics_;
  std::uint64_t step_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " FOLDER\n";
    return 2;
  }
  const std::string folder = argv[1];
  Run run(folder);
  for (std::uint64_t step = 0; step < kSteps; ++step) run.step(step);
  run.incident(sonde::report::log_of_zero());
  run.incident(sonde::report::redundant_dropout());
  run.incident(sonde::report::log_of_zero());
  std::ofstream(folder + "/expected.json") << words(run.finish());
}
