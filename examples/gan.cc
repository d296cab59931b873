// Two models, two optimizers, two monitors: a generator learns to draw numbers from a normal distribution.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;

sonde::Options named(const std::string& name) {
  sonde::Options options;
  options.name = name;  // tells the reports apart
  return options;
}

int main() {
  torch::manual_seed(0);
  nn::Sequential generator(nn::Linear(4, 16), nn::ReLU(), nn::Linear(16, 1));
  nn::Sequential discriminator(nn::Linear(1, 16), nn::LeakyReLU(), nn::Linear(16, 1));
  const auto settings = torch::optim::AdamOptions(2e-3).betas(std::make_tuple(0.5, 0.99));
  torch::optim::Adam generator_optimizer(generator->parameters(), settings);
  torch::optim::Adam discriminator_optimizer(discriminator->parameters(), settings);
  sonde::Monitor generator_monitor(generator, generator_optimizer, named("generator"));
  sonde::Monitor discriminator_monitor(discriminator, discriminator_optimizer, named("discriminator"));

  const auto judge = [&](const torch::Tensor& x, double label) {
    const auto logits = discriminator->forward(x);
    return nn::functional::binary_cross_entropy_with_logits(logits, torch::full_like(logits, label));
  };
  torch::Tensor fake;
  for (int step = 0; step < 1500; ++step) {
    fake = generator->forward(torch::randn({64, 4}));
    discriminator_optimizer.zero_grad();
    discriminator_monitor.backward(judge(torch::randn({64, 1}) + 3, 1));  // two backward passes, one step
    discriminator_monitor.backward(judge(fake.detach(), 0));
    discriminator_optimizer.step();

    generator_optimizer.zero_grad();
    generator_monitor.backward(judge(fake, 1));
    generator_optimizer.step();
  }
  generator_monitor.report().print(std::cout);
  discriminator_monitor.report().print(std::cout);
  std::cout << "mean of the generated numbers " << fake.mean().item<double>() << ", wanted 3\n";
}
