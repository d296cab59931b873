// S8: a physics-informed network in double precision: u'' = -pi^2 sin(pi x), u(0) = u(1) = 0.
//
// Odd but healthy: the loss contains derivatives of the network (create_graph), Adam is followed by LBFGS, which calls
// the closure up to 25 times in one step() with losses that need not fall, and the loss ends many decades below 1.
#include <numbers>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

torch::Tensor derivative(const torch::Tensor& y, const torch::Tensor& x) {
  return torch::autograd::grad({y}, {x}, {torch::ones_like(y)}, /*retain_graph=*/true, /*create_graph=*/true)[0];
}

}  // namespace

Outcome lbfgs_pinn(Watch& watch) {
  torch::manual_seed(8);
  torch::nn::Sequential net(torch::nn::Linear(1, 20), torch::nn::Tanh(), torch::nn::Linear(20, 20), torch::nn::Tanh(),
                            torch::nn::Linear(20, 1));
  net->to(torch::kFloat64);
  const auto inner = torch::linspace(0, 1, 40, torch::kFloat64).unsqueeze(1).set_requires_grad(true);
  const auto boundary = torch::tensor({0.0, 1.0}, torch::kFloat64).unsqueeze(1);
  const auto force = (std::numbers::pi * inner.detach()).sin() * (std::numbers::pi * std::numbers::pi);
  const auto physics_loss = [&] {
    const auto u = net->forward(inner);
    const auto residual = derivative(derivative(u, inner), inner) + force;
    return residual.pow(2).mean() + 10 * net->forward(boundary).pow(2).mean();
  };

  std::vector<double> losses;
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(5e-3));
  auto watched = watch.attach(net, adam, "pinn");
  for (int step = 0; step < 150; ++step) {
    adam.zero_grad();
    auto loss = physics_loss();
    watched.backward(loss);
    adam.step();
    losses.push_back(loss.item<double>());
  }

  torch::optim::LBFGS lbfgs(net->parameters(),
                            torch::optim::LBFGSOptions(1.0).max_iter(20).line_search_fn("strong_wolfe"));
  watched.follow(lbfgs);
  for (int step = 0; step < 20; ++step) {
    lbfgs.step([&] {
      lbfgs.zero_grad();
      auto loss = physics_loss();
      watched.backward(loss);
      losses.push_back(loss.item<double>());
      return loss;
    });
  }

  torch::NoGradGuard no_grad;
  const auto error = (net->forward(inner) - (std::numbers::pi * inner).sin()).abs().max().item<double>();
  return finish(losses, *net, -error);
}

}  // namespace sonde::loops
