#include "analysis/engine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "analysis/analyzer.h"
#include "analysis/analyzers.h"
#include "analysis/diagnosis.h"
#include "analysis/incidents.h"
#include "analysis/metric_analyzer.h"
#include "analysis/rule_analyzer.h"
#include "analysis/run.h"
#include "analysis/step.h"

namespace sonde::analysis {

using trace::Record;
using trace::RecordKind;

class Engine::Impl {
 public:
  Impl(const trace::Catalog& catalog, rules::RuleChoice rules, OwnAnalyzerChoice own)
      : catalog_(catalog),
        run_(catalog),
        analyzers_(make_analyzers()),
        metric_analyzers_(make_metric_analyzers()),
        rules_(std::move(rules)) {
    analyzers_.push_back(std::make_unique<OwnAnalyzers>(std::move(own)));
    totals_.first_loss = totals_.last_loss = std::numeric_limits<double>::quiet_NaN();
  }

  void consume(const Record& record) {
    // Records have their number modulo 2^32.
    number_ += static_cast<std::uint32_t>(record.sequence - static_cast<std::uint32_t>(number_));
    begun_ = true;
    switch (record.kind) {
      case RecordKind::step_begin:
        if (!step_.empty()) finish();  // its end was lost
        begin(record);
        step_.set_facts(record);
        return;
      case RecordKind::step_end:
        if (step_.empty()) begin(record);
        step_.set_facts(record);
        finish();
        return;
      case RecordKind::metric:
        judge(record);
        return;
      default:
        // A tensor of another step: begin and end in between were lost.
        if (!step_.empty() && record.kind == RecordKind::tensor && record.step != step_.number()) finish();
        if (step_.empty()) begin(record);
        step_.add(record);
    }
  }

  [[nodiscard]] std::vector<Finding> findings() const {
    std::vector<Finding> all;
    std::vector<const Incident*> advice;  // of rules; a worse incident may have taken them in
    for (const Incident& incident : builder_.incidents()) {
      if (taken_back(incident, run_)) continue;
      if (is_habit(incident)) {
        advice.push_back(&incident);
      } else {
        all.push_back(explain(incident, run_, catalog_, rules_.habits()));
      }
    }
    const std::size_t others = all.size();
    for (const Incident* incident : advice) {
      const std::span worse(all.data(), others);
      if (!told_by(*incident, worse)) all.push_back(explain(*incident, run_, catalog_, {}));
    }
    std::ranges::stable_sort(all, [](const Finding& a, const Finding& b) {
      return a.severity != b.severity ? a.severity > b.severity : a.origin.step < b.origin.step;
    });
    return all;
  }

  [[nodiscard]] std::vector<std::size_t> take_news() {
    std::vector<std::size_t> news;
    if (!std::exchange(news_, false)) return news;
    told_.resize(builder_.incidents().size());
    for (std::size_t i = 0; i < told_.size(); ++i) {
      const Incident& incident = builder_.incidents()[i];
      const Severity severity = severity_of(incident, run_);
      if ((told_[i] && *told_[i] >= severity) || taken_back(incident, run_)) continue;
      told_[i] = severity;
      news.push_back(i);
    }
    return news;
  }

  [[nodiscard]] Finding finding(std::size_t number) const {
    const Incident& incident = builder_.incidents()[number];
    return explain(incident, run_, catalog_, is_habit(incident) ? std::span<const Sighting>() : rules_.habits());
  }

  [[nodiscard]] RunTotals totals() const {
    RunTotals totals = totals_;
    for (const auto& [site, metric] : run_.metrics()) {
      totals.metrics.push_back({metric.name(), metric.kind().better, metric.kind().split, metric.count(),
                                metric.first(), metric.best().value, metric.best().step, metric.last()});
    }
    return totals;
  }
  [[nodiscard]] std::size_t incidents() const noexcept { return builder_.incidents().size(); }
  [[nodiscard]] std::uint64_t position() const noexcept { return begun_ ? number_ + 1 : 0; }
  void begin_at(std::uint64_t number) noexcept { number_ = number; }
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] bool suspicious() const noexcept { return run_.passes() < suspicious_until_; }

 private:
  static constexpr std::uint64_t kSuspicion = 30;  // passes that a new sighting keeps the probe alert

