// S1: a polynomial fitted by SGD until the loss is small enough.
//
// Odd but healthy: no epochs and no fixed number of steps, fresh data on every step, the gradients cleared through the
// module, and a loss that jumps to many times its median whenever a draw contains a large |x|.
#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr int kDegree = 4;

torch::Tensor features(const torch::Tensor& x) {
  std::vector<torch::Tensor> powers;
  for (int i = 1; i <= kDegree; ++i) powers.push_back(x.pow(i));
  return torch::cat(powers, 1);
}

}  // namespace

Outcome regression_until_tolerance(Watch& watch) {
  torch::manual_seed(1);
  const auto true_weight = torch::randn({kDegree, 1}) * 5;
  const auto true_bias = torch::randn({1}) * 5;

  torch::nn::Linear fc(kDegree, 1);
  torch::optim::SGD optimizer(fc->parameters(), 0.02);
  auto watched = watch.attach(fc, optimizer);

  std::vector<double> losses;
  float loss_value = 0;
  do {
    const auto x = features(torch::randn({32, 1}));
    const auto y = x.mm(true_weight) + true_bias;
    fc->zero_grad();
    auto loss = torch::smooth_l1_loss(fc(x), y);
    loss_value = loss.item<float>();
    losses.push_back(loss_value);
    watched.backward(loss);
    optimizer.step();
  } while (loss_value > 1e-3 && losses.size() < 5000);

  const double error = (fc->weight.t() - true_weight).abs().max().item<double>();
  return finish(losses, *fc, -error);
}

}  // namespace sonde::loops
