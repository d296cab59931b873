// A language model of characters: an LSTM whose state is carried from one piece of the text to the next, and cut loose
// from the graph there (truncated backpropagation through time).
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;

const std::string kAlphabet = " abcdefghijklmnopqrstuvwxyz";
const std::string kVerse = "there was a young sonde in a net that reported on all that it met ";

struct LanguageModel : nn::Module {
  using State = std::tuple<torch::Tensor, torch::Tensor>;

  // [length, batch] characters to [length, batch, alphabet] logits; `state` moves on.
  torch::Tensor forward(const torch::Tensor& characters, State& state) {
    auto [hidden, next] = lstm->forward(embedding(characters), state);
    state = next;
    return head(hidden);
  }
  static State start(std::int64_t batch) { return {torch::zeros({1, batch, 64}), torch::zeros({1, batch, 64})}; }

  nn::Embedding embedding{register_module("embedding", nn::Embedding(27, 16))};
  nn::LSTM lstm{register_module("lstm", nn::LSTM(16, 64))};
  nn::Linear head{register_module("head", nn::Linear(64, 27))};
};

int main() {
  torch::manual_seed(0);
  std::vector<std::int64_t> codes;
  for (const char c : kVerse) codes.push_back(static_cast<std::int64_t>(kAlphabet.find(c)));
  const auto text = torch::tensor(codes).repeat({16 * 8}).view({16, -1}).t();  // 16 columns, each the verse eight times

  LanguageModel model;
  torch::optim::Adam optimizer(model.parameters(), 1e-2);
  sonde::Monitor monitor(model, optimizer);
  for (int epoch = 0; epoch < 12; ++epoch) {
    auto state = LanguageModel::start(16);
    for (std::int64_t at = 0; at + 33 <= text.size(0); at += 32) {
      state = {std::get<0>(state).detach(), std::get<1>(state).detach()};
      const auto logits = model.forward(text.narrow(0, at, 32), state);
      const auto next = text.narrow(0, at + 1, 32);
      optimizer.zero_grad();
      monitor.backward(nn::functional::cross_entropy(logits.flatten(0, 1), next.flatten()));
      nn::utils::clip_grad_norm_(model.parameters(), 1.0);
      optimizer.step();
    }
  }
  monitor.report().print(std::cout);

  torch::NoGradGuard no_grad;
  auto state = LanguageModel::start(1);
  std::string written = "t";
  while (written.size() < kVerse.size()) {
    const auto last = torch::tensor({static_cast<std::int64_t>(kAlphabet.find(written.back()))}).view({1, 1});
    written += kAlphabet[model.forward(last, state).argmax(-1).item<std::int64_t>()];
  }
  std::cout << "it writes: " << written << '\n';
}
