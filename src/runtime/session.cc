#include "runtime/session.h"

#include <chrono>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "runtime/assemble.h"

namespace sonde::runtime {

namespace {

// A report is made for the black box when there is a new incident, and else after so long.
constexpr std::chrono::seconds kSnapshotPeriod{1};

bool has_line(const SourceLine& source) { return source.known() || !source.function.empty(); }

}  // namespace

Session::Session(const Options& options, Extras extras)
    : run_(run_facts(options)),
      extras_(std::move(extras)),
      troubles_(options.on_trouble),
      box_(options, troubles_),
      catalog_(&box_.sequence(), box_.journal()),
      metric_names_(catalog_),
      outlets_(options, catalog_, troubles_),
      sink_(catalog_, {options.rules_off, options.own_rules, options.all_habits},
            {options.own_analyzers,
             [this](std::string_view name, std::string_view what) { own_analyzer_failed(name, what); }},
            outlets_),
      worker_(sink_, troubles_, options.ring_capacity, options.background,
              {&box_.sequence(), [this] { return box_.ring_memory(); },
               [this] {
                 keep_report(false);
                 announce();
               }}) {
  troubles_.tell();
}

Session::~Session() {
  if (!box_.recording()) return;
  try {
    keep_report(true);
  } catch (const std::exception&) {}  // what was kept before stays; there is nobody left to tell
}

// Called by the sink, under the lock under which records are delivered.
void Session::own_analyzer_failed(std::string_view name, std::string_view what) {
  troubles_.note("an own analyzer failed", std::string(name) + " threw: " + std::string(what) +
                                               "; it is shown the next step, and the training is not affected");
  catalog_.not_observed("what the analyzer " + std::string(name) + " would have found", "it failed");
}

void Session::EngineSink::consume(std::span<const trace::Record> records) {
  if (keep_) kept_.insert(kept_.end(), records.begin(), records.end());
  outlets_.consume(records);
  engine_.consume(records);
  timeline_.consume(records);
  // Whoever keeps the records may ask for a trace of all.
  if (!keep_) catalog_.forget_before(engine_.position());
}

void Session::poll() {
  (void)worker_.drained();
  keep_report(false);
  if (!worker_.background()) announce();
  troubles_.tell();
}

void Session::metric(std::string_view name, double value, MetricOptions how, std::uint64_t step,
                     std::uint64_t time_ns) {
  trace::Record record;
  record.kind = trace::RecordKind::metric;
  record.phase = Phase::loss;
  record.site = metric_names_.site_of(name);
  if (record.site == 0) return;
  record.step = step;
  record.time_ns = time_ns;
  record.metric = {value, how.better, how.split};
  worker_.producer_for_this_thread().push(record);
}

void Session::announce() {
  if (!outlets_.tells_incidents()) return;
  // One at a time; a logger that asks for a report comes back here on the same thread.
  if (announcing_.test_and_set(std::memory_order_acquire)) return;
  const struct Done {  // also when something below throws
    std::atomic_flag& flag;
    ~Done() { flag.clear(std::memory_order_release); }
  } done{announcing_};
  const auto now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
  std::vector<std::size_t> numbers;
  std::vector<Finding> news;
  std::optional<report::Progress> progress;
  {
    const auto lock = worker_.drained();
    numbers = sink_.engine().take_news();
    news = sink_.engine().findings(numbers);
  }
  const bool resolved = resolve_sources(news);
  {
    const auto lock = worker_.drained();
    if (resolved) news = sink_.engine().findings(numbers);
    outlets_.write(news, now);
    progress = outlets_.progress();
  }
  outlets_.log(news);
  if (progress) outlets_.draw(*progress, now);
}

void Session::close(const Report* report) {
  worker_.stop();
  announce();
  outlets_.close(report);
  troubles_.tell();
}

Session::Look Session::look() {
  Look look;
  const auto lock = worker_.drained();
  try {
    look.position = sink_.engine().position();
    look.totals = sink_.engine().totals();
    look.findings = sink_.engine().findings();
  } catch (const std::exception& error) {
    troubles_.note("the analysis failed", std::string(error.what()) + " (while making a report)");
  }
  return look;
}

Report Session::report_of(Look look) {
  Report report = assemble(run_, catalog_, std::move(look.findings), look.totals);
  report.cost.records = worker_.pushed();
  report.cost.dropped = worker_.dropped();
  if (const auto failures = troubles_.count("the analysis failed"); failures > 0) {
    report.not_observed.push_back({"what the analysis of some records would have found", "it failed", failures});
  }
  return report;
}

Report Session::report() {
  Look now = look();
  // Lines are slow to find, so only those are looked for that the findings name.
  if (resolve_sources(now.findings)) now = look();
  keep_report(false);
  if (!worker_.background()) announce();
  troubles_.tell();
  Report report = report_of(std::move(now));
  {
    const auto lock = worker_.drained();
    report.timeline = sink_.timeline();
  }
  box_.tell_failures(report);
  return report;
}

// A program that is killed leaves its lines, and a report that takes older records into account than the file holds.
void Session::keep_report(bool at_once) {
  if (!box_.recording()) return;
  const std::lock_guard lock(keep_mutex_);
  if (const std::size_t sites = catalog_.size(); sites > resolved_) {
    resolve_sites([](const trace::Site&) { return true; });
    resolved_ = sites;
  }
  const auto now = std::chrono::steady_clock::now();
  const std::size_t incidents = [&] {
    const auto lock = worker_.drained();
    return sink_.engine().incidents();
  }();
  if (!at_once && incidents == kept_incidents_ && now < next_snapshot_) return;
  Look last = look();
  kept_incidents_ = incidents;
  next_snapshot_ = now + kSnapshotPeriod;
  const std::uint64_t position = last.position;
  box_.keep(report_of(std::move(last)), position);
}

void Session::keep_records() {
  const auto lock = worker_.drained();
  sink_.keep();
}

std::vector<trace::Record> Session::records() {
  std::vector<trace::Record> records;
  {
    const auto lock = worker_.drained();
    records = sink_.kept();
  }
  troubles_.tell();
  return records;
}

trace::Trace Session::trace() {
  (void)report();  // so that the catalog has the lines of what was found
  trace::Trace trace = trace::make_trace(catalog_, records());
  trace.run = run_;
  trace.dropped = worker_.dropped();
  if (!trace.records.empty()) trace.first = trace.overwritten = sink_.engine().position() - trace.records.size();
  return trace;
}

bool Session::resolve_sources(const std::vector<Finding>& findings) {
  std::set<std::pair<std::string, std::string>> wanted;  // layer and operation
  const auto want = [&](const Location& where) {
    if (!has_line(where.source)) wanted.emplace(where.layer, where.operation);
  };
  for (const auto& finding : findings) {
    want(finding.origin.where);
    for (const auto& cause : finding.causes) want(cause.where);
    for (const auto& symptom : finding.followed_by) want(symptom.where);
  }
  if (wanted.empty()) return false;
  return resolve_sites([&](const trace::Site& site) {
    return wanted.contains({site.layer, site.operation}) || wanted.contains({"", site.operation});
  });
}

// Returns whether any of them has a line now; perhaps it is another thread that has just found it.
template <typename Wanted>
bool Session::resolve_sites(const Wanted& wanted) {
  if (!extras_.resolve) return false;
  bool found = false;
  for (const trace::Site& site : catalog_.sites()) {
    if (site.frames.empty() || !wanted(site)) continue;
    if (!has_line(site.source)) catalog_.set_source(site.id, extras_.resolve(site.frames));
    found = true;
  }
  return found;
}

}  // namespace sonde::runtime