  void begin(const Record& record) { step_.clear(record.step, run_.passes()); }

  void finish() {
    run_.take(step_, number_);
    std::vector<Sighting> seen;
    for (const auto& analyzer : analyzers_) analyzer->end_of_step(step_, run_, seen);
    rules_.end_of_step(step_, run_, seen);
    // The earliest in the data flow first: it becomes the origin of what the same step shows further on.
    std::ranges::stable_sort(seen, [](const Sighting& a, const Sighting& b) {
      return std::pair(a.step, a.position) < std::pair(b.step, b.position);
    });
    const bool news = !seen.empty();
    const std::size_t before = builder_.incidents().size();
    add(seen, step_.pass());
    if (builder_.incidents().size() > before) suspicious_until_ = run_.passes() + kSuspicion;
    count();
    // Severity also follows the course of the loss, slowly.
    if (!news && step_.pass() % 8 != 0) return step_.reset();
    broken_ = std::ranges::any_of(builder_.incidents(), [this](const Incident& incident) {
      return worst_of(incident) == Severity::error && severity_of(incident, run_) == Severity::error;
    });
    step_.reset();
  }

  void judge(const Record& record) {
    const Metric* metric = run_.take_metric(record);
    if (metric == nullptr) return;
    std::vector<Sighting> seen;
    for (const auto& analyzer : metric_analyzers_) analyzer->evaluated(*metric, run_, seen);
    add(seen, run_.passes());
  }

  void add(std::vector<Sighting>& seen, std::uint64_t pass) {
    news_ = news_ || !seen.empty();
    for (Sighting& sighting : seen) {
      sighting.pass = pass;
      builder_.add(std::move(sighting), run_);
    }
  }

  void count() {
    totals_.steps = std::max(totals_.steps, step_.number() + 1);
    totals_.observed_steps += step_.observed() ? 1 : 0;
    totals_.task = rules_.model().task;
    totals_.task_reason = rules_.model().task_reason;
    const double loss = step_.loss();
    if (std::isnan(totals_.first_loss)) totals_.first_loss = loss;
    if (!std::isnan(loss)) totals_.last_loss = loss;
    if (step_.has_facts() && step_.facts().applied == 0 && totals_.skipped++ == 0)
      totals_.first_skipped = step_.number();
    totals_.step_nanoseconds += step_.facts().step_nanoseconds;
    totals_.monitor_nanoseconds += step_.facts().monitor_nanoseconds;
  }

  const trace::Catalog& catalog_;
  Run run_;
  std::vector<std::unique_ptr<Analyzer>> analyzers_;
  std::vector<std::unique_ptr<MetricAnalyzer>> metric_analyzers_;
  RuleAnalyzer rules_;
  Step step_;
  IncidentBuilder builder_;
  std::vector<std::optional<Severity>> told_;  // by incident: how severe it was when it was news
  bool news_ = false;
  RunTotals totals_;
  std::uint64_t number_ = 0;  // of the last record
  bool begun_ = false;
  bool broken_ = false;
  std::uint64_t suspicious_until_ = 0;
};

Engine::Engine(const trace::Catalog& catalog, rules::RuleChoice rules, OwnAnalyzerChoice own)
    : impl_(std::make_unique<Impl>(catalog, std::move(rules), std::move(own))) {}
Engine::~Engine() = default;

void Engine::consume(std::span<const Record> records) {
  for (const Record& record : records) impl_->consume(record);
}

std::vector<Finding> Engine::findings() const { return impl_->findings(); }
RunTotals Engine::totals() const { return impl_->totals(); }
std::size_t Engine::incidents() const noexcept { return impl_->incidents(); }
std::uint64_t Engine::position() const noexcept { return impl_->position(); }
void Engine::begin_at(std::uint64_t number) { impl_->begin_at(number); }
std::vector<std::size_t> Engine::take_news() { return impl_->take_news(); }
std::vector<Finding> Engine::findings(std::span<const std::size_t> incidents) const {
  std::vector<Finding> findings;
  for (const std::size_t number : incidents) findings.push_back(impl_->finding(number));
  return findings;
}
bool Engine::broken() const noexcept { return impl_->broken(); }
bool Engine::suspicious() const noexcept { return impl_->suspicious(); }

}  // namespace sonde::analysis
