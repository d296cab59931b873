#include "analysis/risk.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace sonde::analysis {
namespace {

struct Risk {
  double nearness;  // 1 at the edge, 0 far from it
  Suspect suspect;
};

std::string base(const std::string& operation) {
  std::string name = operation;
  if (const auto colons = name.rfind(':'); colons != std::string::npos) name = name.substr(colons + 1);
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

// How close the smallest operand came to zero, in units of their size.
double near_zero(const trace::TensorStats& operand) {
  const double size = rms(operand);
  if (!(size > 0) || operand.zeros > 0 || operand.min <= 0) return 1;
  return 1 - std::clamp(operand.min / size, 0.0, 1.0);
}

}  // namespace

std::vector<Suspect> risky_operations(const Run& run) {
  const Graph& graph = run.graph();
  std::vector<Risk> risks;
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const trace::Site& site = graph.site(id);
    const std::string name = base(site.operation);
    const bool quotient = name == "div" || name == "reciprocal";
    const bool logarithm = name == "log" || name == "log2" || name == "log10";
    const bool root = name == "sqrt" || name == "rsqrt" || name == "norm" || name == "linalg_vector_norm";
    const bool power = name == "exp" || name == "pow";
    if (!quotient && !logarithm && !root && !power) continue;
    if (quotient && name == "div" && site.inputs.size() < 2) continue;  // by a number
    const std::uint32_t operand = quotient && site.inputs.size() >= 2 ? site.inputs[1]
                                  : site.inputs.empty()               ? 0
                                                                      : site.inputs[0];
    const trace::TensorStats* stats = run.last_output(operand);
    // A divisor or argument that no operation made is not known; one that was measured tells how near it came.
    const double nearness = stats == nullptr ? 0.5 : power ? std::clamp(stats->max / 88, 0.0, 1.0) : near_zero(*stats);
    if (nearness < 0.5) continue;
    const Cause cause = quotient    ? Cause::division_by_zero
                        : logarithm ? Cause::log_of_zero
                        : root      ? Cause::sqrt_at_zero
                                    : Cause::overflow;
    const std::string seen = stats == nullptr ? std::string("its operand was not seen")
                                              : fmt::format("its operand lay in [{}, {}] when it was last seen",
                                                            number(stats->min), number(stats->max));
    risks.push_back({nearness + (quotient ? 0.01 : 0),
                     {cause, 0.45 + 0.25 * nearness, id, {}, fmt::format("{} of {}: {}", name, graph.name(id), seen)}});
  }
  std::ranges::stable_sort(risks, [](const Risk& a, const Risk& b) { return a.nearness > b.nearness; });
  std::vector<Suspect> suspects;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, risks.size()); ++i)
    suspects.push_back(std::move(risks[i].suspect));
  return suspects;
}

}  // namespace sonde::analysis
