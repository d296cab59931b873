#include "compare/agreement.h"

#include <algorithm>
#include <cmath>

#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/error.h"

namespace sonde::compare {
namespace {

constexpr std::int64_t kBest = 5;

}  // namespace

Agreement agreement(const std::vector<at::Tensor>& target, const std::vector<at::Tensor>& reference) {
  const at::NoGradGuard no_grad;
  const at::DisableRecordFunctionGuard unobserved;
  Agreement result;
  for (std::size_t i = 0; i < reference.size(); ++i)
    result.error = std::max(result.error, relative_error(i < target.size() ? target[i] : at::Tensor(), reference[i]));
  if (target.empty() || reference.empty()) return result;
  const at::Tensor &mine = target.front(), &wanted = reference.front();
  if (wanted.dim() != 2 || wanted.size(1) < 2 || !at::isFloatingType(wanted.scalar_type()) ||
      mine.sizes() != wanted.sizes())
    return result;
  const std::int64_t best = std::min(kBest, wanted.size(1));
  const auto a = std::get<1>(mine.to(at::kFloat).topk(best, 1)), b = std::get<1>(wanted.to(at::kFloat).topk(best, 1));
  result.samples = static_cast<std::uint64_t>(wanted.size(0));
  result.top1_changed = static_cast<std::uint64_t>(a.select(1, 0).ne(b.select(1, 0)).sum().item<std::int64_t>());
  const auto sorted_a = std::get<0>(a.sort(1)), sorted_b = std::get<0>(b.sort(1));
  result.top5_changed = static_cast<std::uint64_t>(sorted_a.ne(sorted_b).any(1).sum().item<std::int64_t>());
  return result;
}

void add(Agreement& all, const Agreement& batch) {
  const auto larger = [](double a, double b) { return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b); };
  all.error = larger(all.error, batch.error);
  all.floor = larger(all.floor, batch.floor);
  all.samples += batch.samples;
  all.top1_changed += batch.top1_changed;
  all.top5_changed += batch.top5_changed;
}

}  // namespace sonde::compare
