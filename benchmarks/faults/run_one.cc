#include "faults/run_one.h"

#include <fstream>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "faults/readers.h"
#include "faults/training.h"
#include "runtime/replay.h"
#include "trace/trace_file.h"

#include <sonde/sonde.h>

namespace sonde::faults {
namespace {

// A monitor as a user attaches it. It is told nothing of the case.
class Monitored : public Watch {
 public:
  explicit Monitored(Options options) : options_(std::move(options)) {}

  void attach(torch::nn::Module& model, torch::optim::Optimizer& optimizer) override {
    try {
      monitor_.emplace(model, optimizer, options_);
    } catch (const WrongOptimizer& error) {
      Report report;
      report.findings.push_back(error.finding());
      report_ = nlohmann::json::parse(report.to_json());
      throw;
    } catch (const std::invalid_argument& error) {
      refused_ = error.what();
      throw;
    }
  }
  void backward(const torch::Tensor& loss) override { monitor_->backward(loss); }
  void finish() override {
    if (!monitor_) return;
    const std::string live = monitor_->report().to_json();
    report_ = nlohmann::json::parse(live);
    if (options_.trace_file.empty()) return;
    const std::string replayed = runtime::replay(trace::load_trace(options_.trace_file)).to_json();
    std::filesystem::remove(options_.trace_file);
    if (replayed != live) throw std::runtime_error("the replay gives another report: " + replayed);
  }

  [[nodiscard]] const nlohmann::json& report() const noexcept { return report_; }
  [[nodiscard]] const std::string& refused() const noexcept { return refused_; }

 private:
  Options options_;
  std::optional<Monitor> monitor_;
  nlohmann::json report_;
  std::string refused_;
};

}  // namespace

void run_one(const RunOne& request) {
  at::set_num_threads(request.threads);
  const Case loaded = load_case(request.file);
  if (request.patched && !loaded.patched) throw std::invalid_argument("the case has no patched variant");
  const Program& program = request.patched ? *loaded.patched : loaded.program;

  Options options;
  options.every_step = request.every_step;
  if (request.replayed) {
    options.trace_file = request.output.string() + ".trace";
    options.trace_records = std::size_t{1} << 20;  // so that none is overwritten
  }
  Monitored monitored(options);
  Unwatched unwatched;
  Watch& watch = request.bare ? static_cast<Watch&>(unwatched) : monitored;
  const Outcome outcome = train(program, request.seed, request.digits, watch);

  const nlohmann::json result = {{"steps", outcome.steps},           {"first_loss", outcome.first_loss},
                                 {"last_loss", outcome.last_loss},   {"score", outcome.score},
                                 {"stopped_by", outcome.stopped_by}, {"refused", monitored.refused()},
                                 {"report", monitored.report()}};
  std::ofstream stream(request.output);
  stream << result;
  if (!stream.flush()) throw std::runtime_error("cannot write " + request.output.string());
}

}  // namespace sonde::faults
