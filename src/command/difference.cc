#include "command/difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "analysis/robust.h"

namespace sonde::command {
namespace {

constexpr double kUnitsUnknown = 16;  // of inputs, targets and tensors without units
constexpr double kUnitsOfLoss = 16;   // a loss rests on all the network, but on few samples
constexpr double kMostScale = 3;      // a start that is further apart than that is a difference, not a seed
constexpr std::size_t kFewestLines = 4;
constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::update) + 1;

struct Pair {
  const Key& key;
  const Line& a;
  const Line& b;
};

std::vector<Pair> common_lines(const Course& a, const Course& b) {
  std::vector<Pair> pairs;
  for (const auto& [key, line] : a.tensors) {
    const auto found = b.tensors.find(key);
    if (found != b.tensors.end()) pairs.push_back({key, line, found->second});
  }
  return pairs;
}

// The samples of the first step that both lines have; nullptr if there is none.
std::pair<const Sample*, const Sample*> start_of(const Pair& pair) {
  for (const Sample& sample : pair.a.samples) {
    const auto found = std::ranges::lower_bound(pair.b.samples, sample.step, {}, &Sample::step);
    if (found != pair.b.samples.end() && found->step == sample.step) return {&sample, &*found};
  }
  return {nullptr, nullptr};
}

bool began_alike(const std::vector<Pair>& pairs, Phase phase, bool& known) {
  std::size_t seen = 0;
  std::size_t alike = 0;
  for (const Pair& pair : pairs) {
    if (pair.key.phase != phase) continue;
    const auto [a, b] = start_of(pair);
    if (a == nullptr) continue;
    ++seen;
    if (a->bits == b->bits) ++alike;
  }
  known = seen > 0;
  return known && 2 * alike >= seen;
}

// From seed to seed, of the logarithm of a size.
double expected_reach(double units) { return 1 / std::sqrt(2 * (units > 0 ? units : kUnitsUnknown)); }

// How many times the expected reach the lines of each phase are apart at the start.
std::array<double, kPhases> start_scales(const std::vector<Pair>& pairs) {
  std::array<std::vector<double>, kPhases> distances;
  for (const Pair& pair : pairs) {
    const auto [a, b] = start_of(pair);
    if (a == nullptr || !(a->value > 0) || !(b->value > 0)) continue;
    const double distance = std::abs(std::log(a->value / b->value));
    distances[static_cast<std::size_t>(pair.key.phase)].push_back(distance /
                                                                  (std::sqrt(2.0) * expected_reach(pair.a.units)));
  }
  std::array<double, kPhases> scales{};
  for (std::size_t i = 0; i < kPhases; ++i) {
    const bool enough = distances[i].size() >= kFewestLines;
    scales[i] = enough ? std::clamp(1.4826 * analysis::median(distances[i]), 1.0, kMostScale) : 1;
  }
  // Updates are measured after the first step, when a learning rate has had its say: they follow from the gradients.
  scales[static_cast<std::size_t>(Phase::update)] = scales[static_cast<std::size_t>(Phase::gradient)];
  return scales;
}

// The order in which one thing leads to the other within a step. The update is that of the step before.
std::uint32_t rank(Phase phase) {
  constexpr std::array<std::uint32_t, kPhases> kRanks{2, 3, 4, 5, 6, 1, 0};  // by phase: input, forward ... update
  return kRanks[static_cast<std::size_t>(phase)];
}

struct Named {
  const Line& a;
  const Line& b;
  Phase phase;
  std::string name;
  double reach;
};

auto order(std::uint64_t step, const Named& line) { return std::tuple(step, rank(line.phase), line.a.position); }

}  // namespace

Difference difference(const Course& a, const Course& b) {
  Difference difference;
  const std::vector<Pair> pairs = common_lines(a, b);
  bool known = false;
  difference.same_start = began_alike(pairs, Phase::weight, known);
  if (!known) difference.same_start = began_alike(pairs, Phase::forward, known);
  const auto scales = start_scales(pairs);
  difference.steps = std::min(a.steps, b.steps);

  std::vector<Named> lines;
  for (const Pair& pair : pairs) {
    const double scale = scales[static_cast<std::size_t>(pair.key.phase)];
    lines.push_back({pair.a, pair.b, pair.key.phase, describe(pair.key), scale * expected_reach(pair.a.units)});
  }
  if (!a.loss.samples.empty() && !b.loss.samples.empty()) {
    lines.push_back({a.loss, b.loss, Phase::loss, "loss", expected_reach(kUnitsOfLoss)});
  }
  difference.compared = lines.size();

  const Named* first = nullptr;
  for (const Named& line : lines) {
    const auto step = first_unlike(line.a, line.b);
    if (!step || (first != nullptr && order(difference.first_unlike->step, *first) <= order(*step, line))) continue;
    first = &line;
    difference.first_unlike = {*step, line.name};
  }
  if (first == nullptr) return difference;

  std::vector<std::pair<Parting, const Named*>> parted;
  for (const Named& line : lines) {
    const Tolerance tolerance{difference.same_start, difference.same_start ? 0 : line.reach,
                              difference.same_start ? difference.first_unlike->step : 0};
    if (const auto parting = part(line.a, line.b, tolerance)) parted.emplace_back(*parting, &line);
  }
  std::ranges::stable_sort(parted, [](const auto& left, const auto& right) {
    return order(left.first.step, *left.second) < order(right.first.step, *right.second);
  });
  for (const auto& [parting, line] : parted) difference.parted.push_back({line->name, line->phase, parting});
  return difference;
}

}  // namespace sonde::command
