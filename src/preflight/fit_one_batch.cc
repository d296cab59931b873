// Can the model fit one batch? Steps with a copy of the optimizer, every one from the same random state: the loss then is
// a function of the weights alone, and a program that can learn anything lowers it. Where it does not fall, steps down
// the gradient with a rate that is searched for tell a wrong rate from a gradient that does not point downhill. The idea
// of the test is from Karpathy, "A recipe for training neural networks", 2019.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <ATen/Functions.h>

#include "preflight/kinds.h"
#include "preflight/optimizer_copy.h"
#include "preflight/trial.h"

namespace sonde::preflights {
namespace {

constexpr double kFell = 0.25;        // of the first loss: enough to say that the batch is being learnt
constexpr double kStood = 0.02;       // less than this is nothing
constexpr double kBlewUp = 2;         // rose by as many times the first loss
constexpr double kNoise = 1e-5;       // of the first loss: a change that rounding does not explain
constexpr double kSecondsAtMost = 8;  // then the answer is left open

struct Course {
  std::vector<double> losses;
  bool finite = true;
  bool in_time = true;
};

Course train(Trial& trial, OptimizerCopy& optimizer) {
  const auto begin = std::chrono::steady_clock::now();
  Course course;
  trial.state().begin();
  const auto evaluate = [&] {
    trial.state().begin_random();
    auto loss = trial.loss();
    course.losses.push_back(loss.item<double>());
    course.finite = std::isfinite(course.losses.back());
    if (course.finite) trial.backward(loss);
    return loss;
  };
  while (course.losses.size() < trial.options().fit_steps && course.finite && course.in_time) {
    optimizer.step(evaluate);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    course.in_time = spent.count() < kSecondsAtMost;
  }
  return course;
}

struct Descent {
  double gradient = 0;                                      // its norm
  double best = std::numeric_limits<double>::infinity();    // the lowest loss that one step down the gradient reached
  double rate = 0;                                          // with which it did
  double slope = std::numeric_limits<double>::quiet_NaN();  // against what the gradient says; NaN: too small to tell
};

// Steps along the gradient, both ways, that move the weights by a tenth of their size, and less and less.
Descent descend(Trial& trial, double scale) {
  trial.state().begin();
  trial.backward(trial.loss());
  std::vector<at::Tensor> gradients;
  double weight = 0, square = 0;
  for (const auto& parameter : trial.trained()) {
    const auto& gradient = parameter.tensor.grad();
    gradients.push_back(gradient.defined() ? gradient.to_dense().clone() : at::Tensor());
    weight += parameter.tensor.detach().to(at::kDouble).square().sum().item<double>();
    if (gradient.defined()) square += gradients.back().to(at::kDouble).square().sum().item<double>();
  }
  Descent descent;
  descent.gradient = std::sqrt(square);
  if (!(descent.gradient > 0)) return descent;
  const auto loss_at = [&](double rate) {
    trial.state().begin();
    for (std::size_t i = 0; i < gradients.size(); ++i)
      if (gradients[i].defined()) trial.trained()[i].tensor.variable_data().sub_(gradients[i], rate);
    return trial.loss().item<double>();
  };
  for (double share = 0.1; share > 1e-7; share /= 4) {
    const double rate = share * std::max(std::sqrt(weight), 1e-3) / descent.gradient;
    const double down = loss_at(rate), up = loss_at(-rate);
    if (down < descent.best) {
      descent.best = down;
      descent.rate = rate;
    }
    // Curvature cancels, so that this is near 1 at a minimum, too. The smallest step that rounding leaves counts.
    const double promised = 2 * rate * square;
    if (promised > kNoise * scale) descent.slope = (up - down) / promised;
  }
  return descent;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// A model that has learnt already is thrown back by an optimizer that starts anew, and comes down again.
bool still_rising(const std::vector<double>& losses) {
  const auto middle = losses.begin() + static_cast<std::ptrdiff_t>(losses.size() / 2);
  return median({middle, losses.end()}) >= median({losses.begin(), middle});
}

Location place(const char* part) {
  Location where;
  where.part = part;
  where.phase = Phase::loss;
  return where;
}

}  // namespace

void fits_one_batch(Trial& trial) {
  constexpr const char* kQuestion = "whether the model can fit one batch";
  if (stands_still(trial.optimizer())) return trial.not_observed(kQuestion, "the learning rate is 0 at the moment");
  OptimizerCopy optimizer(trial.optimizer());
  if (!optimizer.possible()) return trial.not_observed(kQuestion, "the optimizer is of a kind that cannot be copied");
  const auto course = train(trial, optimizer);
  const double first = course.losses.front(), last = course.losses.back();
  if (!std::isfinite(first) || first == 0) return trial.not_observed(kQuestion, "the first loss is " + number(first));
  const double scale = std::abs(first);
  const double fall = course.finite ? (first - last) / scale : -std::numeric_limits<double>::infinity();
  const auto steps = std::to_string(course.losses.size());
  const auto went =
      "on one batch the loss went from " + number(first) + " to " + number(last) + " in " + steps + " passes";
  if (fall >= kFell) return;
  if (!course.finite || (fall < -kBlewUp && still_rising(course.losses)))
    return trial.found(Severity::warning, kBatchNotFitted, place("optimizer"), went,
                       because(Cause::learning_rate_too_high, 0.9, "lower the learning rate, or warm it up"));
  if (!course.in_time) return trial.not_observed(kQuestion, "no answer after " + number(kSecondsAtMost) + " seconds");
  if (fall >= kStood) {
    const double before = course.losses[course.losses.size() * 3 / 4];
    if (before - last > kStood * scale / 4) return;  // still on its way
    return trial.found(
        Severity::advice, kBatchNotFitted, place("model"), went + " and stands still",
        because(Cause::too_shallow, 0.3,
                "a model that cannot fit one batch cannot fit the data: look for inputs and labels that do not "
                "belong together, or a model too small"));
  }

  const auto descent = descend(trial, scale);
  if (descent.gradient == 0)
    return trial.found(
        Severity::error, kBatchNotFitted, place("model"),
        "the loss of one batch is " + number(first) + ", and every gradient is zero",
        because(Cause::bad_initialization, 0.7, "initialise the layers anew: no unit passes a gradient"));
  if (descent.slope < 0.1)
    return trial.found(
        Severity::warning, kBatchNotFitted, place("model"),
        went + ", and a small step down the gradient does not lower it",
        because(Cause::unknown, 0.6,
                "the gradient does not belong to this loss: look at custom autograd functions, detach() and "
                "values written through .data()"));
  if (std::isnan(descent.slope) || first - descent.best <= kStood * scale / 4)
    return trial.not_observed(kQuestion, "the loss of this batch is at a minimum already");
  const bool rose = fall < 0;
  trial.found(
      Severity::advice, kBatchNotFitted, place("optimizer"),
      went + ", but a plain step with a rate of " + number(descent.rate) + " lowers it to " + number(descent.best),
      because(rose ? Cause::learning_rate_too_high : Cause::learning_rate_too_low, 0.6,
              rose ? "lower the learning rate" : "raise the learning rate"));
}

}  // namespace sonde::preflights
