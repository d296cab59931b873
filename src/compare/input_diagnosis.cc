#include "compare/input_diagnosis.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include "compare/affine_fit.h"
#include "compare/fingerprint.h"
#include "compare/input_views.h"
#include "compare/plain_tensor.h"
#include "report/text.h"

namespace sonde::compare {
namespace {

using report::number;

double epsilon_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kHalf) return 0x1p-11;
  if (tensor.scalar_type() == at::kBFloat16) return 0x1p-8;
  return tensor.scalar_type() == at::kDouble ? 0x1p-53 : 0x1p-24;
}

std::string spelled(at::IntArrayRef sizes) {
  std::string text;
  for (const auto size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

bool is_equal(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  if (reference.sizes() != target.sizes()) return false;
  if (at::equal(reference, target)) return true;
  if (!reference.is_floating_point()) return false;
  const auto largest = reference.abs().max().item<double>();
  return (target - reference).abs_().max().item<double>() <= 8 * epsilon * largest;
}

// Dimensions whose slices may each have a map of their own, the one that is more likely that of the channels first.
std::vector<std::int64_t> channel_dimensions(const at::Tensor& tensor) {
  if (tensor.dim() < 2) return {};
  std::vector<std::int64_t> dimensions{tensor.dim() == 3 ? 0 : 1, tensor.dim() - 1};
  if (tensor.dim() == 2) dimensions.pop_back();
  std::ranges::stable_sort(dimensions, {}, [&](std::int64_t d) { return tensor.size(d); });
  return dimensions;
}

struct Maps {
  std::string message;
  std::string repair;
};

std::optional<Maps> one_map(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  const auto map = fit_affine(reference, target, epsilon);
  if (!map || map->is_identity(epsilon)) return std::nullopt;
  return Maps{to_string(*map), "apply " + inverse_of(*map) + " to the input"};
}

std::optional<Maps> maps_of_channels(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  constexpr std::size_t kTold = 4;
  for (const auto dimension : channel_dimensions(reference)) {
    const auto maps = fit_affine_slices(reference, target, dimension, epsilon);
    if (!maps) continue;
    Maps said{"", "apply "};
    for (std::size_t i = 0; i < std::min(kTold, maps->size()); ++i) {
      if (i > 0) {
        said.message += ", ";
        said.repair += ", ";
      }
      said.message += "channel " + std::to_string(i) + ": " + to_string((*maps)[i]);
      said.repair += inverse_of((*maps)[i]);
    }
    const std::string more = maps->size() > kTold ? " and so on" : "";
    said.message += more;
    said.repair += more + " to the channels of the input";
    return said;
  }
  return std::nullopt;
}

InputDifference named(const InputView& view, const Maps& maps) {
  const bool moved = !view.message.empty(), mapped = !maps.message.empty();
  const std::string message = moved && mapped ? view.message + "; then " + maps.message : view.message + maps.message;
  const std::string repair = moved && mapped ? view.repair + "; then " + maps.repair : view.repair + maps.repair;
  return {view.cause, message, {}, repair};
}

// ---- where no map of values explains it

std::optional<InputDifference> shifted(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  const auto rank = reference.dim();
  if (reference.sizes() != target.sizes() || rank < 3) return std::nullopt;
  // Height and width are last, or before the last.
  for (const std::int64_t h : {rank - 2, rank - 3}) {
    if (h < 0 || reference.size(h) < 4 || reference.size(h + 1) < 4) continue;
    for (const std::int64_t dy : {0, -1, 1}) {
      for (const std::int64_t dx : {0, -1, 1}) {
        if (dy == 0 && dx == 0) continue;
        const auto inner = [&](const at::Tensor& x, std::int64_t y0, std::int64_t x0) {
          return x.narrow(h, 1 + y0, x.size(h) - 2).narrow(h + 1, 1 + x0, x.size(h + 1) - 2);
        };
        // An even picture is the same after a shift.
        if (!is_equal(inner(reference, 0, 0), inner(target, dy, dx), epsilon) ||
            is_equal(inner(reference, 0, 0), inner(reference, dy, dx), epsilon))
          continue;
        return InputDifference{Cause::input_differs,
                               "it is shifted by " + std::to_string(dy) + " in dimension " + std::to_string(h) +
                                   " and by " + std::to_string(dx) + " in dimension " + std::to_string(h + 1) +
                                   " (pixels)",
                               {},
                               "look at the padding and cropping before the model"};
      }
    }
  }
  return std::nullopt;
}

std::optional<InputDifference> other_samples(const at::Tensor& reference, const at::Tensor& target) {
  if (reference.sizes() != target.sizes() || reference.dim() < 2 || reference.size(0) < 2) return std::nullopt;
  auto theirs = fingerprint_of(reference.contiguous()).slices[0];
  auto ours = fingerprint_of(target.contiguous()).slices[0];
  if (theirs == ours) return std::nullopt;
  std::ranges::sort(theirs);
  std::ranges::sort(ours);
  if (theirs != ours) return std::nullopt;
  return InputDifference{
      Cause::input_differs, "it holds the same samples in another order", {}, "put the samples in the same order"};
}

// Another filter for resizing, or another decoder, changes what is fine and leaves averages as they are.
std::string fine_detail(const at::Tensor& reference, const at::Tensor& target) {
  constexpr std::int64_t kBlock = 8;
  if (reference.dim() != 4 || reference.size(2) < 2 * kBlock || reference.size(3) < 2 * kBlock) return "";
  const auto smooth = [](const at::Tensor& x) { return at::avg_pool2d(x.to(at::kFloat), {kBlock, kBlock}); };
  const auto norm = [](const at::Tensor& x) {
    return x.norm().item<double>() / std::sqrt(static_cast<double>(x.numel()));
  };
  const auto fine = norm((target - reference).to(at::kFloat));
  const auto coarse = norm(smooth(target) - smooth(reference));
  // Of noise without any order averages keep an eighth, and a few per cent more or less.
  if (fine == 0 || coarse > fine / (2 * kBlock)) return "";
  return "averages over " + std::to_string(kBlock) + " x " + std::to_string(kBlock) + " pixels agree " +
         number(fine / std::max(coarse, 1e-12)) +
         " times as well as pixels: another filter for resizing, or another decoder";
}

InputDifference unexplained(const PlainPair& pair) {
  const auto figures = figures_of(pair);
  InputDifference found;
  found.message = std::to_string(figures.elements - figures.equal) + " of its " + std::to_string(figures.elements) +
                  " elements are others, relative error " + number(figures.relative_error);
  if (!std::isnan(figures.correlation)) found.evidence.push_back("correlation " + number(figures.correlation));
  found.evidence.push_back("mean " + number(figures.mean) + ", deviation " + number(figures.deviation) + "; " +
                           number(figures.reference_mean) + " and " + number(figures.reference_deviation) +
                           " in the reference");
  if (pair.reference_not_finite + pair.target_not_finite > 0) {
    found.evidence.push_back(std::to_string(pair.target_not_finite) + " elements NaN or infinite; " +
                             std::to_string(pair.reference_not_finite) + " in the reference");
  } else if (auto detail = fine_detail(pair.reference, pair.target); !detail.empty()) {
    found.evidence.push_back(std::move(detail));
  }
  found.repair = "give both models the same input";
  return found;
}

using Test = std::optional<Maps> (*)(const at::Tensor&, const at::Tensor&, double);

std::optional<Maps> no_map(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  return is_equal(reference, target, epsilon) ? std::optional(Maps{}) : std::nullopt;
}

std::optional<InputDifference> explained(const at::Tensor& reference, const at::Tensor& target, double epsilon) {
  const auto views = input_views(reference.sizes(), target.sizes());
  for (const Test test : {Test{no_map}, Test{one_map}, Test{maps_of_channels}}) {
    for (const auto& view : views) {
      const auto seen = view.apply(target);
      if (auto maps = test(reference, seen, epsilon)) return named(view, *maps);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<InputDifference> diagnose_input(const at::Tensor& reference, const at::Tensor& target) {
  const at::NoGradGuard no_grad;
  const auto pair = plain_pair(reference, target);
  const double epsilon = std::max(epsilon_of(reference), epsilon_of(target));
  if (is_equal(pair.reference, pair.target, epsilon)) return std::nullopt;
  if (pair.reference.numel() > 0 && pair.reference.numel() == pair.target.numel() &&
      pair.reference_not_finite + pair.target_not_finite == 0) {
    if (auto found = explained(pair.reference, pair.target, epsilon)) return found;
    if (auto found = other_samples(pair.reference, pair.target)) return found;
    if (auto found = shifted(pair.reference, pair.target, epsilon)) return found;
  }
  if (pair.reference.sizes() != pair.target.sizes())
    return InputDifference{
        Cause::input_differs,
        "its shape is " + spelled(pair.target.sizes()) + "; the reference's is " + spelled(pair.reference.sizes()),
        {},
        "give both models the same input"};
  return unexplained(pair);
}

}  // namespace sonde::compare
