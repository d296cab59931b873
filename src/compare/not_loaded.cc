#include "compare/not_loaded.h"

#include <cmath>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "report/text.h"

namespace sonde::compare {
namespace {

using report::number;

constexpr std::int64_t kFewest = 64;  // elements, to tell one distribution from another
constexpr double kErrors = 4;         // standard errors that an estimate may be off by
// Trained weights are often nearly normal, so a deviation that is an initialiser's tells something only where it is known
// this well. Even values are telling by themselves: training leaves none.
constexpr double kPinned = 0.1;

// What a tensor is like, as far as initialisers differ.
struct Shape {
  double count = 0;
  double mean = 0;
  double deviation = 0;
  double kurtosis = 0;  // 1.8 for even, 3 for normal values
  double largest = 0;   // distance from zero
};

Shape shape_of(const at::Tensor& tensor, double mean, double deviation) {
  Shape shape{static_cast<double>(tensor.numel()), mean, deviation, 0, 0};
  in_pieces(tensor, tensor, [&](const at::Tensor& a, const at::Tensor&) {
    const auto squared = (a - mean).square_();
    shape.kurtosis += squared.dot(squared).item<double>();
    shape.largest = std::max(shape.largest, a.abs().max().item<double>());
    return true;
  });
  shape.kurtosis /= shape.count * std::pow(deviation, 4);
  return shape;
}

// Standard errors of the deviation (relative) and the kurtosis of so many even or normal values.
bool is_like(const Shape& shape, double kurtosis, double deviation) {
  const double error = std::sqrt((kurtosis - 1) / (4 * shape.count));
  const double of_kurtosis = std::sqrt((kurtosis < 2 ? 1.4 : 24.0) / shape.count);
  return std::abs(shape.mean) <= kErrors * deviation / std::sqrt(shape.count) &&
         std::abs(shape.deviation / deviation - 1) <= kErrors * error &&
         std::abs(shape.kurtosis - kurtosis) <= kErrors * of_kurtosis;
}

// Even between -bound and bound. The largest of n such values is below bound (1 - 14 / n) once in a million tensors.
bool is_even(const Shape& shape, double bound) {
  return shape.largest <= bound * (1 + 1e-6) && shape.largest >= bound * (1 - 14 / shape.count) &&
         is_like(shape, 1.8, bound / std::sqrt(3.0));
}

bool is_normal(const Shape& shape, double deviation) {
  return kErrors / std::sqrt(2 * shape.count) <= kPinned && is_like(shape, 3, deviation);
}

std::string even_between(double bound) { return "spread evenly between -" + number(bound) + " and " + number(bound); }

std::string normal_of(double deviation) { return "normally distributed with deviation " + number(deviation); }

// What an initialiser that gives values like these is called, and empty if none is known.
std::string initialiser_of(const Shape& shape, const at::Tensor& tensor, const ParameterRole& role) {
  if (tensor.dim() >= 2) {
    const auto positions = static_cast<double>(tensor.numel() / (tensor.size(0) * tensor.size(1)));
    const double in = static_cast<double>(tensor.size(1)) * positions;
    const double out = static_cast<double>(tensor.size(0)) * positions;
    const bool gated =
        role.operation.find("lstm") != std::string::npos || role.operation.find("gru") != std::string::npos;
    const double hidden =
        static_cast<double>(tensor.size(0)) / (role.operation.find("lstm") != std::string::npos ? 4 : 3);
    if (gated && is_even(shape, 1 / std::sqrt(hidden)))
      return even_between(1 / std::sqrt(hidden)) + ", Torch's default";
    if (is_even(shape, 1 / std::sqrt(in)))
      return even_between(1 / std::sqrt(in)) + ", Torch's default (1/sqrt(fan in))";
    for (const double fan : {in, out}) {
      if (is_even(shape, std::sqrt(6 / fan))) return even_between(std::sqrt(6 / fan)) + " (Kaiming, uniform)";
      if (is_normal(shape, std::sqrt(2 / fan))) return normal_of(std::sqrt(2 / fan)) + " (Kaiming, normal)";
      if (is_normal(shape, std::sqrt(1 / fan))) return normal_of(std::sqrt(1 / fan)) + " (LeCun, normal)";
    }
    if (is_even(shape, std::sqrt(6 / (in + out))))
      return even_between(std::sqrt(6 / (in + out))) + " (Xavier, uniform)";
    if (is_normal(shape, std::sqrt(2 / (in + out)))) return normal_of(std::sqrt(2 / (in + out))) + " (Xavier, normal)";
  } else if (const double inputs = 1 / (shape.largest * shape.largest);
             inputs > 0.9 && std::isfinite(inputs) && role.part.find("bias") != std::string::npos) {
    // Torch's default for a bias goes by the inputs of the layer, which its shape does not tell: a whole number.
    const double bound = 1 / std::sqrt(std::max(1.0, std::floor(inputs + 1e-6)));
    if (is_even(shape, bound))
      return even_between(shape.largest) + ", as Torch's default for a layer with about " +
             std::to_string(std::llround(inputs)) + " inputs";
  }
  for (const double deviation : {0.02, 0.01, 1.0})
    if (is_normal(shape, deviation)) return normal_of(deviation);
  return "";
}

}  // namespace

std::optional<NotLoaded> find_constant(const PlainPair& pair) {
  const auto flat = pair.target.reshape({-1});
  const auto ours = flat[0].item<double>();
  bool constant = true, theirs_too = true;
  const auto first = pair.reference.reshape({-1})[0].item<double>();
  in_pieces(pair.reference, pair.target, [&](const at::Tensor& a, const at::Tensor& b) {
    theirs_too = theirs_too && a.eq(first).all().item<bool>();
    return constant = constant && b.eq(ours).all().item<bool>();
  });
  if (!constant) return std::nullopt;
  const bool usual = ours == 0 || ours == 1;
  // Of one element nothing but zero and one is telling; and a reference that is even as well was perhaps made so.
  if (!usual && (theirs_too || flat.numel() < 2)) return std::nullopt;
  const auto count =
      flat.numel() == 1 ? std::string("it is ") : "all its " + std::to_string(flat.numel()) + " elements are ";
  NotLoaded found{count + number(ours) + "; the reference's are not", {}};
  if (theirs_too) found.message = count + number(ours) + "; " + number(first) + " in the reference";
  found.evidence.push_back(ours == 0 || ours == 1
                               ? "this is what initialisers leave in biases, means, variances and scales"
                               : "initialisers leave constants, training does not");
  return found;
}

std::optional<NotLoaded> find_initialiser(const PlainPair& pair, const Figures& figures, const ParameterRole& role) {
  if (pair.target.numel() < kFewest || !pair.target.is_floating_point()) return std::nullopt;
  if (pair.target_not_finite > 0 || figures.equal > 0 || !(figures.deviation > 0)) return std::nullopt;
  // Four standard errors of a correlation that is none. A constant reference has none either.
  const double noise = 4 / std::sqrt(static_cast<double>(figures.elements));
  if (std::abs(figures.correlation) > noise) return std::nullopt;
  const auto name = initialiser_of(shape_of(pair.target, figures.mean, figures.deviation), pair.target, role);
  if (name.empty()) return std::nullopt;
  NotLoaded found{"it looks as an initialiser leaves it, not as the reference's: its values are " + name, {}};
  if (std::isnan(figures.correlation)) {
    found.evidence.push_back("the reference's elements are all " + number(figures.reference_mean));
  } else {
    found.evidence.push_back("correlation with the reference " + number(figures.correlation) +
                             ", chance alone gives up to " + number(noise));
  }
  if (pair.reference_not_finite == 0 && figures.reference_deviation > 0) {
    const auto theirs = shape_of(pair.reference, figures.reference_mean, figures.reference_deviation);
    found.evidence.push_back(
        initialiser_of(theirs, pair.reference, role) == name
            ? "the reference has that distribution too, so this may as well be another set of weights"
            : "the reference has deviation " + number(theirs.deviation) + ", this " + number(figures.deviation));
  }
  return found;
}

}  // namespace sonde::compare
