// Run: what is known of the run as a whole: the graph, the series, the loss, the scales. Fed with each pass, read by all
// analyzers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "analysis/loss_history.h"
#include "analysis/metric.h"
#include "analysis/series.h"
#include "analysis/step.h"
#include "rules/graph.h"
#include "rules/loss_reading.h"
#include "rules/outside.h"
#include "trace/catalog.h"

namespace sonde::analysis {

using rules::activates;
using rules::classifies;
using rules::Graph;
using rules::LossReading;
using rules::mixes;
using rules::Output;
using rules::passes_on;
using rules::Scale;

class Run {
 public:
  explicit Run(const trace::Catalog& catalog) : catalog_(catalog) {}

  // `position`: the number of the last record of the step. The catalog is read as it was then.
  void take(const Step& step, std::uint64_t position);
  // Takes a RecordKind::metric in. Gives the metric if there is something new to judge, else nullptr.
  const Metric* take_metric(const trace::Record& record);

  [[nodiscard]] const Graph& graph() const noexcept { return graph_; }
  [[nodiscard]] const SeriesStore& series() const noexcept { return series_; }
  [[nodiscard]] const trace::Program& program() const noexcept { return program_; }
  [[nodiscard]] const LossReading& reading() const noexcept { return reading_; }
  // Of the loss that is trained on most often; several losses have a history each.
  [[nodiscard]] const LossHistory& loss() const;
  // True if several losses take turns (a GAN), or passes are closure evaluations: a loss need not fall then.
  [[nodiscard]] std::uint32_t loss_site() const noexcept { return loss_site_; }
  [[nodiscard]] bool several_losses() const noexcept { return losses_.size() > 1; }
  [[nodiscard]] bool closures() const noexcept { return closures_; }

  // True if the model was in eval mode on every pass, and its operations care.
  [[nodiscard]] bool always_in_eval_mode() const noexcept {
    return passes_ > 0 && eval_passes_ == passes_ && cares_about_mode_;
  }

  [[nodiscard]] std::uint64_t passes() const noexcept { return passes_; }
  [[nodiscard]] std::uint64_t observed() const noexcept { return observed_; }
  [[nodiscard]] double learning_rate() const noexcept { return learning_rate_; }
  // Passes whose learning rate was above zero, as far as it was seen.
  [[nodiscard]] std::uint64_t moving_passes() const noexcept { return moving_passes_; }

  // The user's numbers, by site, and the step of the last one.
  [[nodiscard]] const std::map<std::uint32_t, Metric>& metrics() const noexcept { return metrics_; }
  [[nodiscard]] std::uint64_t last_metric_step() const noexcept { return last_metric_step_; }

  // The largest floating-point input of the network, and the target.
  [[nodiscard]] const Scale& input() const noexcept { return outside_.input(); }
  [[nodiscard]] const Scale& target() const noexcept { return outside_.target(); }
  [[nodiscard]] const rules::Outside& outside() const noexcept { return outside_; }
  // Rows of the tensor that batches of the input are picked from, and of the batch; 0 where that is not seen.
  [[nodiscard]] std::int64_t data_rows() const { return outside_.data_rows(graph_); }
  [[nodiscard]] std::int64_t batch_rows() const { return outside_.batch_rows(graph_); }
  // Labels of 0 and 1, one of them set in each row; several of them set in some rows.
  [[nodiscard]] bool one_hot_target() const { return outside_.one_hot(program_, reading_); }
  [[nodiscard]] bool multi_hot_target() const { return outside_.multi_hot(graph_, program_, reading_); }
  // The statistics of an operation's output when it was last observed, nullptr if never.
  [[nodiscard]] const trace::TensorStats* last_output(std::uint32_t site) const;
  // Weight matrices (two dimensions or more) in the order of the data flow, as last seen.
  [[nodiscard]] const std::vector<std::uint32_t>& weights() const noexcept { return weights_; }
  // RMS of the last update over RMS of the weight: the median over the last `n` observed steps; NaN if unknown.
  [[nodiscard]] double relative_update(std::uint32_t weight, std::size_t n = 5) const;
  // The median of it over all weight matrices, NaN if unknown.
  [[nodiscard]] double typical_update(std::size_t n = 5) const;

  // The largest that the median over all weight matrices has been on one observed step, and when.
  struct Peak {
    double value = 0;
    std::uint64_t step = 0;
  };
  [[nodiscard]] const Peak& peak_update() const noexcept { return peak_update_; }

  // True once the loss lies clearly below what it was at `step`, and below what it started from, and below what needs no
  // network: a loss that comes down from a peak of its own making, or from an absurd start, has not improved.
  [[nodiscard]] bool improved_since(std::uint64_t step) const {
    if (step < 2 * LossHistory::kFirst && far_better_than_constant()) return true;  // learnt within those first steps
    return loss().improved_since(step) && loss().improved_from(starting_level()) && !no_better_than_constant();
  }
  // The level of the loss before training changed it: of the first losses, or the very first one if the first steps were
  // so large that they blew it up.
  [[nodiscard]] double starting_level() const;
  // True if the loss is known to lie no lower than an answer that ignores the input would put it.
  [[nodiscard]] bool no_better_than_constant() const;
  [[nodiscard]] bool far_better_than_constant() const;
  // True if all updates so far, taken together, can have changed a typical weight by a few per cent only.
  [[nodiscard]] bool hardly_moved() const;

 private:
  void take_tensor(const trace::Record& record, const Step& step);

  const trace::Catalog& catalog_;
  Graph graph_;
  SeriesStore series_;
  SeriesStore ratios_;
  trace::Program program_;
  LossReading reading_;
  std::map<std::uint32_t, LossHistory> losses_;  // by site
  std::uint32_t loss_site_ = 0;
  bool closures_ = false;
  bool cares_about_mode_ = false;
  std::uint64_t eval_passes_ = 0;
  std::uint64_t passes_ = 0;
  std::uint64_t observed_ = 0;
  std::uint64_t moving_passes_ = 0;
  double learning_rate_ = 0;
  rules::Outside outside_;
  std::unordered_map<std::uint32_t, trace::TensorStats> outputs_;
  std::vector<std::uint32_t> weights_;
  std::vector<bool> is_weight_;  // by site
  Peak peak_update_;
  std::map<std::uint32_t, Metric> metrics_;
  std::uint64_t last_metric_step_ = 0;
};

}  // namespace sonde::analysis
