// S5: an LSTM that learns a language, with hidden state carried from one batch to the next.
//
// Odd but healthy: the program calls backward() and clips the gradients itself; the carried state is cut loose with
// detach_(); a high learning rate, quartered when the validation loss stops falling; validation runs between epochs on
// the same module with another batch size; the loss stays at the entropy of the language for most of the run.
#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr std::int64_t kWords = 12;

struct LanguageModel : torch::nn::Module {
  LanguageModel() {
    register_module("drop", drop);
    register_module("encoder", encoder);
    register_module("rnn", rnn);
    register_module("decoder", decoder);
    torch::NoGradGuard no_grad;
    encoder->weight.uniform_(-0.1, 0.1);
    decoder->bias.zero_();
    decoder->weight.uniform_(-0.1, 0.1);
  }

  using State = std::tuple<torch::Tensor, torch::Tensor>;
  std::pair<torch::Tensor, State> forward(const torch::Tensor& words, const State& state) {
    auto [output, next] = rnn->forward(drop->forward(encoder->forward(words)), state);
    return {decoder->forward(drop->forward(output).view({-1, 48})), next};
  }

  static State initial_state(std::int64_t batch) {
    return {torch::zeros({2, batch, 48}), torch::zeros({2, batch, 48})};
  }

  torch::nn::Dropout drop{0.1};
  torch::nn::Embedding encoder{kWords, 32};
  torch::nn::LSTM rnn{torch::nn::LSTMOptions(32, 48).num_layers(2)};
  torch::nn::Linear decoder{48, kWords};
};

// A sequence in which each word depends on the two before it, and now and then on nothing. Columns are independent.
torch::Tensor make_corpus(std::int64_t length, std::int64_t columns) {
  auto words = torch::randint(kWords, {length, columns}, torch::kLong);
  const auto surprise = torch::rand({length, columns}) < 0.1;
  for (std::int64_t t = 2; t < length; ++t) {
    words[t] = torch::where(surprise[t], words[t], (words[t - 1] + 2 * words[t - 2] + 3).remainder(kWords));
  }
  return words;
}

constexpr std::int64_t kWindow = 20;

double evaluate(LanguageModel& model, const torch::Tensor& corpus) {
  torch::NoGradGuard no_grad;
  model.eval();
  auto state = LanguageModel::initial_state(corpus.size(1));
  double total = 0;
  int windows = 0;
  for (std::int64_t t = 0; t + kWindow < corpus.size(0); t += kWindow, ++windows) {
    auto [output, next] = model.forward(corpus.narrow(0, t, kWindow), state);
    total += torch::nn::functional::cross_entropy(output, corpus.narrow(0, t + 1, kWindow).reshape(-1)).item<double>();
    state = next;
  }
  return total / windows;
}

}  // namespace

Outcome lstm_language_model(Watch& watch) {
  torch::manual_seed(5);
  const auto corpus = make_corpus(401, 20);
  const auto validation = make_corpus(101, 10);
  auto model = std::make_shared<LanguageModel>();
  torch::optim::SGD optimizer(model->parameters(), 8.0);
  auto watched = watch.attach(model, optimizer, "lm");

  std::vector<double> losses;
  double best = std::numeric_limits<double>::infinity();
  for (int epoch = 0; epoch < 24; ++epoch) {
    model->train();
    auto state = LanguageModel::initial_state(corpus.size(1));
    for (std::int64_t t = 0; t + kWindow < corpus.size(0); t += kWindow) {
      std::get<0>(state).detach_();
      std::get<1>(state).detach_();
      model->zero_grad();
      auto [output, next] = model->forward(corpus.narrow(0, t, kWindow), state);
      state = next;
      auto loss = torch::nn::functional::cross_entropy(output, corpus.narrow(0, t + 1, kWindow).reshape(-1));
      loss.backward();
      torch::nn::utils::clip_grad_norm_(model->parameters(), 0.25);
      watched.check(loss);
      optimizer.step();
      losses.push_back(loss.item<double>());
    }
    const double validation_loss = evaluate(*model, validation);
    if (validation_loss < best) {
      best = validation_loss;
    } else {
      auto& options = static_cast<torch::optim::SGDOptions&>(optimizer.param_groups()[0].options());
      options.lr(options.lr() / 4);
    }
  }
  return finish(losses, *model, -best);
}

}  // namespace sonde::loops
