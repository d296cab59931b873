#include "trace/catalog.h"

#include <algorithm>
#include <utility>

namespace sonde::trace {

Catalog::Catalog(const Sequence* sequence, Journal* journal) : sequence_(sequence), journal_(journal), sites_(1) {}

std::uint64_t Catalog::now() const noexcept {
  // Relaxed: the mutex orders it. Whoever got record n before taking the mutex makes later readings greater than n.
  return sequence_ == nullptr ? 0 : sequence_->next.load(std::memory_order_relaxed);
}

std::uint32_t Catalog::add(Site site) {
  const std::lock_guard lock(mutex_);
  site.id = static_cast<std::uint32_t>(sites_.size());
  site.since = now();
  const Site& added = sites_.emplace_back(std::move(site));
  if (journal_ != nullptr) journal_->site_added(added);
  return added.id;
}

void Catalog::set_source(std::uint32_t id, SourceLine source) {
  const std::lock_guard lock(mutex_);
  if (id >= sites_.size()) return;
  sites_[id].source = std::move(source);
  if (journal_ != nullptr) journal_->source_found(id, sites_[id].source);
}

Site Catalog::site(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  return id < sites_.size() ? sites_[id] : sites_.front();
}

std::vector<Site> Catalog::sites() const {
  const std::lock_guard lock(mutex_);
  return sites_;
}

std::vector<Site> Catalog::sites_from(std::size_t first, std::uint64_t position) const {
  const std::lock_guard lock(mutex_);
  if (first >= sites_.size()) return {};
  const auto begin = sites_.begin() + static_cast<std::ptrdiff_t>(first);
  // Dates rise with the numbers.
  return {begin, std::partition_point(begin, sites_.end(), [&](const Site& site) { return site.since <= position; })};
}

std::size_t Catalog::size() const {
  const std::lock_guard lock(mutex_);
  return sites_.size();
}

void Catalog::set_program(Program program) {
  const std::lock_guard lock(mutex_);
  const ProgramChange& change = programs_.emplace_back(ProgramChange{now(), std::move(program)});
  if (journal_ != nullptr) journal_->program_changed(change.program, change.since);
}

Program Catalog::program() const { return program_at(kNow); }

Program Catalog::program_at(std::uint64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::partition_point(programs_.begin(), programs_.end(),
                                          [&](const ProgramChange& change) { return change.since <= position; });
  return after == programs_.begin() ? Program{} : std::prev(after)->program;
}

std::vector<ProgramChange> Catalog::programs() const {
  const std::lock_guard lock(mutex_);
  return programs_;
}

void Catalog::forget_before(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  const auto after = std::partition_point(programs_.begin(), programs_.end(),
                                          [&](const ProgramChange& change) { return change.since <= position; });
  if (after != programs_.begin()) programs_.erase(programs_.begin(), std::prev(after));
}

void Catalog::not_observed(const std::string& what, const std::string& reason, std::uint64_t times) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t count = unseen_[{what, reason}] += times;
  if (journal_ != nullptr) journal_->not_observed(what, reason, count);
}

std::vector<Catalog::Unseen> Catalog::unseen() const {
  const std::lock_guard lock(mutex_);
  std::vector<Unseen> result;
  result.reserve(unseen_.size());
  for (const auto& [key, count] : unseen_) result.push_back({key.first, key.second, count});
  return result;
}

void Catalog::restore(std::vector<Site> sites, std::vector<ProgramChange> programs, const std::vector<Unseen>& unseen) {
  const std::lock_guard lock(mutex_);
  sites_ = std::move(sites);
  programs_ = std::move(programs);
  for (const Unseen& one : unseen) unseen_[{one.what, one.reason}] += one.count;
}

}  // namespace sonde::trace
