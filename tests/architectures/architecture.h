// Twelve well-known architectures with correct losses, small enough to train a few dozen steps in a test.
//
// They are healthy: whatever looks at a program before or while it trains must find nothing serious in them. Built the
// way people write them in C++, with LibTorch's default initialisation unless the architecture is known for another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

namespace sonde::architectures {

struct Example {
  torch::Tensor input;   // samples first
  torch::Tensor target;  // empty where the input is its own target
};

// A model with its optimizer and what it is trained on. Two that train in turns are two programs (DCGAN).
struct Program {
  std::string name;
  std::shared_ptr<torch::nn::Module> model;
  std::shared_ptr<torch::optim::Optimizer> optimizer;
  std::function<Example()> draw;  // a fresh batch
  std::function<torch::Tensor(const torch::Tensor& input, const torch::Tensor& target)> loss;
};

struct Architecture {
  std::string name;
  std::function<std::vector<Program>()> make;  // the same each time
};

[[nodiscard]] const std::vector<Architecture>& all_architectures();

// Images [n, channels, size, size] of ten classes: a pattern for each, about as much noise; zero mean, unit variance.
[[nodiscard]] Example draw_images(std::int64_t n, std::int64_t channels, std::int64_t size);
// Images in [0, 1] of one bright spot each, and where it is, as a mask of zeros and ones. [n, 1, size, size]
[[nodiscard]] Example draw_spots(std::int64_t n, std::int64_t size);
// Sequences [n, length] of tokens in [2, vocabulary) and their class in [0, classes), which prefers some tokens.
[[nodiscard]] Example draw_sentences(std::int64_t n, std::int64_t length, std::int64_t vocabulary,
                                     std::int64_t classes);

std::vector<Program> lenet();
std::vector<Program> vgg();
std::vector<Program> resnet();
std::vector<Program> mobilenet();
std::vector<Program> unet();
std::vector<Program> autoencoder();
std::vector<Program> vae();
std::vector<Program> dcgan();
std::vector<Program> lstm_classifier();
std::vector<Program> gru_seq2seq();
std::vector<Program> transformer_encoder();
std::vector<Program> small_gpt();

// The program of a classifier: `model` gives logits of a batch, the loss is their cross entropy.
template <typename Model>
Program classifier(std::string name, std::shared_ptr<Model> model, std::shared_ptr<torch::optim::Optimizer> optimizer,
                   std::function<Example()> draw) {
  return {std::move(name), model, std::move(optimizer), std::move(draw),
          [model](const torch::Tensor& input, const torch::Tensor& target) {
            return torch::nn::functional::cross_entropy(model->forward(input), target);
          }};
}

}  // namespace sonde::architectures
