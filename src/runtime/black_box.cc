#include "runtime/black_box.h"

#include <algorithm>
#include <bit>
#include <exception>

#include "runtime/assemble.h"
#include "runtime/snapshot.h"

namespace sonde::runtime {

BlackBox::BlackBox(const Options& options, Troubles& troubles) : troubles_(troubles), path_(options.trace_file) {
  if (path_.empty()) return;
  try {
    writer_.emplace(path_, std::bit_ceil(options.trace_records), run_facts(options));
  } catch (const std::exception& error) { fail("the trace file", error.what()); }
}

BlackBox::~BlackBox() {
  if (writer_) writer_->close();
}

std::optional<trace::Ring<trace::Record>::Memory> BlackBox::ring_memory() {
  if (!writer_) return std::nullopt;
  try {
    return writer_->add_lane();
  } catch (const std::exception& error) {
    fail("the records of a thread in the trace file", path_ + ": " + error.what());
    return std::nullopt;
  }
}

void BlackBox::keep(const Report& report, std::uint64_t position) {
  if (!writer_) return;
  try {
    writer_->write_snapshot(encode(report), position);
  } catch (const std::exception& error) { fail("the report in the trace file", path_ + ": " + error.what()); }
}

void BlackBox::tell_failures(Report& report) {
  if (writer_) {
    if (const std::string why = writer_->journal_failure(); !why.empty())
      fail("all of the program in the trace file", path_ + ": " + why);
    if (writer_->removed()) fail("the trace file after the end of the program", path_ + ": it has been removed");
  }
  const std::lock_guard lock(mutex_);
  report.not_observed.insert(report.not_observed.end(), failures_.begin(), failures_.end());
}

void BlackBox::fail(const std::string& what, const std::string& why) {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(failures_, what, &NotObserved::what);
  if (known != failures_.end()) return;
  failures_.push_back({what, why, 1});
  troubles_.note("the trace file is not complete", why + "; the training is not affected");
}

}  // namespace sonde::runtime
