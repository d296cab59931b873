// S3: a generative adversarial network on the digits: two models, two optimizers, two monitors.
//
// Odd but healthy: the discriminator accumulates two backward passes before one step; the generator's backward pass
// writes gradients into the discriminator that nobody uses; gradients are cleared through the modules at several places;
// the generator's loss rises to a multiple of its first value and stays high; layers of a Sequential have only numbers
// for names.
#include <digits.h>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr int kNoise = 16;
constexpr int kBatch = 64;

torch::nn::Sequential make_generator() {
  return torch::nn::Sequential(
      torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(kNoise, 32, 2).bias(false)),
      torch::nn::BatchNorm2d(32), torch::nn::ReLU(),
      torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(32, 16, 4).stride(2).padding(1).bias(false)),
      torch::nn::BatchNorm2d(16), torch::nn::ReLU(),
      torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(16, 1, 4).stride(2).padding(1).bias(false)),
      torch::nn::Tanh());
}

torch::nn::Sequential make_discriminator() {
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 16, 4).stride(2).padding(1).bias(false)),
                               torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(0.2)),
                               torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 32, 4).stride(2).padding(1).bias(false)),
                               torch::nn::BatchNorm2d(32),
                               torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(0.2)),
                               torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 1, 2).bias(false)), torch::nn::Sigmoid());
}

}  // namespace

Outcome gan(Watch& watch) {
  torch::manual_seed(3);
  const auto images = load_digits(SONDE_DIGITS_CSV).images.mul(2).sub(1);
  auto generator = make_generator();
  auto discriminator = make_discriminator();
  torch::optim::Adam generator_optimizer(generator->parameters(),
                                         torch::optim::AdamOptions(5e-4).betas(std::make_tuple(0.5, 0.999)));
  torch::optim::Adam discriminator_optimizer(discriminator->parameters(),
                                             torch::optim::AdamOptions(4e-3).betas(std::make_tuple(0.5, 0.999)));
  auto watched_g = watch.attach(generator, generator_optimizer, "G");
  auto watched_d = watch.attach(discriminator, discriminator_optimizer, "D");
  const auto mean_image = images.mean(0);
  const auto distance = [&](const torch::Tensor& fakes) {
    return (fakes.detach().mean(0) - mean_image).abs().mean().item<double>();
  };

  std::vector<double> losses;
  double first_distance = 0, last_distance = 0;
  for (int epoch = 0; epoch < 14; ++epoch) {
    const auto order = torch::randperm(images.size(0));
    for (std::int64_t start = 0; start + kBatch <= images.size(0); start += kBatch) {
      discriminator->zero_grad();
      const auto real = images.index_select(0, order.narrow(0, start, kBatch));
      const auto real_labels = torch::empty(kBatch).uniform_(0.9, 1.0);
      const auto loss_real = torch::binary_cross_entropy(discriminator->forward(real).view(-1), real_labels);
      watched_d.backward(loss_real);

      const auto fake = generator->forward(torch::randn({kBatch, kNoise, 1, 1}));
      const auto loss_fake =
          torch::binary_cross_entropy(discriminator->forward(fake.detach()).view(-1), torch::zeros(kBatch));
      watched_d.backward(loss_fake);
      discriminator_optimizer.step();

      generator->zero_grad();
      const auto loss_g = torch::binary_cross_entropy(discriminator->forward(fake).view(-1), torch::ones(kBatch));
      watched_g.backward(loss_g);
      generator_optimizer.step();

      losses.push_back(loss_g.item<double>());
      losses.push_back((loss_real + loss_fake).item<double>());
      last_distance = distance(fake);
      if (losses.size() == 2) first_distance = last_distance;
    }
  }
  auto tensors = generator->parameters();
  for (const auto& tensor : discriminator->parameters()) tensors.push_back(tensor);
  return finish(losses, tensors, first_distance / last_distance);
}

}  // namespace sonde::loops
