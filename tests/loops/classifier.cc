// S2: a convolutional classifier of the kind of LibTorch's MNIST example: a Module on the stack, a DataLoader, train and
// test functions called once an epoch.
//
// Odd but healthy: the last batch is smaller; the layers are called through functionals, with dropout in between; the
// test runs the same module in eval() mode on larger batches with a summed loss; a loader worker makes the batches.
#include <digits.h>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

// c10::optional or std::optional, depending on the version.
using MaybeSize = decltype(std::declval<torch::data::datasets::MNIST>().size());

class DigitSet : public torch::data::datasets::Dataset<DigitSet> {
 public:
  explicit DigitSet(Digits digits) : digits_(std::move(digits)) {}
  torch::data::Example<> get(std::size_t index) override {
    const auto i = static_cast<std::int64_t>(index);
    return {digits_.images[i], digits_.labels[i]};
  }
  [[nodiscard]] MaybeSize size() const override { return static_cast<std::size_t>(digits_.size()); }

 private:
  Digits digits_;
};

struct Net : torch::nn::Module {
  Net()
      : conv1(torch::nn::Conv2dOptions(1, 8, 3).padding(1)),
        conv2(torch::nn::Conv2dOptions(8, 16, 3).padding(1)),
        fc1(64, 48),
        fc2(48, 10) {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("conv2_drop", conv2_drop);
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }

  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(torch::max_pool2d(conv1->forward(x), 2));
    x = torch::relu(torch::max_pool2d(conv2_drop->forward(conv2->forward(x)), 2));
    x = x.view({-1, 64});
    x = torch::relu(fc1->forward(x));
    x = torch::dropout(x, /*p=*/0.25, /*train=*/is_training());
    return torch::log_softmax(fc2->forward(x), /*dim=*/1);
  }

  torch::nn::Conv2d conv1, conv2;
  torch::nn::Dropout2d conv2_drop{torch::nn::Dropout2dOptions(0.1)};
  torch::nn::Linear fc1, fc2;
};

template <typename Loader>
void train(Net& model, Loader& loader, torch::optim::Optimizer& optimizer, const Watched& watched,
           std::vector<double>& losses) {
  model.train();
  for (auto& batch : loader) {
    optimizer.zero_grad();
    auto loss = torch::nll_loss(model.forward(batch.data), batch.target);
    watched.backward(loss);
    optimizer.step();
    losses.push_back(loss.template item<double>());
  }
}

template <typename Loader>
double test(Net& model, Loader& loader) {
  torch::NoGradGuard no_grad;
  model.eval();
  double test_loss = 0;
  std::int64_t correct = 0, total = 0;
  for (auto& batch : loader) {
    const auto output = model.forward(batch.data);
    test_loss += torch::nll_loss(output, batch.target, /*weight=*/{}, torch::Reduction::Sum).template item<double>();
    correct += output.argmax(1).eq(batch.target).sum().template item<std::int64_t>();
    total += batch.target.size(0);
  }
  return static_cast<double>(correct) / static_cast<double>(total);
}

}  // namespace

Outcome digits_classifier(Watch& watch) {
  torch::manual_seed(2);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  Net model;
  auto train_loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
      DigitSet(training).map(torch::data::transforms::Stack<>()),
      torch::data::DataLoaderOptions().batch_size(64).workers(1));
  auto test_loader = torch::data::make_data_loader<torch::data::samplers::SequentialSampler>(
      DigitSet(held_out).map(torch::data::transforms::Stack<>()), torch::data::DataLoaderOptions().batch_size(200));
  torch::optim::SGD optimizer(model.parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  auto watched = watch.attach(model, optimizer);

  std::vector<double> losses;
  double accuracy = 0;
  for (int epoch = 1; epoch <= 20; ++epoch) {
    train(model, *train_loader, optimizer, watched, losses);
    accuracy = test(model, *test_loader);
  }
  return finish(losses, model, accuracy);
}

}  // namespace sonde::loops
