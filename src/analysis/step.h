// Step: the records of one pass (from step_begin to step_end), gathered so that analyzers can look at them side by side.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include <sonde/finding.h>

#include "trace/record.h"

namespace sonde::analysis {

// A pass is one judged backward; several may belong to one weight update (accumulation, several losses, closures).
class Step {
 public:
  static constexpr std::size_t kLimit = 1 << 18;  // records kept of one pass; more are passed over

  void clear(std::uint64_t number, std::uint64_t pass);
  void reset();  // empty again; keeps its memory
  void add(const trace::Record& record);
  void set_facts(const trace::Record& record);  // of step_begin or step_end

  [[nodiscard]] bool empty() const noexcept { return !started_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t pass() const noexcept { return pass_; }  // 0-based count of passes
  [[nodiscard]] bool observed() const noexcept { return (flags_ & trace::kObservedInFull) != 0; }
  [[nodiscard]] bool repeated() const noexcept { return (flags_ & trace::kRepeated) != 0; }
  [[nodiscard]] bool has_facts() const noexcept { return has_facts_; }
  [[nodiscard]] const trace::StepFacts& facts() const noexcept { return facts_; }

  // In the order pushed.
  [[nodiscard]] const std::vector<trace::Record>& tensors() const noexcept { return tensors_; }
  [[nodiscard]] const std::vector<trace::Record>& others() const noexcept { return others_; }
  [[nodiscard]] const trace::Record* find(std::uint32_t site, Phase phase) const;
  // Statistics of one tensor, nullptr if it was not measured.
  [[nodiscard]] const trace::TensorStats* stats(std::uint32_t site, Phase phase) const;
  // The loss of this pass, NaN if it had none.
  [[nodiscard]] double loss() const noexcept;
  [[nodiscard]] std::uint32_t loss_site() const noexcept;

 private:
  bool started_ = false;
  bool has_facts_ = false;
  std::uint8_t flags_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t pass_ = 0;
  trace::StepFacts facts_{};
  std::vector<trace::Record> tensors_;
  std::vector<trace::Record> others_;  // losses, contracts, origins
  std::unordered_map<std::uint64_t, std::size_t> index_;
};

}  // namespace sonde::analysis
