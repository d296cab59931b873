#include "analysis/step.h"

#include <limits>

namespace sonde::analysis {
namespace {

std::uint64_t key(std::uint32_t site, Phase phase) noexcept {
  return (std::uint64_t{site} << 8) | static_cast<std::uint8_t>(phase);
}

}  // namespace

void Step::clear(std::uint64_t number, std::uint64_t pass) {
  reset();
  started_ = true;
  number_ = number;
  pass_ = pass;
  facts_.loss = std::numeric_limits<double>::quiet_NaN();
  facts_.learning_rate = std::numeric_limits<double>::quiet_NaN();
}

void Step::reset() {
  started_ = has_facts_ = false;
  flags_ = 0;
  facts_ = {};
  tensors_.clear();
  others_.clear();
  if (!index_.empty()) index_.clear();
}

void Step::add(const trace::Record& record) {
  if (tensors_.size() + others_.size() >= kLimit) return;
  if (record.kind == trace::RecordKind::tensor) {
    index_[key(record.site, record.phase)] = tensors_.size();
    tensors_.push_back(record);
  } else {
    others_.push_back(record);
  }
}

void Step::set_facts(const trace::Record& record) {
  flags_ |= record.flags;
  facts_ = record.facts;
  has_facts_ = true;
}

const trace::Record* Step::find(std::uint32_t site, Phase phase) const {
  const auto found = index_.find(key(site, phase));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const trace::TensorStats* Step::stats(std::uint32_t site, Phase phase) const {
  const trace::Record* record = find(site, phase);
  return record == nullptr ? nullptr : &record->tensor;
}

double Step::loss() const noexcept {
  for (const trace::Record& record : others_) {
    if (record.kind == trace::RecordKind::loss) return record.loss.value;
  }
  return facts_.loss;
}

std::uint32_t Step::loss_site() const noexcept {
  for (const trace::Record& record : others_) {
    if (record.kind == trace::RecordKind::loss) return record.site;
  }
  return 0;
}

}  // namespace sonde::analysis
