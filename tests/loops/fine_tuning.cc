// S12: fine-tuning: a frozen backbone under a new head, later unfrozen, with gradients accumulated over four batches.
//
// Odd but healthy: half of the parameters do not move for half of the run; frozen batch normalisation stays in eval()
// while the rest trains; four backward passes make one step, and an incomplete group at the end of an epoch carries over;
// the optimizer is made anew when the backbone thaws; a scheduler drops the rate; an average copy of the weights moves
// without any optimizer.
#include <digits.h>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr int kAccumulate = 4;

struct Classifier : torch::nn::Module {
  Classifier() {
    register_module("backbone", backbone);
    register_module("head", head);
  }
  torch::Tensor forward(const torch::Tensor& x) { return head->forward(backbone->forward(x)); }

  torch::nn::Sequential backbone{torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 16, 3).padding(1)),
                                 torch::nn::BatchNorm2d(16), torch::nn::ReLU(), torch::nn::MaxPool2d(2),
                                 torch::nn::Flatten()};
  torch::nn::Linear head{256, 10};
};

void set_frozen(torch::nn::Module& module, bool frozen) {
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(!frozen);
}

std::vector<torch::Tensor> trainable(const torch::nn::Module& module) {
  std::vector<torch::Tensor> result;
  for (const auto& parameter : module.parameters()) {
    if (parameter.requires_grad()) result.push_back(parameter);
  }
  return result;
}

void average(const torch::nn::Module& model, torch::nn::Module& mean_model) {
  torch::NoGradGuard no_grad;
  const auto from = model.parameters();
  auto to = mean_model.parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].mul_(0.95).add_(from[i], 0.05);
}

double accuracy(Classifier& model, const Digits& digits) {
  torch::NoGradGuard no_grad;
  model.eval();
  return model.forward(digits.images).argmax(1).eq(digits.labels).to(torch::kDouble).mean().item<double>();
}

}  // namespace

Outcome fine_tuning(Watch& watch) {
  torch::manual_seed(13);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  auto model = std::make_shared<Classifier>();
  auto mean_model = std::make_shared<Classifier>();
  set_frozen(*mean_model, true);
  set_frozen(*model->backbone, true);
  auto optimizer = std::make_unique<torch::optim::AdamW>(trainable(*model), torch::optim::AdamWOptions(1e-2));
  auto schedule = std::make_unique<torch::optim::StepLR>(*optimizer, 3, 0.3);
  auto watched = watch.attach(std::static_pointer_cast<torch::nn::Module>(model), *optimizer, "fine-tuning");

  std::vector<double> losses;
  int accumulated = 0;
  for (int epoch = 0; epoch < 12; ++epoch) {
    if (epoch == 5) {
      set_frozen(*model->backbone, false);
      optimizer = std::make_unique<torch::optim::AdamW>(trainable(*model), torch::optim::AdamWOptions(3e-3));
      schedule = std::make_unique<torch::optim::StepLR>(*optimizer, 3, 0.3);
      watched.follow(*optimizer);
    }
    model->train();
    if (epoch < 5) model->backbone->eval();
    for (const auto& index : torch::randperm(training.size()).split(32)) {
      const auto batch = training.rows(index);
      auto loss = torch::nn::functional::cross_entropy(model->forward(batch.images), batch.labels) / kAccumulate;
      watched.backward(loss);
      losses.push_back(loss.item<double>() * kAccumulate);
      if (++accumulated % kAccumulate == 0) {
        optimizer->step();
        optimizer->zero_grad();
        average(*model, *mean_model);
      }
    }
    schedule->step();
  }
  return finish(losses, *model, accuracy(*model, held_out));
}

}  // namespace sonde::loops
