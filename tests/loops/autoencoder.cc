// S4: a variational autoencoder with the loss summed over a large batch.
//
// Odd but healthy: a loss of tens of thousands, forward() that returns a struct, random numbers drawn inside the model,
// and images sampled from the decoder between steps without leaving train() mode.
#include <digits.h>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

struct VaeOutput {
  torch::Tensor reconstruction, mu, log_var;
};

class VaeImpl : public torch::nn::Module {
 public:
  VaeImpl() {
    register_module("fc1", fc1);
    register_module("fc2", fc2);
    register_module("fc3", fc3);
    register_module("fc4", fc4);
    register_module("fc5", fc5);
  }

  torch::Tensor decode(const torch::Tensor& z) { return torch::sigmoid(fc5->forward(torch::relu(fc4->forward(z)))); }

  VaeOutput forward(const torch::Tensor& x) {
    const auto h = torch::relu(fc1->forward(x));
    const auto mu = fc2->forward(h);
    const auto log_var = fc3->forward(h);
    const auto z = mu + log_var.div(2).exp() * torch::randn_like(log_var);
    return {decode(z), mu, log_var};
  }

 private:
  torch::nn::Linear fc1{64, 96}, fc2{96, 8}, fc3{96, 8}, fc4{8, 96}, fc5{96, 64};
};
TORCH_MODULE(Vae);

}  // namespace

Outcome variational_autoencoder(Watch& watch) {
  torch::manual_seed(4);
  const auto images = load_digits(SONDE_DIGITS_CSV).images.view({-1, 64});
  Vae model;
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(2e-3));
  auto watched = watch.attach(model, optimizer, "VAE");

  std::vector<double> losses;
  model->train();
  for (int epoch = 0; epoch < 100; ++epoch) {
    const auto order = torch::randperm(images.size(0));
    for (const auto& index : order.split(512)) {
      const auto batch = images.index_select(0, index);
      const auto output = model->forward(batch);
      const auto reconstruction_loss = torch::nn::functional::binary_cross_entropy(
          output.reconstruction, batch, torch::nn::functional::BinaryCrossEntropyFuncOptions().reduction(torch::kSum));
      const auto kl_divergence = -0.5 * torch::sum(1 + output.log_var - output.mu.pow(2) - output.log_var.exp());
      const auto loss = reconstruction_loss + kl_divergence;
      optimizer.zero_grad();
      watched.backward(loss);
      optimizer.step();
      losses.push_back(loss.item<double>());
    }
    if (epoch % 20 == 0) {
      torch::NoGradGuard no_grad;
      const auto samples = model->decode(torch::randn({16, 8}));
      const auto reconstructed = model->forward(images.narrow(0, 0, 8)).reconstruction;
    }
  }

  torch::NoGradGuard no_grad;
  const double error = (model->forward(images).reconstruction - images).pow(2).mean().item<double>();
  const double blank = (images.mean(0) - images).pow(2).mean().item<double>();
  return finish(losses, *model, blank / error);
}

}  // namespace sonde::loops
