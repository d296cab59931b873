// Layers LibTorch has no module for, written as a user would write them. Their names are what the monitor may show.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

namespace sonde::faults {

struct ExpImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return torch::exp(x); }
};
TORCH_MODULE(Exp);

struct LogImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return torch::log(x); }
};
TORCH_MODULE(Log);

struct SqrtImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return torch::sqrt(x); }
};
TORCH_MODULE(Sqrt);

struct SquareImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return x * x; }
};
TORCH_MODULE(Square);

struct NormalizeImpl : torch::nn::Module {
  explicit NormalizeImpl(double eps) : eps(eps) {}
  torch::Tensor forward(const torch::Tensor& x) { return x / (x.norm(2, 1, true) + eps); }
  double eps;
};
TORCH_MODULE(Normalize);

struct ReshapeImpl : torch::nn::Module {
  explicit ReshapeImpl(std::vector<std::int64_t> shape) : shape(std::move(shape)) {}
  torch::Tensor forward(const torch::Tensor& x) {
    std::vector<std::int64_t> sizes = shape;
    sizes.insert(sizes.begin(), x.size(0));
    return x.reshape(sizes);
  }
  std::vector<std::int64_t> shape;
};
TORCH_MODULE(Reshape);

// Nearest neighbour, by the same factor in every dimension after the channels (torch::nn::Upsample wants to know how many
// there are when it is made).
struct UpsampleImpl : torch::nn::Module {
  explicit UpsampleImpl(double scale) : scale(scale) {}
  torch::Tensor forward(const torch::Tensor& x) {
    namespace F = torch::nn::functional;
    const std::vector<double> factors(static_cast<std::size_t>(x.dim() - 2), scale);
    return F::interpolate(x, F::InterpolateFuncOptions().scale_factor(factors).mode(torch::kNearest));
  }
  double scale;
};
TORCH_MODULE(Upsample);

// A recurrent layer that hands on its outputs only, all of them or the last one.
template <typename Recurrent>
struct OutputsOf {
  Recurrent recurrent;
  bool last_only;
  torch::Tensor operator()(const torch::Tensor& x) {
    torch::Tensor outputs = std::get<0>(recurrent->forward(x));
    return last_only ? outputs.select(1, -1) : outputs;
  }
};

}  // namespace sonde::faults
