#include "compare/parameter_diagnosis.h"

#include <cmath>
#include <limits>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include "compare/not_loaded.h"
#include "compare/plain_tensor.h"
#include "compare/rearrangement.h"
#include "compare/rounding.h"
#include "compare/scaling.h"
#include "report/text.h"

namespace sonde::compare {
namespace {

using report::number;

constexpr const char* kCopy = "copy the reference's values";

std::string spelled(at::IntArrayRef sizes) {
  std::string text;
  for (const auto size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

// The reference in the target's type and device, in memory of its own.
at::Tensor as_target(const at::Tensor& reference, const at::Tensor& target) {
  return reference.detach().to(target.options().requires_grad(false), /*non_blocking=*/false, /*copy=*/true);
}

bool is_reduced(at::ScalarType type) { return type == at::kHalf || type == at::kBFloat16; }

double epsilon_of(at::ScalarType type) {
  if (type == at::kHalf) return 0x1p-11;
  if (type == at::kBFloat16) return 0x1p-8;
  return type == at::kDouble ? 0x1p-53 : 0x1p-24;
}

// ---- what the numbers are like

std::string percent(double share) { return number(100 * share) + " %"; }

void tell_not_finite(const PlainPair& pair, ParameterDifference& found) {
  if (pair.reference_not_finite + pair.target_not_finite == 0) return;
  found.evidence.push_back(report::counted(static_cast<std::uint64_t>(pair.target_not_finite), "element") +
                           " NaN or infinite; " + std::to_string(pair.reference_not_finite) + " in the reference");
}

std::string index_in(at::IntArrayRef sizes, std::int64_t flat) {
  std::string text;
  for (auto d = sizes.size(); d-- > 0;) {
    text = std::to_string(flat % sizes[d]) + (text.empty() ? "" : ", ") + text;
    flat /= sizes[d];
  }
  return "[" + text + "]";
}

// Elements and slices that differ, where few of them do.
void tell_where(const PlainPair& pair, const Figures& figures, ParameterDifference& found) {
  const auto differing = figures.elements - figures.equal;
  if (figures.equal == 0 || pair.target.dim() == 0) return;
  if (differing <= 3) {
    const auto ours = pair.target.reshape({-1});
    const auto theirs = pair.reference.reshape({-1});
    const auto places = ours.ne(theirs).nonzero().reshape({-1});
    for (std::int64_t i = 0; i < places.numel(); ++i) {
      const auto place = places[i].item<std::int64_t>();
      found.evidence.push_back("element " + index_in(pair.target.sizes(), place) + " is " +
                               number(ours[place].item<double>()) + ", " + number(theirs[place].item<double>()) +
                               " in the reference");
    }
  } else if (pair.target.dim() > 1) {
    const auto rows = pair.target.ne(pair.reference).flatten(1).any(1).nonzero().reshape({-1});
    if (rows.numel() < pair.target.size(0))
      found.evidence.push_back("all of them in " + std::to_string(rows.numel()) + " of its " +
                               std::to_string(pair.target.size(0)) + " slices of dimension 0, the first is number " +
                               std::to_string(rows[0].item<std::int64_t>()));
  }
}

void tell_figures(const PlainPair& pair, const Figures& figures, ParameterDifference& found) {
  found.relative_error = figures.relative_error;
  std::string text = "no element is equal";
  if (figures.equal > 0) {
    const auto share = static_cast<double>(figures.equal) / static_cast<double>(figures.elements);
    text = std::to_string(figures.elements - figures.equal) + " of " + std::to_string(figures.elements) +
           " elements differ, " + percent(share) + " are equal";
  }
  text += "; relative error " + number(figures.relative_error);
  if (!std::isnan(figures.correlation)) text += ", correlation " + number(figures.correlation);
  found.evidence.push_back(std::move(text));
  tell_where(pair, figures, found);
  tell_not_finite(pair, found);
}

// ---- other shapes

// As many of each dimension as both have are equal: one is the beginning of the other.
bool one_begins_the_other(const at::Tensor& a, const at::Tensor& b) {
  if (a.dim() != b.dim() || a.dim() == 0) return false;
  auto x = a, y = b;
  for (std::int64_t d = 0; d < a.dim(); ++d) {
    const auto common = std::min(a.size(d), b.size(d));
    x = x.narrow(d, 0, common);
    y = y.narrow(d, 0, common);
  }
  return x.numel() > 3 && at::equal(x, y);
}

ParameterDifference of_shapes(const PlainPair& pair) {
  ParameterDifference found;
  found.cause = Cause::parameter_shape;
  found.message =
      "its shape is " + spelled(pair.target.sizes()) + "; the reference's is " + spelled(pair.reference.sizes());
  found.relative_error = std::numeric_limits<double>::quiet_NaN();
  found.repair = "give it the reference's shape and values";
  if (pair.reference.squeeze().sizes() == pair.target.squeeze().sizes() &&
      at::equal(pair.reference.squeeze(), pair.target.squeeze())) {
    found.evidence.emplace_back("the same values: only dimensions of size 1 differ");
    found.benign = true;
    found.repair.clear();
  } else if (one_begins_the_other(pair.reference, pair.target)) {
    found.evidence.emplace_back("the elements that both have are equal");
  }
  tell_not_finite(pair, found);
  return found;
}

// ---- the same shape

// A tensor of one row copied into all rows, as copy_() does without a word.
std::optional<std::string> broadcast(const PlainPair& pair) {
  const auto& ours = pair.target;
  const auto& theirs = pair.reference;
  if (ours.dim() < 2 || ours.size(0) < 2 || ours[0].numel() < 2) return std::nullopt;
  if (!at::equal(ours, ours[0].unsqueeze(0).expand_as(ours))) return std::nullopt;
  if (at::equal(theirs, theirs[0].unsqueeze(0).expand_as(theirs))) return std::nullopt;
  return "all its " + std::to_string(ours.size(0)) +
         " rows are the same, as when one row is loaded into all; the reference's are not";
}

void name_value(const PlainPair& pair, const Figures& figures, double epsilon, ParameterDifference& found) {
  found.cause = Cause::parameter_value;
  found.repair = kCopy;
  if (pair.target_not_finite > pair.reference_not_finite) {
    found.message = report::counted(static_cast<std::uint64_t>(pair.target_not_finite), "element") + " of " +
                    std::to_string(figures.elements) + " NaN or infinite; " +
                    std::to_string(pair.reference_not_finite) + " in the reference";
  } else if (auto rows = broadcast(pair)) {
    found.message = *rows;
  } else if (figures.relative_error <= 4 * epsilon) {
    found.message = "it differs by rounding alone, as if computed in another way";
  } else if (figures.elements == 1) {
    found.message = "it is " + number(pair.target.item<double>()) + "; " + number(pair.reference.item<double>()) +
                    " in the reference";
  } else {
    found.message = std::to_string(figures.elements - figures.equal) + " of its " + std::to_string(figures.elements) +
                    " elements have other values, relative error " + number(figures.relative_error);
  }
}

bool name_rounding(const PlainPair& pair, bool reduced, ParameterDifference& found) {
  auto rounding = find_rounding(pair);
  if (!rounding) rounding = find_integer_grid(pair);
  if (!rounding) return false;
  found.cause = Cause::parameter_rounded;
  found.message = "it is the reference's, " + rounding->message;
  found.benign = reduced && rounding->floating && pair.target_not_finite <= pair.reference_not_finite;
  found.repair = kCopy;
  return true;
}

// In the order from the most specific to the least.
void name_difference(const PlainPair& pair, const Figures& figures, const ParameterRole& role, bool reduced,
                     double epsilon, ParameterDifference& found) {
  // Before rounding, which explains zeros where the reference is small.
  if (auto constant = find_constant(pair)) {
    found.cause = Cause::parameter_not_loaded;
    found.message = std::move(constant->message);
    found.evidence = std::move(constant->evidence);
    found.repair = kCopy;
    return;
  }
  if (name_rounding(pair, reduced, found)) return;
  if (pair.target_not_finite <= pair.reference_not_finite) {
    if (auto scaling = find_scaling(pair, figures, epsilon)) {
      found.cause = scaling->cause;
      found.message = std::move(scaling->message);
      found.repair = kCopy;
      return;
    }
    if (auto initialiser = find_initialiser(pair, figures, role)) {
      found.cause = Cause::parameter_not_loaded;
      found.message = std::move(initialiser->message);
      found.evidence = std::move(initialiser->evidence);
      found.repair = kCopy;
      return;
    }
  }
  name_value(pair, figures, epsilon, found);
}

ParameterDifference missing(bool in_target) {
  ParameterDifference found;
  found.cause = Cause::parameter_missing;
  found.message = in_target ? "the target has none" : "the reference has none";
  found.relative_error = std::numeric_limits<double>::quiet_NaN();
  found.repair = in_target ? "register and load it" : "";
  return found;
}

}  // namespace

std::optional<ParameterDifference> diagnose_parameter(const at::Tensor& reference, const at::Tensor& target,
                                                      const ParameterRole& role, bool reduced) {
  const at::NoGradGuard no_grad;
  if (!reference.defined() && !target.defined()) return std::nullopt;
  if (!reference.defined() || !target.defined()) return missing(!target.defined());

  const PlainPair pair = plain_pair(reference, target);
  const bool rounds = is_reduced(target.scalar_type()) && target.scalar_type() != reference.scalar_type();
  const bool one_shape = pair.reference.sizes() == pair.target.sizes();
  if (one_shape && at::equal(pair.reference, pair.target)) {
    if (!rounds || reduced) return std::nullopt;
    const PlainPair unrounded = plain_pair(reference, target.to(at::kFloat));
    if (at::equal(unrounded.reference, unrounded.target)) return std::nullopt;
    ParameterDifference found;
    found.cause = Cause::parameter_rounded;
    found.message = std::string("it is the reference's, rounded to ") +
                    (target.scalar_type() == at::kHalf ? "half precision" : "bfloat16") + ", in which it is stored";
    found.repair = "keep it in single precision";
    tell_figures(unrounded, figures_of(unrounded), found);
    return found;
  }

  if (auto moved = find_rearrangement(pair, role); moved && moved->cause != Cause::parameter_shape) {
    ParameterDifference found;
    found.cause = moved->cause;
    found.message = std::move(moved->message);
    found.repair = moved->explained ? std::move(moved->repair) : kCopy;
    if (moved->explained) found.mended = as_target(reference, target);
    if (one_shape) {
      const auto figures = figures_of(pair);
      found.relative_error = figures.relative_error;
      found.evidence.push_back("in that order " + std::to_string(figures.elements) + " of " +
                               std::to_string(figures.elements) + " elements are equal; as it is, " +
                               std::to_string(figures.equal));
    } else {
      found.relative_error = std::numeric_limits<double>::quiet_NaN();
      found.evidence.push_back("its shape is " + spelled(pair.target.sizes()) + "; the reference's is " +
                               spelled(pair.reference.sizes()));
    }
    if (!moved->explained) found.evidence.back() = "the same values as the reference's, counted with their number";
    tell_not_finite(pair, found);
    return found;
  }
  if (!one_shape) return of_shapes(pair);

  ParameterDifference found;
  const auto figures = figures_of(pair);
  name_difference(pair, figures, role, reduced, epsilon_of(target.scalar_type()), found);
  tell_figures(pair, figures, found);
  return found;
}

}  // namespace sonde::compare
