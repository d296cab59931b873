// S11: a picture painted with Gaussian splats: no module, six trained tensors, six Adams.
//
// Odd but healthy: every 100 steps the tensors are replaced by larger or smaller ones and the optimizers made anew; the
// opacities are clamped outside of any optimizer; each tensor has its own learning rate, that of the positions falls on
// every step; the gradients are cleared after step(), which leaves them undefined or zero depending on the version.
#include <array>
#include <cmath>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr std::int64_t kPixels = 24;

torch::Tensor coordinates() {
  const auto line = torch::linspace(-1, 1, kPixels);
  const auto axes = torch::meshgrid({line, line}, "ij");
  return torch::stack({axes[1], axes[0]}, -1).view({-1, 2});
}

torch::Tensor picture(const torch::Tensor& xy) {
  const auto x = xy.select(1, 0), y = xy.select(1, 1);
  const auto disc = ((x - 0.3).pow(2) + (y + 0.2).pow(2) < 0.2).to(torch::kFloat);
  const auto bar = (x + 0.5 * y).abs().lt(0.25).to(torch::kFloat);
  return torch::stack({disc, bar, 0.5 + 0.5 * x}, 1);
}

enum Parameter { kMeans, kScales, kRotations, kColors, kSlopes, kOpacities, kParameters };
constexpr std::array<const char*, kParameters> kNames = {"means",  "scales", "rotations",
                                                         "colors", "slopes", "opacities"};
constexpr std::array<double, kParameters> kRates = {1e-2, 1e-2, 1e-2, 2e-2, 1e-2, 5e-2};

struct Splats {
  std::array<torch::Tensor, kParameters> tensors;

  explicit Splats(std::int64_t n)
      : tensors{torch::rand({n, 2}) * 2 - 1, torch::full({n, 2}, std::log(0.3)),
                torch::zeros({n}),           torch::rand({n, 3}),
                torch::zeros({n, 3, 2}),     torch::zeros({n})} {
    for (auto& tensor : tensors) tensor.requires_grad_();
  }

  torch::Tensor render(const torch::Tensor& xy) const {
    const auto offset = xy.unsqueeze(1) - tensors[kMeans].unsqueeze(0);  // [pixels, splats, 2]
    const auto sine = tensors[kRotations].sin(), cosine = tensors[kRotations].cos();
    const auto u = offset.select(2, 0) * cosine + offset.select(2, 1) * sine;
    const auto v = offset.select(2, 1) * cosine - offset.select(2, 0) * sine;
    const auto spread = tensors[kScales].exp();
    const auto distance = (u / spread.select(1, 0)).pow(2) + (v / spread.select(1, 1)).pow(2);
    const auto alpha = torch::sigmoid(tensors[kOpacities]) * torch::exp(-0.5 * distance);
    const auto color = tensors[kColors] + torch::einsum("pnd,ncd->pnc", {offset, tensors[kSlopes]});
    return (alpha.unsqueeze(-1) * color).sum(1);
  }

  // Splits the splats whose positions are pulled at most and drops those that cannot be seen.
  void densify() {
    torch::NoGradGuard no_grad;
    const auto pull = tensors[kMeans].grad().norm(2, 1);
    const auto wanted = std::get<1>(pull.topk(pull.size(0) / 3));
    const auto visible = (torch::sigmoid(tensors[kOpacities]) > 0.02).nonzero().squeeze(1);
    const auto index = torch::cat({visible, wanted});
    for (auto& tensor : tensors) tensor = tensor.detach().index_select(0, index).clone().requires_grad_();
  }

  NamedTensors named() const {
    NamedTensors named;
    for (int i = 0; i < kParameters; ++i) named.emplace_back(kNames[i], tensors[i]);
    return named;
  }
};

using Optimizers = std::vector<std::unique_ptr<torch::optim::Adam>>;

Optimizers make_optimizers(const Splats& splats) {
  Optimizers optimizers;
  for (int i = 0; i < kParameters; ++i) {
    optimizers.push_back(std::make_unique<torch::optim::Adam>(std::vector<torch::Tensor>{splats.tensors[i]},
                                                              torch::optim::AdamOptions(kRates[i])));
  }
  return optimizers;
}

std::vector<torch::optim::Optimizer*> pointers(const Optimizers& optimizers) {
  std::vector<torch::optim::Optimizer*> result;
  for (const auto& optimizer : optimizers) result.push_back(optimizer.get());
  return result;
}

}  // namespace

Outcome gaussian_splats(Watch& watch) {
  torch::manual_seed(11);
  const auto xy = coordinates();
  const auto truth = picture(xy);
  Splats splats(12);
  auto optimizers = make_optimizers(splats);
  auto watched = watch.attach(splats.named(), *optimizers[kMeans], "splats");
  watched.follow(pointers(optimizers));

  std::vector<double> losses;
  for (int step = 1; step <= 400; ++step) {
    auto loss = 0.8 * torch::l1_loss(splats.render(xy), truth) + 0.2 * torch::mse_loss(splats.render(xy), truth);
    watched.backward(loss);
    losses.push_back(loss.item<double>());
    for (auto& optimizer : optimizers) optimizer->step();
    auto& position_options = optimizers[kMeans]->param_groups()[0].options();
    position_options.set_lr(position_options.get_lr() * 0.998);
    if (step % 100 == 0 && step < 400) {
      splats.densify();
      optimizers = make_optimizers(splats);
      watched = watch.attach(splats.named(), *optimizers[kMeans], "splats");
      watched.follow(pointers(optimizers));
    }
    if (step == 150) {
      torch::NoGradGuard no_grad;
      splats.tensors[kOpacities].clamp_max_(1.0);
    }
    for (auto& optimizer : optimizers) optimizer->zero_grad();
  }
  const auto blank = truth.abs().mean().item<double>();
  return finish(losses, {splats.tensors.begin(), splats.tensors.end()}, blank / losses.back());
}

}  // namespace sonde::loops
