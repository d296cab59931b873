#include "report/html_facts.h"

#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "report/html_markup.h"
#include "report/text.h"

namespace sonde::report {
namespace {

// By Quantity, for sentences.
constexpr std::array<std::string_view, kQuantities> kWatched = {"gradients of parameters",
                                                                "gradients of outputs",
                                                                "updates",
                                                                "dead units",
                                                                "saturation",
                                                                "values not finite",
                                                                "outputs",
                                                                "weights"};

std::string row(std::string_view label, const std::string& value) {
  return value.empty() ? std::string() : fmt::format("<dt>{}</dt><dd>{}</dd>\n", label, escaped(value));
}

std::string section(std::string_view title, const std::string& rows, std::string_view after = {}) {
  return fmt::format("<section class=\"facts\"><h2>{}</h2><dl>\n{}</dl>{}</section>\n", title, rows, after);
}

std::string seconds(double value) {
  return value < 1 ? fmt::format("{} ms", number(value * 1e3)) : fmt::format("{} s", number(value));
}

// "0.11 at first, 0.97 at last, best 0.98 at step 340".
std::string course_of(const MetricSummary& metric) {
  std::string text = fmt::format("{} at first, {} at last", number(metric.first), number(metric.last));
  if (!std::isnan(metric.best)) text += fmt::format(", best {} at step {}", number(metric.best), metric.best_step);
  return text;
}

std::string item(const NotObserved& unseen) {
  const std::string times = unseen.count > 1 ? fmt::format(" <span class=\"times\">{}\u00D7</span>", unseen.count) : "";
  return fmt::format("<li><code>{}</code> {}{}</li>\n", escaped(unseen.what), escaped(unseen.reason), times);
}

}  // namespace

std::string context_section(const Report& report) {
  const RunContext& context = report.context;
  const std::string task =
      context.task_reason.empty() ? context.task : fmt::format("{} ({})", context.task, context.task_reason);
  std::string loss = context.loss;
  if (!std::isnan(context.first_loss) && !std::isnan(context.last_loss)) {
    loss += fmt::format("{}{} at first, {} at last", loss.empty() ? "" : "; ", number(context.first_loss),
                        number(context.last_loss));
  }
  std::string metrics;
  for (const MetricSummary& metric : context.metrics) {
    metrics += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(metric.name), escaped(course_of(metric)));
  }
  return section("The program", row("Run", context.monitor) + row("Task", context.task.empty() ? "" : task) +
                                    row("Loss", loss) + metrics + row("Optimizer", context.optimizer) +
                                    row("Layers", grouped(context.layers)) +
                                    row("Parameters", grouped(context.parameters)) + row("Device", context.device) +
                                    row("LibTorch", context.torch_version) + row("Sonde", context.sonde_version));
}

std::string cost_section(const Report& report) {
  const Cost& cost = report.cost;
  const std::string share = cost.step_seconds > 0 ? fmt::format(" ({} %)", number(100 * cost.share())) : "";
  return section("Cost of watching", row("Training", seconds(cost.step_seconds)) +
                                         row("Monitor", seconds(cost.monitor_seconds) + share) +
                                         row("Records", grouped(cost.records)) +
                                         row("Dropped", cost.dropped == 0 ? "none" : grouped(cost.dropped)));
}

std::string watched_section(const Report& report) {
  const RunContext& context = report.context;
  std::array<std::uint64_t, kQuantities> layers{};
  for (const TimelineLayer& layer : report.timeline.layers) {
    for (std::size_t i = 0; i < kQuantities; ++i) layers[i] += layer.series[i].empty() ? 0 : 1;
  }
  std::string watched;
  for (std::size_t i = 0; i < kQuantities; ++i) {
    if (layers[i] == 0) continue;
    watched += fmt::format("{}{} in {}", watched.empty() ? "" : ", ", kWatched[i], counted(layers[i], "layer"));
  }
  std::string unseen;
  for (const NotObserved& one : report.not_observed) unseen += item(one);
  if (report.timeline.series_left_out > 0) {
    unseen += fmt::format(
        "<li>{} series not kept for this page: there are too many layers; they were judged like all others</li>",
        report.timeline.series_left_out);
  }
  if (report.cost.dropped > 0) {
    unseen += fmt::format("<li>{} lost because the analysis fell behind</li>", counted(report.cost.dropped, "record"));
  }
  const std::string_view none = "<p>Everything that ran on the observed steps was looked at.</p>";
  return section("Checked", row("Steps", fmt::format("{}, of these {} in full", grouped(context.steps),
                                                     grouped(context.observed_steps))) +
                                row("Measured", watched)) +
         fmt::format("<section class=\"facts\"><h2>Not checked</h2>{}</section>\n",
                     unseen.empty() ? std::string(context.steps > 0 ? none : "<p>No step was seen.</p>")
                                    : "<ul class=\"unseen\">" + unseen + "</ul>");
}

}  // namespace sonde::report
