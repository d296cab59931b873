// A user's analyzers (<sonde/analyzer.h>), as one of ours: shown each pass in public structs, their violations as sightings.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sonde/analyzer.h>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Which they are, and what is to be called with the name of one that threw and what it said.
struct OwnAnalyzerChoice {
  std::vector<std::shared_ptr<sonde::Analyzer>> analyzers = {};
  std::function<void(std::string_view name, std::string_view what)> failed = {};
};

class OwnAnalyzers final : public Analyzer {
 public:
  explicit OwnAnalyzers(OwnAnalyzerChoice choice) : choice_(std::move(choice)) {}

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  [[nodiscard]] StepView view_of(const Step& step, const Graph& graph);
  [[nodiscard]] const Place* place_of(std::uint32_t site, const Graph& graph);

  OwnAnalyzerChoice choice_;
  std::deque<Place> places_;  // stay where they are
  std::unordered_map<std::uint32_t, const Place*> by_site_;
  std::vector<Measurement> measurements_;  // of the pass that is shown
};

}  // namespace sonde::analysis
