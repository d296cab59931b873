// Free functions are named by their kind and the layer they follow; losses with what they compare.
#include <gtest/gtest.h>

#include "observation.h"

namespace sonde::attribution {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

struct Row {
  const char* operation;  // one the function runs
  std::function<at::Tensor(const at::Tensor&)> function;
  bool image = false;
};

std::vector<Row> functions() {
  using T = const at::Tensor&;
  return {
      {"aten::relu", [](T x) { return torch::relu(x); }},
      {"aten::relu_", [](T x) { return F::relu(x * 1, F::ReLUFuncOptions(true)); }},
      {"aten::leaky_relu", [](T x) { return F::leaky_relu(x); }},
      {"aten::elu", [](T x) { return F::elu(x); }},
      {"aten::selu", [](T x) { return F::selu(x); }},
      {"aten::celu", [](T x) { return F::celu(x); }},
      {"aten::gelu", [](T x) { return F::gelu(x); }},
      {"aten::silu", [](T x) { return F::silu(x); }},
      {"aten::mish", [](T x) { return F::mish(x); }},
      {"aten::softplus", [](T x) { return F::softplus(x); }},
      {"aten::div", [](T x) { return F::softsign(x); }},
      {"aten::sub", [](T x) { return F::tanhshrink(x); }},
      {"aten::hardtanh", [](T x) { return F::hardtanh(x); }},
      {"aten::hardshrink", [](T x) { return F::hardshrink(x); }},
      {"aten::softshrink", [](T x) { return F::softshrink(x); }},
      {"aten::relu6", [](T x) { return F::relu6(x); }},
      {"aten::rrelu", [](T x) { return F::rrelu(x); }},
      {"aten::glu", [](T x) { return F::glu(x); }},
      {"aten::log_sigmoid", [](T x) { return F::logsigmoid(x); }},
      {"aten::sigmoid", [](T x) { return torch::sigmoid(x); }},
      {"aten::tanh", [](T x) { return torch::tanh(x); }},
      {"aten::softmax", [](T x) { return F::softmax(x, 1); }},
      {"aten::log_softmax", [](T x) { return F::log_softmax(x, 1); }},
      {"aten::softmax", [](T x) { return F::softmin(x, 1); }},
      {"aten::threshold", [](T x) { return F::threshold(x, F::ThresholdFuncOptions(0.1, 0)); }},
      {"aten::hardswish", [](T x) { return torch::hardswish(x); }},
      {"aten::hardsigmoid", [](T x) { return torch::hardsigmoid(x); }},
      {"aten::dropout", [](T x) { return F::dropout(x, F::DropoutFuncOptions().p(0.3)); }},
      {"aten::feature_dropout", [](T x) { return F::dropout2d(x); }, true},
      {"aten::alpha_dropout", [](T x) { return F::alpha_dropout(x, F::AlphaDropoutFuncOptions().training(true)); }},
      {"aten::feature_alpha_dropout",
       [](T x) { return F::feature_alpha_dropout(x, F::FeatureAlphaDropoutFuncOptions().training(true)); }, true},
      {"aten::max_pool2d", [](T x) { return F::max_pool2d(x, F::MaxPool2dFuncOptions(2)); }, true},
      {"aten::avg_pool2d", [](T x) { return F::avg_pool2d(x, F::AvgPool2dFuncOptions(2)); }, true},
      {"aten::adaptive_avg_pool2d", [](T x) { return F::adaptive_avg_pool2d(x, F::AdaptiveAvgPool2dFuncOptions(1)); },
       true},
      {"aten::adaptive_max_pool2d", [](T x) { return F::adaptive_max_pool2d(x, F::AdaptiveMaxPool2dFuncOptions(1)); },
       true},
      {"aten::upsample_nearest2d",
       [](T x) {
         return F::interpolate(
             x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
       },
       true},
      {"aten::_pad_enum|aten::pad",
       [](T x) {
         return F::pad(x, F::PadFuncOptions({1, 1}));
       },
       true},
      {"aten::div", [](T x) { return F::normalize(x); }},
      {"aten::add", [](T x) { return x + x; }},
      {"aten::cat",
       [](T x) {
         return torch::cat({x, x});
       }},
      {"aten::matmul", [](T x) { return torch::matmul(x, x.t()); }},
      {"aten::bmm", [](T x) { return torch::bmm(x[0], x[0]); }, true},
      {"aten::einsum",
       [](T x) {
         return torch::einsum("ij,kj->ik", {x, x});
       }},
      {"aten::mean", [](T x) { return x.mean(1, true); }},
  };
}

struct Net {
  Tree tree;
  nn::Linear first{nullptr}, last{nullptr};
  at::Tensor input, output;
  explicit Net(const Row& row) : function_(row.function) {
    torch::manual_seed(1);
    input = row.image ? noise({2, 8, 6, 6}) : noise({8, 6});
    first = tree->add("first", nn::Linear(6, 6));
    last = tree->add("last", nn::Linear(function_(input).size(-1), 2));
  }
  at::Tensor loss() {
    output = function_(first(input));
    if (output.requires_grad()) output.retain_grad();
    return last(output).square().mean();
  }

 private:
  std::function<at::Tensor(const at::Tensor&)> function_;
};

TEST(FreeFunction, IsNamedByItsKindAndTheLayerItFollows) {
  for (const auto& row : functions()) {
    Net net(row);
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    bool found = false;
    for (const auto& one : seen.forward(1, row.operation)) {
      if (one.site.layer != "first") continue;  // the linear layers may run operations of this name too
      found = found || !one.site.layer_owns;
    }
    EXPECT_TRUE(found) << row.operation << ": " << seen.text(1);
  }
}

TEST(FreeFunction, GetsTheGradientOfItsOutput) {
  for (const auto& row : functions()) {
    Net net(row);
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    const double wanted = mean_square(net.output.grad());
    const auto gradients = seen.select([&](const Seen& one) {
      return one.step == 1 && one.phase == Phase::backward && is_one_of(one.site.operation, row.operation);
    });
    const bool found = std::any_of(gradients.begin(), gradients.end(), [&](const Seen& one) {
      return std::abs(one.stats.mean_square - wanted) <= 1e-4 * wanted;
    });
    EXPECT_TRUE(found) << row.operation << " wanted " << wanted << ": " << seen.text(1);
  }
}

struct LossRow {
  const char* operation;
  std::function<at::Tensor(const at::Tensor& y, const at::Tensor& t)> loss;
  at::Tensor target;
};

std::vector<LossRow> losses() {
  using T = const at::Tensor&;
  const auto real = noise({8, 6}), unit = torch::sigmoid(real), sign = real.sign();
  const auto index = torch::arange(8) % 6;
  const auto rows_sign = (torch::arange(8) % 2 * 2 - 1).to(torch::kFloat);
  return {
      {"aten::mse_loss", [](T y, T t) { return F::mse_loss(y, t); }, real},
      {"aten::binary_cross_entropy", [](T y, T t) { return F::binary_cross_entropy(torch::sigmoid(y), t); }, unit},
      {"aten::binary_cross_entropy_with_logits", [](T y, T t) { return F::binary_cross_entropy_with_logits(y, t); },
       unit},
      {"aten::nll_loss_nd", [](T y, T t) { return F::nll_loss(torch::log_softmax(y, 1), t); }, index},
      {"aten::cross_entropy_loss", [](T y, T t) { return F::cross_entropy(y, t); }, index},
      {"aten::cross_entropy_loss",
       [](T y, T t) { return F::cross_entropy(y, t, F::CrossEntropyFuncOptions().label_smoothing(0.1)); }, index},
      {"aten::cross_entropy_loss", [](T y, T t) { return F::cross_entropy(y, t); }, torch::softmax(real, 1)},
      {"aten::kl_div",
       [](T y, T t) {
         return F::kl_div(torch::log_softmax(y, 1), t, F::KLDivFuncOptions().reduction(torch::kBatchMean));
       },
       torch::softmax(real, 1)},
      {"aten::l1_loss", [](T y, T t) { return F::l1_loss(y, t); }, real},
      {"aten::smooth_l1_loss", [](T y, T t) { return F::smooth_l1_loss(y, t); }, real},
      {"aten::huber_loss", [](T y, T t) { return F::huber_loss(y, t); }, real},
      {"aten::hinge_embedding_loss", [](T y, T t) { return F::hinge_embedding_loss(y, t); }, sign},
      {"aten::cosine_embedding_loss", [](T y, T t) { return F::cosine_embedding_loss(y, y * 2, t); }, rows_sign},
      {"aten::margin_ranking_loss", [](T y, T t) { return F::margin_ranking_loss(y, y * 2, t); }, sign},
      {"aten::multi_margin_loss", [](T y, T t) { return F::multi_margin_loss(y, t); }, index},
      {"aten::soft_margin_loss", [](T y, T t) { return F::soft_margin_loss(y, t); }, sign},
      {"aten::triplet_margin_loss", [](T y, T t) { return F::triplet_margin_loss(y, y * 2, t); }, real},
      {"aten::poisson_nll_loss", [](T y, T t) { return F::poisson_nll_loss(y, t); }, unit},
      {"aten::ctc_loss",
       [](T y, T t) {
         return F::ctc_loss(torch::log_softmax(y.view({4, 2, 6}), 2), t, torch::full({2}, 4, torch::kLong),
                            torch::full({2}, 2, torch::kLong));
       },
       torch::tensor({{1, 2}, {3, 1}}, torch::kLong)},
  };
}

TEST(Loss, IsOneOperationWithItsPredictionAndItsTarget) {
  for (const auto& row : losses()) {
    torch::manual_seed(1);
    Tree tree;
    auto linear = tree->add("linear", nn::Linear(6, 6));
    const auto x = noise({8, 6});
    const auto seen = observe(tree.ptr(), [&] { return row.loss(linear(x), row.target); });
    EXPECT_EQ(seen.program.loss_operation, row.operation);
    const auto gradients = seen.select([&](const Seen& one) {
      return one.step == 1 && one.phase == Phase::backward && one.site.operation == row.operation;
    });
    ASSERT_EQ(gradients.size(), 1u) << row.operation << ": " << seen.text(1);
    EXPECT_EQ(gradients[0].stats.count, 1u) << row.operation;
    EXPECT_EQ(seen.program.target_shape, row.target.sizes().vec()) << row.operation;
    const auto targets =
        seen.select([](const Seen& one) { return one.phase == Phase::input && (one.flags & trace::kTarget); });
    EXPECT_FALSE(targets.empty()) << row.operation << ": " << seen.text(1);
  }
}

TEST(Loss, MadeOfSeveralOperationsIsNotSplitAmongLayers) {
  torch::manual_seed(1);
  Tree tree;
  auto linear = tree->add("linear", nn::Linear(6, 6));
  const auto x = noise({8, 6}), target = (noise({8, 6}) > 0).to(torch::kFloat);
  const auto seen = observe(tree.ptr(), [&] { return F::multilabel_soft_margin_loss(linear(x), target); });
  for (const auto& one : seen.forward(1))
    EXPECT_TRUE(one.site.layer == "linear" || one.site.layer.empty()) << one.site.operation;
  EXPECT_FALSE(seen.forward(1, "aten::log_sigmoid").empty()) << seen.text(1);
}

TEST(Loss, HidesItsInnerOperations) {
  torch::manual_seed(1);
  Tree tree;
  auto linear = tree->add("linear", nn::Linear(6, 6));
  const auto x = noise({8, 6}), target = torch::arange(8) % 6;
  const auto seen = observe(tree.ptr(), [&] { return F::cross_entropy(linear(x), target); });
  const auto inner = seen.select([](const Seen& one) {
    return is_one_of(one.site.operation, "aten::log_softmax|aten::nll_loss|aten::nll_loss_nd|aten::_log_softmax");
  });
  EXPECT_TRUE(inner.empty()) << seen.text(1);
}

}  // namespace
}  // namespace sonde::attribution
