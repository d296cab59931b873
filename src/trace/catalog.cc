#include "trace/catalog.h"

#include <utility>

namespace sonde::trace {

Catalog::Catalog() : sites_(1) {}

std::uint32_t Catalog::add(Site site) {
  const std::lock_guard lock(mutex_);
  site.id = static_cast<std::uint32_t>(sites_.size());
  return sites_.emplace_back(std::move(site)).id;
}

void Catalog::set_source(std::uint32_t id, SourceLine source) {
  const std::lock_guard lock(mutex_);
  if (id < sites_.size()) sites_[id].source = std::move(source);
}

Site Catalog::site(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  return id < sites_.size() ? sites_[id] : sites_.front();
}

std::vector<Site> Catalog::sites() const {
  const std::lock_guard lock(mutex_);
  return sites_;
}

std::size_t Catalog::size() const {
  const std::lock_guard lock(mutex_);
  return sites_.size();
}

void Catalog::set_program(Program program) {
  const std::lock_guard lock(mutex_);
  program_ = std::move(program);
}

Program Catalog::program() const {
  const std::lock_guard lock(mutex_);
  return program_;
}

void Catalog::not_observed(const std::string& what, const std::string& reason, std::uint64_t times) {
  const std::lock_guard lock(mutex_);
  unseen_[{what, reason}] += times;
}

std::vector<Catalog::Unseen> Catalog::unseen() const {
  const std::lock_guard lock(mutex_);
  std::vector<Unseen> result;
  result.reserve(unseen_.size());
  for (const auto& [key, count] : unseen_) result.push_back({key.first, key.second, count});
  return result;
}

}  // namespace sonde::trace
