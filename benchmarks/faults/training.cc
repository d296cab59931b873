#include "faults/training.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "faults/generators.h"
#include "faults/losses.h"
#include "faults/network.h"
#include "faults/readers.h"

namespace sonde::faults {
namespace {

using torch::Tensor;

struct Data {
  Tensor x, y;
};

Tensor to_tensor(const Array& array, torch::Dtype dtype) {
  const auto options = torch::TensorOptions().dtype(torch::kDouble);
  return torch::from_blob(const_cast<double*>(array.values.data()), array.shape, options).to(dtype);
}

Data load(const Program& program, const std::filesystem::path& digits) {
  const Dataset set = make_dataset(program.data, digits);
  return {to_tensor(set.x, has_embedding(program.model) ? torch::kLong : torch::kFloat),
          to_tensor(set.y, set.y_integral ? torch::kLong : torch::kFloat)};
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const OptimizerSpec& spec, std::vector<Tensor> parameters) {
  namespace optim = torch::optim;
  const auto betas = std::make_tuple(spec.betas[0], spec.betas[1]);
  if (spec.type == "SGD") {
    return std::make_unique<optim::SGD>(
        std::move(parameters),
        optim::SGDOptions(spec.lr).momentum(spec.momentum).nesterov(spec.nesterov).weight_decay(spec.weight_decay));
  }
  if (spec.type == "Adam") {
    return std::make_unique<optim::Adam>(
        std::move(parameters),
        optim::AdamOptions(spec.lr).betas(betas).weight_decay(spec.weight_decay).eps(spec.eps.value_or(1e-8)));
  }
  if (spec.type == "AdamW") {
    return std::make_unique<optim::AdamW>(
        std::move(parameters),
        optim::AdamWOptions(spec.lr).betas(betas).weight_decay(spec.weight_decay).eps(spec.eps.value_or(1e-8)));
  }
  if (spec.type == "RMSprop") {
    return std::make_unique<optim::RMSprop>(std::move(parameters), optim::RMSpropOptions(spec.lr)
                                                                       .alpha(spec.alpha)
                                                                       .eps(spec.eps.value_or(1e-8))
                                                                       .momentum(spec.momentum)
                                                                       .weight_decay(spec.weight_decay));
  }
  if (spec.type == "Adagrad") {
    return std::make_unique<optim::Adagrad>(
        std::move(parameters),
        optim::AdagradOptions(spec.lr).weight_decay(spec.weight_decay).eps(spec.eps.value_or(1e-10)));
  }
  return std::make_unique<optim::LBFGS>(std::move(parameters), optim::LBFGSOptions(spec.lr));
}

void set_learning_rate(torch::optim::Optimizer& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(rate);
}

// The rate of step `step`, which may be the configured one throughout.
double learning_rate(const Program& program, std::int64_t step) {
  if (program.loop.lr_zero_after && step >= *program.loop.lr_zero_after) return 0;
  return program.optimizer.lr / (1 + program.optimizer.decay * static_cast<double>(step));
}

class Mean {
 public:
  void add(double value) { sum_ += value, ++count_; }
  [[nodiscard]] double value() const { return count_ > 0 ? sum_ / count_ : std::numeric_limits<double>::quiet_NaN(); }

