#include "compare/suite.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <sonde/compare.h>

#include "compare/weights.h"

namespace sonde::pairs {
namespace {

constexpr std::uint64_t kTwoAtOnce = 8;  // a seed and architecture

bool wanted(const std::vector<std::string>& filter, const std::string& name) {
  return filter.empty() || std::find(filter.begin(), filter.end(), name) != filter.end();
}

// LibTorch appends a backtrace.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

double relative_error(const at::Tensor& reference, const at::Tensor& other) {
  const at::Tensor r = reference.to(torch::kDouble);
  return ((other.to(torch::kDouble) - r).norm() / r.norm()).item<double>();
}

at::Tensor reference_output(const Pair& pair) {
  return pair.script ? torch::jit::Module(*pair.script).forward({pair.input}).toTensor()
                     : pair.reference->forward(pair.input);
}

std::vector<Region> regions_of(const Pair& pair) {
  const torch::NoGradGuard no_gradients;
  const auto reference = operations_of(*pair.reference, [&] { (void)pair.reference->forward(pair.input); });
  const auto target = operations_of(*pair.target, [&] { (void)pair.run_target(pair.input); });
  std::vector<Region> regions;
  for (const Truth& truth : pair.truths) regions.push_back(region_of(truth, reference, target));
  return regions;
}

// Two kinds that `seed` picks, at different places.
std::optional<Pair> two_faults(const Architecture& architecture, const std::vector<FaultKind>& kinds,
                               const PairOptions& options, std::mt19937_64& random) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const FaultKind& first = kinds[random() % kinds.size()];
    const FaultKind& second = kinds[random() % kinds.size()];
    if (&first == &second || first.alone || second.alone) continue;
    std::optional<Pair> pair = faulty_pair(architecture, {&first, &second}, options);
    if (!pair) continue;
    const bool silent = std::any_of(pair->truths.begin(), pair->truths.end(), [](const auto& t) { return t.silent; });
    if (!silent) return pair;
  }
  return std::nullopt;
}

class Pairs {
 public:
  Pairs(const SuiteOptions& options, const std::function<void(Group, const Pair&)>& each)
      : options_(options), each_(each), faults_(all_faults()) {}

  void of(const Architecture& architecture, std::uint64_t seed) {
    for (std::size_t i = 0; i < faults_.size(); ++i) {
      const FaultKind& kind = faults_[i];
      const bool scripted = (seed + i) % 3 == 0;
      make(Group::single, kind.name, [&] { return faulty_pair(architecture, {&kind}, {seed, scripted}); });
      if (kind.precise || seed > 2) continue;
      make(Group::reduced_faulty, kind.name, [&] { return faulty_pair(architecture, {&kind}, {seed, false, true}); });
    }
    std::mt19937_64 random(seed * 7919 + architecture.name.size());
    for (std::uint64_t i = 0; i < kTwoAtOnce; ++i) {
      make(Group::two_at_once, "", [&] { return two_faults(architecture, faults_, {seed, i % 3 == 0}, random); });
    }
    if (seed > 2) return;
    for (const CleanKind& kind : clean_kinds()) {
      for (const bool scripted : {false, true}) {
        make(Group::clean, kind.name, [&] { return clean_pair(architecture, kind, {seed, scripted}); });
      }
      if (!kind.reduced_too) continue;
      make(Group::reduced_clean, kind.name, [&] { return clean_pair(architecture, kind, {seed, false, true}); });
    }
  }

 private:
  template <typename Make>
  void make(Group group, const std::string& kind, const Make& make) {
    if (!wanted(options_.groups, std::string(to_string(group)))) return;
    if (!kind.empty() && !wanted(options_.kinds, kind)) return;
    if (const std::optional<Pair> pair = make()) each_(group, *pair);
  }

  const SuiteOptions& options_;
  const std::function<void(Group, const Pair&)>& each_;
  const std::vector<FaultKind> faults_;
};

}  // namespace

void for_each_pair(const SuiteOptions& options, const std::function<void(Group, const Pair&)>& each) {
  Pairs pairs(options, each);
  for (const Architecture& architecture : {residual_cnn(), mobilenet(), recurrent(), transformer()}) {
    if (!wanted(options.architectures, architecture.name)) continue;
    for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) pairs.of(architecture, seed);
  }
}

std::string check_pair(const Pair& pair) try {
  const torch::NoGradGuard no_gradients;
  const at::Tensor reference = reference_output(pair), target = pair.run_target(pair.input.clone());
  if (reference.sizes() != target.sizes()) return "outputs of other shapes";
  const double error = relative_error(reference, target);
  const double limit = pair.reduced ? 0.1 : 1e-4;
  if (pair.truths.empty()) return error < limit ? "" : fmt::format("clean, but the outputs differ by {:.2g}", error);
  if (!std::isfinite(error)) return "the output is not finite";
  const bool silent = std::any_of(pair.truths.begin(), pair.truths.end(), [](const auto& t) { return t.silent; });
  return error > 0 || silent ? "" : "the fault has no effect";
} catch (const std::exception& error) { return first_line(error); }

Outcome compare_pair(Group group, const Pair& pair) {
  Outcome outcome{.group = group,
                  .kind = pair.kind,
                  .architecture = pair.architecture,
                  .reference = pair.script ? "script" : "module",
                  .seed = pair.seed};
  outcome.truths.resize(pair.truths.size());
  outcome.repairable = group == Group::single && !pair.truths.empty() && pair.truths.front().repairable;
  try {
    const compare::Model reference =
        pair.script ? compare::of(*pair.script, "reference") : compare::of(*pair.reference, "reference");
    const compare::Model target = compare::of(
        *pair.target, [&](const compare::Inputs& x) -> c10::IValue { return pair.run_target(x[0]); }, "target");
    const compare::Inputs inputs{pair.input};
    const std::vector<Region> regions = regions_of(pair);

    const auto start = std::chrono::steady_clock::now();
    const compare::Result result = compare::run(reference, target, inputs);
    outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    outcome.truths.clear();
    judge(outcome, result, pair.truths, regions);
    if (!outcome.repairable) return outcome;

    (void)compare::repair(reference, target, result);
    const compare::Result again = compare::run(reference, target, inputs);
    const bool still_there = std::any_of(again.faults.begin(), again.faults.end(), [&](const auto& fault) {
      return fault.visible && names(fault, pair.truths.front(), regions.front());
    });
    outcome.repaired = !still_there && again.before.error <= compare::Options{}.times_floor * again.before.floor;
  } catch (const std::exception& error) { outcome.failure = first_line(error); }
  return outcome;
}

}  // namespace sonde::pairs
