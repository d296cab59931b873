// Weights that look trained, and their way from one network to another.
#pragma once

#include "compare/networks.h"

namespace sonde::pairs {

[[nodiscard]] at::Tensor make_input(const Architecture& architecture, std::uint64_t seed);

// Seeded weights with rows of unlike scale, biases, affine factors around 1, and running statistics from passes in
// training mode. Leaves the network in evaluation mode.
void train_like(Network& network, const Architecture& architecture, std::uint64_t seed);

// Every tensor of `from` to the one of the same name in `to`, broadcast where that is possible, also into modules that
// are not registered; normalisations that `to` has folded into its convolutions are multiplied in.
void copy_weights(const Network& from, Network& to);

// The same network as TorchScript, with copies of the parameters, in evaluation mode; `renamed`: with other names of its
// modules.
[[nodiscard]] torch::jit::Module to_script(const Network& network, bool renamed);

// Parameters and buffers by name.
[[nodiscard]] at::Tensor stored(const torch::nn::Module& network, const std::string& name);
// The registered module at a path; null if there is none.
[[nodiscard]] std::shared_ptr<torch::nn::Module> module_at(const torch::nn::Module& network, const std::string& path);

}  // namespace sonde::pairs