 private:
  double sum_ = 0;
  int count_ = 0;
};

// One pass over the data and more until the steps are used up. The loop of a program, faults included.
void run(const Program& program, const Data& data, Network& model, torch::optim::Optimizer& optimizer, Watch& watch,
         Outcome& outcome) {
  const LoopSpec& loop = program.loop;
  const std::int64_t n = data.x.size(0);
  const bool scheduled = program.optimizer.decay > 0 || loop.lr_zero_after;
  const bool closure_optimizer = program.optimizer.type == "LBFGS";

  for (std::int64_t epoch = 0; epoch < program.epochs && outcome.steps < program.max_steps; ++epoch) {
    const Tensor order = program.shuffle ? torch::randperm(n) : torch::arange(n);
    Mean epoch_loss;
    for (std::int64_t begin = 0; begin < n && outcome.steps < program.max_steps; begin += program.batch_size) {
      const std::int64_t first = loop.repeat_batch ? 0 : begin;
      const Tensor rows = loop.repeat_batch ? torch::arange(std::min(program.batch_size, n))
                                            : order.slice(0, first, std::min(first + program.batch_size, n));
      const Tensor batch = data.x.index_select(0, rows);
      const Tensor target = data.y.index_select(0, rows);
      if (scheduled) set_learning_rate(optimizer, learning_rate(program, outcome.steps));

      const auto forward_backward = [&] {
        if (loop.zero_grad) optimizer.zero_grad();
        const Tensor loss = compute_loss(program.loss, model->forward(batch), target);
        watch.backward(loss);
        if (loop.clip_norm) torch::nn::utils::clip_grad_norm_(model->parameters(), *loop.clip_norm);
        return loss;
      };
      Tensor loss;
      if (closure_optimizer && loop.step) {
        loss = optimizer.step(forward_backward);
      } else {
        loss = forward_backward();
        if (loop.step) optimizer.step();
      }
      epoch_loss.add(loss.item<double>());
      if (epoch == 0) outcome.first_loss = epoch_loss.value();
      outcome.last_loss = epoch_loss.value();
      ++outcome.steps;
    }
  }
}

// How well the trained model does on its own training data.
double score(const Program& program, const Data& data, Network& model) {
  torch::NoGradGuard no_grad;
  model->eval();
  std::vector<Tensor> parts;
  for (std::int64_t begin = 0; begin < data.x.size(0); begin += 256) {
    parts.push_back(model->forward(data.x.slice(0, begin, std::min(begin + 256, data.x.size(0)))));
  }
  const Tensor output = torch::cat(parts);
  const std::string& labels = program.data.labels;
  if (labels == "index" || labels == "one_hot") {
    const Tensor truth = labels == "index" ? data.y : data.y.argmax(1);
    return output.argmax(1).eq(truth).to(torch::kDouble).mean().item<double>();
  }
  if (program.task == "regression" || program.task == "autoencoder" || program.task == "sequence") {
    const Tensor target = data.y.reshape({-1});
    const Tensor residual = target - output.reshape({-1});
    return 1 - residual.pow(2).mean().item<double>() / std::max(1e-12, target.var(false).item<double>());
  }
  const bool probabilities = program.loss.type.find("probs") != std::string::npos || program.loss.type == "bce" ||
                             program.loss.type == "mse" || program.loss.type == "mae";
  const double threshold = labels != "pm_one" && probabilities ? 0.5 : 0;
  const Tensor truth = data.y.reshape({-1}) > (labels == "pm_one" ? 0.0 : 0.5);
  return (output.reshape({-1}) > threshold).eq(truth).to(torch::kDouble).mean().item<double>();
}

}  // namespace

Outcome train(const Program& program, std::uint64_t seed, const std::filesystem::path& digits, Watch& watch) {
  const LoopSpec& loop = program.loop;
  const Data data = load(program, digits);
  torch::manual_seed(seed);
  Network model(program.model, loop.unregistered, loop.detach_after);
  for (Tensor& parameter : model->parameters_of(loop.freeze)) parameter.set_requires_grad(false);

  // A stale optimizer holds the parameters of another, equal network.
  const Network stale =
      loop.optimizer_stale ? Network(program.model, loop.unregistered, loop.detach_after) : Network(nullptr);
  const Network& optimised = loop.optimizer_stale ? stale : model;
  const auto optimizer =
      make_optimizer(program.optimizer,
                     loop.optimizer_only ? optimised->parameters_of(*loop.optimizer_only) : optimised->parameters());
  loop.train_mode ? model->train() : model->eval();

  Outcome outcome;
  try {
    watch.attach(*model, *optimizer);
    run(program, data, model, *optimizer, watch, outcome);
  } catch (const std::exception& error) { outcome.stopped_by = error.what(); }
  watch.finish();
  try {
    outcome.score = score(program, data, model);
  } catch (const std::exception&) {
    outcome.score = std::numeric_limits<double>::quiet_NaN();  // shapes that the loss refused
  }
  return outcome;
}

}  // namespace sonde::faults
