#include <fmt/format.h>

#include "faults/readers.h"

namespace sonde::faults {

LossSpec read_loss(const json& value, const std::string& path) {
  Fields fields(value, path);
  LossSpec loss;
  loss.type = fields.choice("type", {"mse", "mae", "huber", "cross_entropy", "nll", "bce", "bce_logits", "kl", "hinge",
                                     "msle", "cce_probs", "scce_probs", "bce_probs", "cce_unclamped"});
  loss.sum = fields.choice_or("reduction", "mean", {"mean", "sum"}) == "sum";
  fields.done();
  return loss;
}

OptimizerSpec read_optimizer(const json& value, const std::string& path) {
  Fields fields(value, path);
  OptimizerSpec optimizer;
  optimizer.type = fields.choice("type", {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS"});
  optimizer.lr = fields.number("lr", 0);
  // Every field goes with every type, so that a patch may change the type alone; those of other types have no effect.
  optimizer.decay = fields.number_or("decay", 0, 0);
  optimizer.momentum = fields.number_or("momentum", 0, 0);
  optimizer.nesterov = fields.boolean_or("nesterov", false);
  optimizer.weight_decay = fields.number_or("weight_decay", 0, 0);
  optimizer.alpha = fields.number_or("alpha", 0.99, 0, 1);
  if (fields.find("eps") != nullptr) optimizer.eps = fields.number("eps", 0);
  if (const json* betas = fields.find("betas")) {
    const std::vector<double> numbers = as_numbers(*betas, fields.path("betas"));
    const auto valid = [](double beta) { return beta >= 0 && beta < 1; };
    if (numbers.size() != 2 || !valid(numbers[0]) || !valid(numbers[1])) {
      throw CaseError(fields.path("betas"), "two numbers in [0, 1)", describe(*betas));
    }
    optimizer.betas = {numbers[0], numbers[1]};
  }
  if (optimizer.type == "SGD" && optimizer.nesterov && optimizer.momentum <= 0) {
    throw CaseError(fields.path("nesterov"), "nesterov only with a momentum", "momentum 0");
  }
  fields.done();
  return optimizer;
}

LoopSpec read_loop(const json& value, const std::string& path) {
  Fields fields(value, path);
  LoopSpec loop;
  loop.zero_grad = fields.boolean_or("zero_grad", true);
  loop.step = fields.boolean_or("step", true);
  loop.train_mode = fields.boolean_or("train_mode", true);
  loop.repeat_batch = fields.boolean_or("repeat_batch", false);
  loop.optimizer_stale = fields.boolean_or("optimizer_stale", false);
  if (fields.find("clip_norm") != nullptr) loop.clip_norm = fields.number("clip_norm", 0);
  loop.freeze = fields.names_or_empty("freeze");
  loop.unregistered = fields.names_or_empty("unregistered");
  if (fields.find("optimizer_only") != nullptr) loop.optimizer_only = fields.names_or_empty("optimizer_only");
  if (fields.find("detach_after") != nullptr) loop.detach_after = fields.text("detach_after");
  if (fields.find("lr_zero_after") != nullptr) loop.lr_zero_after = fields.whole("lr_zero_after", 0);
  fields.done();
  return loop;
}

}  // namespace sonde::faults
