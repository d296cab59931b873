#include "report/cause_text.h"

#include <array>

namespace sonde::report {
namespace {

constexpr Severity kAdvice = Severity::advice;
constexpr Severity kWarning = Severity::warning;
constexpr Severity kError = Severity::error;

// In the order of the enum.
constexpr std::array kTexts = {
    CauseText{"The input is on a scale the weights were not made for", "data", kWarning},
    CauseText{"The input holds NaN or Inf", "data", kError},
    CauseText{"The input does not vary", "data", kWarning},
    CauseText{"All labels are alike", "data", kWarning},
    CauseText{"The labels have nothing to do with the inputs", "data", kWarning},
    CauseText{"Labels lie outside what the output can express", "data", kError},
    CauseText{"Prediction and target differ in shape", "data", kError},
    CauseText{"The target is on a scale the output cannot reach", "data", kWarning},
    CauseText{"The data come in order, not shuffled", "data", kWarning},
    CauseText{"There are few data for a model of this size", "data", kAdvice},
    CauseText{"Some classes are far more frequent than others", "data", kWarning},
    CauseText{"Two linear layers follow each other without an activation", "structure", kAdvice},
    CauseText{"The activation between the layers lets little gradient through", "structure", kWarning},
    CauseText{"An activation is applied twice, or where none belongs", "structure", kWarning},
    CauseText{"The activation of the output does not fit the task", "structure", kWarning},
    CauseText{"The output has the wrong number of units for the task", "structure", kError},
    CauseText{"A layer is too wide or too narrow", "structure", kAdvice},
    CauseText{"A convolution has too many or too few filters", "structure", kAdvice},
    CauseText{"There are few convolutions before the dense layers", "structure", kAdvice},
    CauseText{"There are many dense layers after the convolutions", "structure", kAdvice},
    CauseText{"Convolutions follow each other without any reduction in size", "structure", kAdvice},
    CauseText{"A deep network has no normalisation between its layers", "structure", kAdvice},
    CauseText{"A large network has no dropout", "structure", kAdvice},
    CauseText{"Dropout is applied where it does no good", "structure", kAdvice},
    CauseText{"Dropout takes away too much", "structure", kAdvice},
    CauseText{"A kernel is larger than it needs to be", "structure", kAdvice},
    CauseText{"The network has too few layers for its task", "structure", kAdvice},
    CauseText{"The network has too many layers for the gradient to pass", "structure", kWarning},
    CauseText{"A bias stands before a normalisation that removes it", "structure", kAdvice},
    CauseText{"The loss does not fit the task", "loss", kWarning},
    CauseText{"The loss expects another kind of output than it gets", "loss", kError},
    CauseText{"The loss is given values outside its domain", "loss", kError},
    CauseText{"The loss broadcasts prediction and target against each other", "loss", kError},
    CauseText{"The loss sums over the batch, so that its size sets the step", "loss", kWarning},
    CauseText{"The learning rate is too high", "optimization", kError},
    CauseText{"The learning rate is too low", "optimization", kWarning},
    CauseText{"Another optimizer would do better", "optimization", kAdvice},
    CauseText{"The optimizer's settings are unusual or have no effect", "optimization", kWarning},
    CauseText{"The batch is very small or very large", "optimization", kAdvice},
    CauseText{"The training ends before the loss has settled", "optimization", kAdvice},
    CauseText{"The initial weights are too large, too small or all alike", "initialization", kWarning},
    CauseText{"Gradients are never cleared", "loop", kError},
    CauseText{"The optimizer's step is missing", "loop", kError},
    CauseText{"A parameter gets gradients, but no optimizer holds it", "loop", kWarning},
    CauseText{"A tensor is trained that is no parameter of the model", "loop", kWarning},
    CauseText{"A parameter is frozen", "loop", kWarning},
    CauseText{"A layer is cut off from the loss", "loop", kWarning},
    CauseText{"The model trains in evaluation mode", "loop", kWarning},
    CauseText{"The same batch is used on every step", "loop", kWarning},
    CauseText{"Values exceed the range of their type", "numerics", kError},
    CauseText{"Values fall below the range of their type", "numerics", kError},
    CauseText{"Something is divided by zero", "numerics", kError},
    CauseText{"The logarithm of zero is taken", "numerics", kError},
    CauseText{"The square root is differentiated at zero", "numerics", kError},
    CauseText{"The evidence does not single out a cause", "unknown", kWarning}};

static_assert(kTexts.size() == static_cast<std::size_t>(Cause::unknown) + 1);

}  // namespace

const CauseText& text_of(Cause cause) noexcept {
  const auto index = static_cast<std::size_t>(cause);
  return index < kTexts.size() ? kTexts[index] : kTexts.back();
}

}  // namespace sonde::report
