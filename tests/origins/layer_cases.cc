// Origins inside layers and in their surroundings, in weights, in data; and nets that diverge by themselves.

#include "origin_case.h"

namespace sonde::origins {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

namespace {

// A model of named children.
struct TreeImpl : nn::Module {
  template <typename Child>
  Child add(const std::string& name, Child child) {
    return register_module(name, child);
  }
};
TORCH_MODULE(Tree);

// A layer called with `input` scaled beyond what it can bear; `head` maps what it gives to a scalar.
template <typename Make>
std::function<Program()> overflowing(Make layer, at::Tensor input) {
  return [=] {
    Tree tree;
    auto tested = tree->add("tested", layer());
    at::NoGradGuard no_grad;
    for (auto& parameter : tested->parameters()) parameter.mul_(5);
    return Program{tree.ptr(), [=](bool bad) mutable {
                     auto x = input * (bad ? 2e38 : 1.0);
                     auto y = ORIGIN(tested(x));
                     return torch::square(y).mean();
                   }};
  };
}

// A layer with a parameter that turns bad between two steps.
template <typename Make>
std::function<Program()> poisoned(Make layer, at::Tensor input, const char* parameter, float value) {
  return [=] {
    Tree tree;
    auto tested = tree->add("tested", layer());
    return Program{tree.ptr(), [=](bool bad) mutable {
                     if (bad) tested->named_parameters()[parameter].data().view({-1})[0] = value;
                     auto y = ORIGIN(tested(input));
                     return torch::square(y).mean();
                   }};
  };
}

// Written through the pointer, as data loaders do: no operation is seen that does it.
at::Tensor spoiled(const at::Tensor& x, float value) {
  auto copy = x.clone();
  copy.data_ptr<float>()[copy.numel() / 2] = value;
  return copy;
}

Program recurrent_overflow() {
  Tree tree;
  auto rnn = tree->add("rnn", nn::RNN(nn::RNNOptions(6, 8).nonlinearity(torch::kReLU)));
  auto x = batch().view({4, 2, 6});
  for (auto& parameter : rnn->parameters()) parameter.data().mul_(5);
  return {tree.ptr(), [=](bool bad) mutable {
            auto input = x * (bad ? 2e38 : 1.0);
            auto states = std::get<0>(ORIGIN(rnn(input)));
            return states.square().mean();
          }};
}

Program around_recurrent() {
  Tree tree;
  auto gru = tree->add("gru", nn::GRU(6, 8));
  auto head = tree->add("head", nn::Linear(8, 3));
  auto x = batch().view({4, 2, 6});
  return {tree.ptr(), [=](bool bad) mutable {
            auto hidden = std::get<0>(gru(x));
            auto p = torch::sigmoid(head(hidden)) * (bad ? 0.0 : 1.0);
            auto l = ORIGIN(torch::log(p));
            return -l.mean();
          }};
}

Program between_cells() {
  Tree tree;
  auto cell = tree->add("cell", nn::LSTMCell(6, 8));
  auto x = batch().view({4, 2, 6});
  return {tree.ptr(), [=](bool bad) mutable {
            auto h = torch::zeros({2, 8}), c = torch::zeros({2, 8});
            for (int t = 0; t < 4; ++t) {
              std::tie(h, c) = cell(x[t], std::make_tuple(h, c));
              auto length = c.square().sum(1, true) * (bad && t == 2 ? 0.0 : 1.0);
              h = ORIGIN(h / length);
            }
            return h.mean();
          }};
}

Program around_convolution() {
  Tree tree;
  auto first = tree->add("conv1", nn::Conv2d(nn::Conv2dOptions(1, 4, 3).padding(1)));
  auto second = tree->add("conv2", nn::Conv2d(nn::Conv2dOptions(4, 2, 3)));
  auto x = batch().view({2, 1, 4, 6});
  return {tree.ptr(), [=](bool bad) mutable {
            auto h = torch::relu(first(x));
            auto energy = h.square().mean({2, 3}, true) * (bad ? 0.0 : 1.0);
            auto root = ORIGIN(energy.sqrt());
            return second(h / (root + 0.1)).square().mean();
          }};
}

Program attention_by_hand(bool masked) {
  Tree tree;
  auto q = tree->add("query", nn::Linear(6, 8)), k = tree->add("key", nn::Linear(6, 8));
  auto v = tree->add("value", nn::Linear(6, 8));
  auto x = batch().view({2, 4, 6});
  return {tree.ptr(), [=](bool bad) mutable {
            auto query = q(x) * (bad && !masked ? 1e25 : 1.0), key = k(x) * (bad && !masked ? 1e25 : 1.0);
            at::Tensor scores, weights;
            if (masked) {
              scores = torch::matmul(query, key.transpose(1, 2)) / std::sqrt(8.0);
              auto pad = torch::arange(4).lt(bad ? 4 : 1).view({1, 1, 4});
              scores = scores.masked_fill(pad, -kInf);
              weights = ORIGIN(F::softmax(scores, -1));
            } else {
              scores = ORIGIN(torch::matmul(query, key.transpose(1, 2)));
              weights = torch::sigmoid(scores);
            }
            return torch::matmul(weights, v(x)).square().mean();
          }};
}

Program masked_attention() {
  Tree tree;
  auto attention = tree->add("attention", nn::MultiheadAttention(6, 2));
  auto x = batch().view({4, 2, 6});
  return {tree.ptr(), [=](bool bad) mutable {
            auto pad = torch::arange(4).ge(bad ? 0 : 3).repeat({2, 1});
            auto y = std::get<0>(ORIGIN(attention(x, x, x, pad)));
            return y.square().mean();
          }};
}

Program around_attention() {
  Tree tree;
  auto norm = tree->add("norm", nn::LayerNorm(nn::LayerNormOptions({6})));
  auto attention = tree->add("attention", nn::MultiheadAttention(6, 2));
  auto x = batch().view({4, 2, 6});
  return {tree.ptr(), [=](bool bad) mutable {
            auto y = std::get<0>(attention(norm(x), norm(x), norm(x)));
            auto p = torch::relu(y) * (bad ? 0.0 : 1.0) + (bad ? 0.0 : 1.0);
            auto root = ORIGIN(torch::sqrt(p));
            return (root + y).mean();
          }};
}

Program embedding_poisoned() {
  Tree tree;
  auto embedding = tree->add("embedding", nn::Embedding(10, 6));
  auto head = tree->add("head", nn::Linear(6, 4));
  return {tree.ptr(), [=](bool bad) mutable {
            if (bad) embedding->weight.data()[3].fill_(kNan);
            auto e = ORIGIN(embedding(torch::arange(8)));
            return F::cross_entropy(head(e), classes(4));
          }};
}

Program flat_layer_norm() {
  Tree tree;
  auto linear = tree->add("linear", nn::Linear(6, 8));
  auto norm = tree->add("norm", nn::LayerNorm(nn::LayerNormOptions({8}).eps(0)));
  auto x = batch();
  return {tree.ptr(), [=](bool bad) mutable {
            auto h = linear(x) * (bad ? 0.0 : 1.0);
            auto y = ORIGIN(norm(h));
            return y.square().mean();
          }};
}

Program negative_variance() {
  Tree tree;
  auto linear = tree->add("linear", nn::Linear(6, 8));
  auto norm = tree->add("bn", nn::BatchNorm1d(8));
  norm->eval();
  auto x = batch();
  return {tree.ptr(), [=](bool bad) mutable {
            if (bad) norm->running_var.data_ptr<float>()[2] = -1.0f;
            auto y = ORIGIN(norm(linear(x)));
            return y.square().mean();
          }};
}

struct BlockImpl : nn::Module {
  nn::Sequential inner{nullptr};
  BlockImpl() { inner = register_module("inner", nn::Sequential(nn::Linear(8, 4))); }
  at::Tensor forward(const at::Tensor& x) { return ORIGIN(inner->forward(x)); }
};
TORCH_MODULE(Block);

Program nested_layer() {
  Tree tree;
  auto body = tree->add("body", nn::Sequential(nn::Linear(6, 8), nn::Softplus(), Block()));
  auto x = batch();
  return {tree.ptr(), [=](bool bad) mutable {
            if (bad) body->parameters()[2].data().fill_(3e38f);
            return body->forward(x.abs() + 1).square().mean();
          }};
}

struct LogImpl : nn::Module {
  at::Tensor forward(const at::Tensor& p) { return ORIGIN(p.log()); }
};
TORCH_MODULE(Log);

Program log_module() {
  Tree tree;
  auto net = tree->add("net", nn::Sequential(nn::Linear(6, 8), nn::Softmax(1), Log()));
  auto x = batch();
  return {tree.ptr(), [=](bool bad) mutable { return -net->forward(x * (bad ? 1e5 : 1.0)).mean(); }};
}

Program bad_data(float value, bool target) {
  Net net;
  auto x = batch();
  auto t = torch::ones({8, 4});
  return {net.ptr(), [=](bool bad) mutable {
            auto data = bad && !target ? spoiled(x, value) : x, wanted = bad && target ? spoiled(t, value) : t;
            auto y = ORIGIN(net->first(data));
            return ORIGIN(F::mse_loss(net->last(torch::tanh(y)), wanted));
          }};
}

Program bad_pixels() {
  Tree tree;
  auto conv = tree->add("conv", nn::Conv2d(1, 3, 3));
  auto x = batch().view({2, 1, 4, 6}), worse = spoiled(x, kNan);
  return {tree.ptr(), [=](bool bad) mutable { return ORIGIN(conv(bad ? worse : x)).square().mean(); }};
}

Program bad_sequence() {
  Tree tree;
  auto lstm = tree->add("lstm", nn::LSTM(6, 8));
  auto x = batch().view({4, 2, 6}), worse = spoiled(x, kNan);
  return {tree.ptr(), [=](bool bad) mutable { return std::get<0>(ORIGIN(lstm(bad ? worse : x))).square().mean(); }};
}

Program diverging(bool deep) {
  Tree tree;
  auto first = tree->add("first", nn::Linear(6, 16)), last = tree->add("last", nn::Linear(16, 1));
  auto x = batch() * 30, target = torch::ones({8, 1}) * 100;
  return {tree.ptr(),
          [=](bool) mutable {
            auto h = deep ? ORIGIN(first(x)) : first(x);
            auto y = deep ? ORIGIN(last(h)) : last(torch::relu(h));
            return ORIGIN(F::mse_loss(y, target));
          },
          {},
          deep ? 3e-4 : 2e-3};
}

}  // namespace

std::vector<Case> layer_cases() {
  const auto images = batch().view({2, 1, 4, 6}), series = batch().view({2, 4, 6});
  std::vector<Case> cases{
      {"Linear overflows",
       {"aten::addmm", "aten::linear"},
       overflowing([] { return nn::Linear(6, 4); }, batch()),
       "tested"},
      {"Linear of a sequence overflows",
       {"aten::matmul", "aten::linear", "aten::addmm"},
       overflowing([] { return nn::Linear(6, 4); }, series),
       "tested"},
      {"Conv1d overflows", {"aten::conv1d"}, overflowing([] { return nn::Conv1d(4, 3, 3); }, series), "tested"},
      {"Conv2d overflows", {"aten::conv2d"}, overflowing([] { return nn::Conv2d(1, 3, 3); }, images), "tested"},
      {"ConvTranspose2d overflows",
       {"aten::conv_transpose2d"},
       overflowing([] { return nn::ConvTranspose2d(1, 3, 3); }, images),
       "tested"},
      {"LayerNorm of a row without variance", {"aten::layer_norm"}, flat_layer_norm, "norm"},
      {"BatchNorm with a negative running variance", {"aten::batch_norm"}, negative_variance, "bn"},
      {"a nested Sequential overflows", {"aten::addmm", "aten::linear"}, nested_layer, "body.2.inner.0"},
      {"a log module of the user in a Sequential", {"aten::log"}, log_module},
      {"log after a GRU", {"aten::log"}, around_recurrent},
      {"division between LSTM cells", {"aten::div"}, between_cells},
      {"square root between convolutions", {"SqrtBackward0"}, around_convolution},
      {"square root after attention", {"SqrtBackward0"}, around_attention},
      {"attention by hand with every key masked", {"aten::softmax"}, [] { return attention_by_hand(true); }},
      {"attention scores overflow", {"aten::matmul"}, [] { return attention_by_hand(false); }},
      {"MultiheadAttention with every key masked", {"aten::softmax"}, masked_attention},
      {"a recurrent layer overflows", {"aten::rnn_relu"}, recurrent_overflow, "rnn"},
      {"NaN in the weight of Linear",
       {},
       poisoned([] { return nn::Linear(6, 4); }, batch(), "weight", kNan),
       "tested",
       Phase::weight},
      {"infinity in the bias of Linear",
       {},
       poisoned([] { return nn::Linear(6, 4); }, batch(), "bias", kInf),
       "tested",
       Phase::weight},
      {"NaN in the weight of Conv1d",
       {},
       poisoned([] { return nn::Conv1d(4, 3, 3); }, series, "weight", kNan),
       "tested",
       Phase::weight},
      {"NaN in the scale of BatchNorm",
       {},
       poisoned([] { return nn::BatchNorm1d(6); }, batch(), "weight", kNan),
       "tested",
       Phase::weight},
      {"NaN in a row of Embedding", {}, embedding_poisoned, "embedding", Phase::weight},
      {"NaN in the data", {}, [] { return bad_data(kNan, false); }, {}, Phase::input},
      {"infinity in the data", {}, [] { return bad_data(kInf, false); }, {}, Phase::input},
      {"NaN in the target", {}, [] { return bad_data(kNan, true); }, {}, Phase::input},
      {"NaN in an image", {}, bad_pixels, {}, Phase::input},
      {"NaN in a sequence", {}, bad_sequence, {}, Phase::input},
  };
  cases.push_back({"a net diverges", {"aten::mse_loss"}, [] { return diverging(false); }, {}, std::nullopt, 60});
  cases.push_back({"a linear net diverges",
                   {"aten::mse_loss", "aten::addmm"},
                   [] { return diverging(true); },
                   {},
                   std::nullopt,
                   60});
  return cases;
}

}  // namespace sonde::origins
