// The fixes: one text for each cause.
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "analysis/diagnosis.h"

namespace sonde::analysis {
namespace {

std::string rate_text(const Run& run) {
  return run.learning_rate() > 0 ? fmt::format(" ({})", number(run.learning_rate())) : std::string();
}

}  // namespace

std::string_view usual_fix(Cause cause) {
  switch (cause) {
    case Cause::input_non_finite:
      return "check the data before it enters the network: torch::isfinite(batch.data).all()";
    case Cause::input_constant:
      return "the input does not vary; check how batches are read";
    case Cause::labels_constant:
      return "all labels are alike; check how they are read, and the order of the data set";
    case Cause::labels_unrelated:
      return "check that inputs and labels belong together: same order, same shuffling, same index";
    case Cause::labels_out_of_range:
      return "bring labels and the range of the output together: scale the labels or change the output";
    case Cause::labels_shape_mismatch:
      return "give prediction and target the same shape, for example target.view({-1, 1})";
    case Cause::target_not_normalized:
      return "scale the targets to about zero mean and unit variance, and predictions back";
    case Cause::data_not_shuffled:
      return "shuffle the training data each epoch (RandomSampler)";
    case Cause::too_little_data:
      return "more data, or augmentation; the set is small for this model";
    case Cause::class_imbalance:
      return "weight the classes in the loss, or sample them evenly";
    case Cause::missing_activation:
      return "put an activation between the layers; two linear layers in a row are one";
    case Cause::redundant_activation:
      return "remove it: the loss applies it itself";
    case Cause::wrong_output_width:
      return "one output for each class, or one sigmoid output for two classes";
    case Cause::wrong_layer_width:
      return "change the width of the layer";
    case Cause::wrong_filter_count:
      return "change the number of filters";
    case Cause::too_few_conv_layers:
      return "one more convolution before the dense layers";
    case Cause::too_many_dense_layers:
      return "fewer dense layers after the convolutions";
    case Cause::missing_pooling:
      return "pool between convolutions";
    case Cause::missing_normalization:
      return "batch or layer normalisation between the layers keeps their scale";
    case Cause::missing_dropout:
      return "dropout before the last layers, if validation falls behind";
    case Cause::redundant_dropout:
      return "remove the dropout";
    case Cause::dropout_rate:
      return "a rate of at most a half";
    case Cause::wrong_kernel_size:
      return "smaller kernels, more of them";
    case Cause::too_shallow:
      return "one more layer";
    case Cause::too_deep:
      return "fewer layers, or residual connections around them";
    case Cause::redundant_bias:
      return "make the layer without a bias: bias(false)";
    case Cause::wrong_loss:
      return "take the loss that fits the task: cross_entropy for classes, bce_with_logits for yes or no, mse for "
             "numbers";
    case Cause::loss_output_mismatch:
      return "let output and loss fit: logits with cross_entropy, log_softmax with nll_loss, logits with "
             "bce_with_logits";
    case Cause::loss_domain:
      return "use the loss that takes logits; it never leaves its domain";
    case Cause::loss_broadcast:
      return "give prediction and target the same shape; the loss compared every pair of them";
    case Cause::loss_reduction:
      return "use the mean over the batch, or divide the rate by the batch size";
    case Cause::wrong_optimizer:
      return "Adam with its default rate is the safe choice";
    case Cause::optimizer_settings:
      return "check the optimizer's options; a rate is changed in param_groups(), not in defaults()";
    case Cause::batch_size:
      return "try a batch of 32 to 256";
    case Cause::too_few_epochs:
      return "train longer; the loss is still falling";
    case Cause::missing_zero_grad:
      return "call optimizer.zero_grad() before each backward()";
    case Cause::missing_step:
      return "call optimizer.step() after backward()";
    case Cause::frozen_parameter:
      return "set requires_grad to true, if it is meant to learn";
    case Cause::detached_graph:
      return "look for detach(), NoGradGuard or .data between this layer and the loss";
    case Cause::eval_mode_while_training:
      return "call model->train() before the training loop, and again after each evaluation";
    case Cause::repeated_batch:
      return "take the next batch from the loader in each step";
    case Cause::overflow:
      return "keep the values in range: scale the input, bound the activation, or use a wider type";
    case Cause::underflow:
      return "stay in the log domain: log_softmax with nll_loss";
    case Cause::division_by_zero:
      return "add a small number to the divisor, or clamp it from below";
    case Cause::log_of_zero:
      return "log_softmax with nll_loss, or bce_with_logits, never takes the log of zero; else clamp the argument from "
             "below";
    case Cause::sqrt_at_zero:
      return "add a small number under the root; its slope is infinite at zero";
    case Cause::input_not_normalized:
      return "scale the input to about zero mean and unit variance";
    case Cause::learning_rate_too_high:
      return "lower the learning rate, by a factor of ten to begin with";
    case Cause::learning_rate_too_low:
      return "raise the learning rate, by a factor of ten to begin with";
    case Cause::wrong_activation:
      return "another activation: ReLU or its relatives between layers";
    case Cause::wrong_output_activation:
      return "another output activation: none for numbers, log_softmax for classes, sigmoid for yes or no";
    case Cause::bad_initialization:
      return "initialise the weights with their fan-in in mind (kaiming or xavier), the bias at zero";
    case Cause::parameter_not_optimized:
      return "give all parameters to the optimizer: it must be made after the layer";
    case Cause::parameter_not_registered:
      return "register the layer with register_module() or register_parameter()";
    case Cause::unknown:
      return "not enough is known; observe every step (Options::every_step) and look at the first symptom";
  }
  return {};
}

std::string fix_for(Cause cause, const std::string& place, const Run& run) {
  std::string fix(usual_fix(cause));
  // Puts what is known of this run behind the first occurrence of a word of the usual text.
  const auto behind = [&fix](std::string_view word, const std::string& what) {
    fix.insert(fix.find(word) + word.size(), what);
  };
  const std::string at = place.empty() ? std::string() : " (" + place + ")";
  switch (cause) {
    case Cause::input_not_normalized:
      if (run.input().known) {
        fix += fmt::format("; it is {} +- {} in [{}, {}]", number(run.input().mean), number(run.input().deviation),
                           number(run.input().min), number(run.input().max));
      }
      break;
    case Cause::learning_rate_too_high:
    case Cause::learning_rate_too_low:
      behind("learning rate", rate_text(run));
      break;
    case Cause::wrong_activation:
    case Cause::wrong_output_activation:
      behind("activation", at);
      break;
    case Cause::bad_initialization:
      behind("weights", at);
      break;
    case Cause::parameter_not_optimized:
      behind("parameters", at);
      break;
    case Cause::parameter_not_registered:
      behind("layer", at);
      break;
    default:
      break;
  }
  return fix;
}

}  // namespace sonde::analysis
