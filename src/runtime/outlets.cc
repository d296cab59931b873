#include "runtime/outlets.h"

#include <chrono>
#include <cmath>
#include <exception>
#include <limits>

#include <unistd.h>

#include <spdlog/logger.h>

#include "report/console.h"

namespace sonde::runtime {
namespace {

using report::Block;

report::TensorBoardWriter::Start now_on_both_clocks() {
  using std::chrono::duration_cast;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(),
          static_cast<std::uint64_t>(duration_cast<std::chrono::nanoseconds>(steady).count())};
}

}  // namespace

Outlets::Outlets(const Options& options, trace::Catalog& catalog, Troubles& troubles)
    : name_(options.name), logger_(options.logger), catalog_(catalog), troubles_(troubles) {
  seen_.loss = std::numeric_limits<double>::quiet_NaN();
  if (!options.tensorboard.empty()) {
    safely([&] { tensorboard_.emplace(options.tensorboard, now_on_both_clocks()); });
  }
  if (options.progress && report::ProgressLine(STDERR_FILENO, name_).visible()) progress_.emplace(STDERR_FILENO, name_);
}

// TensorBoard's file is no reason to stop anything.
template <typename Write>
void Outlets::safely(const Write& write) {
  try {
    write();
  } catch (const std::exception& error) {
    troubles_.note("no TensorBoard file", error.what());
    catalog_.not_observed("the TensorBoard file", error.what());
  }
}

void Outlets::consume(std::span<const trace::Record> records) {
  if (tensorboard_) safely([&] { tensorboard_->consume(records, catalog_); });
  if (!progress_) return;
  constexpr double kWindow = 0.5;  // seconds
  for (const trace::Record& record : records) {
    if (record.kind != trace::RecordKind::step_end) continue;
    seen_.step = record.step;
    seen_.loss = record.facts.loss;
    if (pace_from_ns_ == 0) pace_from_ns_ = record.time_ns, pace_from_step_ = record.step;
    const double seconds = static_cast<double>(record.time_ns - pace_from_ns_) * 1e-9;
    if (seconds < kWindow) continue;
    seen_.steps_per_second = static_cast<double>(record.step - pace_from_step_) / seconds;
    pace_from_ns_ = record.time_ns;
    pace_from_step_ = record.step;
  }
}

void Outlets::write(const std::vector<Finding>& news, std::uint64_t now_ns) {
  if (!tensorboard_) return;
  constexpr std::uint64_t kPeriod = 2'000'000'000;
  safely([&] {
    for (const Finding& finding : news) tensorboard_->incident(finding);
    if (news.empty() && now_ns - flushed_ns_ < kPeriod) return;
    flushed_ns_ = now_ns;
    tensorboard_->flush();
  });
}

std::optional<report::Progress> Outlets::progress() const { return progress_ ? std::optional(seen_) : std::nullopt; }

void Outlets::log(const std::vector<Finding>& news) {
  for (const Finding& finding : news) {
    if (finding.severity == Severity::error) ++errors_;
    if (finding.severity == Severity::warning) ++warnings_;
    if (logger_ == nullptr) continue;
    const Block block = report::describe(name_, finding);
    const auto level = block.level == Block::Level::error     ? spdlog::level::err
                       : block.level == Block::Level::warning ? spdlog::level::warn
                                                              : spdlog::level::info;
    logger_->log(level, spdlog::string_view_t(block.text));
  }
}

void Outlets::draw(report::Progress progress, std::uint64_t now_ns) {
  progress.errors = errors_;
  progress.warnings = warnings_;
  progress_->draw(progress, now_ns);
}

void Outlets::close(const Report* report) {
  if (progress_) progress_->clear();
  if (tensorboard_) safely([&] { tensorboard_->flush(); });
  if (report == nullptr) return;
  if (logger_ != nullptr) {
    logger_->log(spdlog::level::info, spdlog::string_view_t(report::closing_line(*report)));
  } else {
    report->print();
  }
}

}  // namespace sonde::runtime
