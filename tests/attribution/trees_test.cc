// Trees, shared and derived weights, weights that move, TorchScript, and what must not be seen at all.
#include <sstream>

#include <gtest/gtest.h>
#include <torch/script.h>

#include "observation.h"

namespace sonde::attribution {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

// The layers of the operations named `operation` on step 1, in order.
std::vector<std::string> layers_of(const Observation& seen, std::string_view operation, std::uint64_t step = 1) {
  std::vector<std::string> layers;
  for (const auto& one : seen.forward(step, operation)) layers.push_back(one.site.layer);
  return layers;
}

using Names = std::vector<std::string>;

constexpr const char* kLinear = "aten::addmm|aten::linear|aten::matmul|aten::mm";

TEST(Tree, OfASequentialIsNamedByNumbers) {
  nn::Sequential net(nn::Linear(6, 8), nn::ReLU(), nn::Dropout(0.1), nn::Linear(8, 4), nn::LogSoftmax(1));
  const auto x = noise({5, 6});
  const auto seen = observe(net.ptr(), [&] { return F::nll_loss(net->forward(x), torch::arange(5) % 4); });
  EXPECT_EQ(layers_of(seen, kLinear), (Names{"0", "3"}));
  EXPECT_EQ(layers_of(seen, "aten::relu"), (Names{"1"}));
  EXPECT_EQ(layers_of(seen, "aten::dropout"), (Names{"2"}));
  EXPECT_EQ(layers_of(seen, "aten::log_softmax"), (Names{"4"}));
  EXPECT_EQ(seen.forward(1, "aten::relu").at(0).site.module_type, "ReLU");
}

struct BlockImpl : nn::Module {
  nn::Sequential body;
  explicit BlockImpl(int width)
      : body(register_module("body", nn::Sequential(nn::Linear(width, width), nn::Tanh(), nn::Linear(width, width)))) {}
  at::Tensor forward(const at::Tensor& x) { return x + body->forward(x); }
};
TORCH_MODULE(Block);

TEST(Tree, NestsItsPaths) {
  Tree tree;
  auto encoder = tree->add("encoder", nn::Sequential(Block(6), nn::GELU(), Block(6)));
  auto head = tree->add("head", nn::Linear(6, 2));
  const auto x = noise({5, 6});
  const auto seen = observe(tree.ptr(), [&] { return head(encoder->forward(x)).square().mean(); });
  EXPECT_EQ(layers_of(seen, kLinear),
            (Names{"encoder.0.body.0", "encoder.0.body.2", "encoder.2.body.0", "encoder.2.body.2", "head"}));
  EXPECT_EQ(layers_of(seen, "aten::tanh"), (Names{"encoder.0.body.1", "encoder.2.body.1"}));
  EXPECT_EQ(layers_of(seen, "aten::gelu"), (Names{"encoder.1"}));
}

TEST(Tree, OfAnonymousSequentialsNamesNamedChildren) {
  nn::Sequential net({{"one", nn::AnyModule(nn::Conv2d(1, 3, 3))},
                      {"act", nn::AnyModule(nn::ReLU())},
                      {"pool", nn::AnyModule(nn::MaxPool2d(2))},
                      {"flat", nn::AnyModule(nn::Flatten())},
                      {"two", nn::AnyModule(nn::Linear(12, 2))}});
  const auto x = noise({3, 1, 6, 6});
  const auto seen = observe(net.ptr(), [&] { return net->forward(x).square().mean(); });
  EXPECT_EQ(layers_of(seen, "aten::conv2d"), (Names{"one"}));
  EXPECT_EQ(layers_of(seen, "aten::relu"), (Names{"act"}));
  EXPECT_EQ(layers_of(seen, "aten::max_pool2d"), (Names{"pool"}));
  EXPECT_EQ(layers_of(seen, kLinear), (Names{"two"}));
}

TEST(ParameterFreeModule, HeldApartIsNamedByTheOrderOfCalls) {
  Tree tree;
  auto a = tree->add("a", nn::Linear(6, 8)), b = tree->add("b", nn::Linear(8, 4));
  auto first = tree->add("act1", nn::ReLU()), second = tree->add("act2", nn::ReLU());
  const auto x = noise({5, 6});
  const auto seen = observe(tree.ptr(), [&] { return second(b(first(a(x)))).square().mean(); });
  EXPECT_EQ(layers_of(seen, "aten::relu"), (Names{"act1", "act2"}));
}

TEST(SharedWeights, OfAModuleCalledTwiceAreItsOwnBothTimes) {
  Tree tree;
  auto twice = tree->add("twice", nn::Linear(6, 6)), last = tree->add("last", nn::Linear(6, 2));
  const auto x = noise({5, 6});
  const auto seen = observe(tree.ptr(), [&] { return last(twice(torch::tanh(twice(x)))).square().mean(); });
  EXPECT_EQ(layers_of(seen, kLinear), (Names{"twice", "twice", "last"}));
  const auto calls = seen.forward(1, kLinear);
  EXPECT_EQ(calls[0].site.occurrence, 0u);
  EXPECT_EQ(calls[1].site.occurrence, 1u);
}

TEST(SharedWeights, OfEmbeddingAndDecoderAreToldApartByTheOperation) {
  Tree tree;
  auto embedding = tree->add("embedding", nn::Embedding(10, 6));
  auto decoder = tree->add("decoder", nn::Linear(6, 10));
  decoder->weight = embedding->weight;  // the usual way: the registered weight of the decoder stays as it was
  const auto words = torch::arange(10);
  const auto seen = observe(tree.ptr(), [&] { return F::cross_entropy(decoder(embedding(words).tanh()), words); });
  EXPECT_EQ(layers_of(seen, "aten::embedding"), (Names{"embedding"}));
  EXPECT_EQ(layers_of(seen, kLinear), (Names{"decoder"}));
}

struct DecoderImpl : nn::Module {
  at::Tensor weight;
  explicit DecoderImpl(at::Tensor shared) : weight(register_parameter("weight", std::move(shared))) {}
  at::Tensor forward(const at::Tensor& x) { return torch::matmul(x, weight.t()); }
};
TORCH_MODULE(Decoder);

TEST(SharedWeights, RegisteredTwiceBelongToTheModuleTheOperationFits) {
  Tree tree;
  auto embedding = tree->add("embedding", nn::Embedding(10, 6));
  auto decoder = tree->add("decoder", Decoder(embedding->weight));
  const auto words = torch::arange(10);
  torch::optim::SGD optimizer(embedding->parameters(), 0.01);
  const auto seen = observe_with(
      optimizer, tree.ptr(), [&] { return F::cross_entropy(decoder(embedding(words)), words); }, 2);
  EXPECT_EQ(layers_of(seen, "aten::embedding"), (Names{"embedding"}));
  EXPECT_EQ(layers_of(seen, kLinear), (Names{"decoder"}));
}

// A layer whose weight is computed from its parameters in each forward pass.
struct DerivedImpl : nn::Module {
  using Derive = std::function<at::Tensor(const at::Tensor& v, const at::Tensor& g)>;
  at::Tensor v, g;
  Derive derive;
  explicit DerivedImpl(Derive how) : derive(std::move(how)) {
    v = register_parameter("v", noise({6, 6}));
    g = register_parameter("g", torch::ones({6, 1}));
  }
  at::Tensor forward(const at::Tensor& x) { return torch::matmul(x, derive(v, g)); }
};
TORCH_MODULE(Derived);

TEST(DerivedWeight, BelongsToTheLayerItComesFrom) {
  using T = const at::Tensor&;
  const auto mask = (noise({6, 6}) > 0).to(torch::kFloat);
  const std::vector<std::pair<const char*, DerivedImpl::Derive>> ways = {
      {"masked", [mask](T v, T) { return v * mask; }},
      {"mask first", [mask](T v, T) { return mask * v; }},
      {"weight norm", [](T v, T g) { return g * v / v.norm(2, {1}, true); }},
      {"spectral", [](T v, T) { return v / v.detach().square().sum().sqrt(); }},
      {"transposed", [](T v, T) { return v.t(); }},
      {"sliced", [](T v, T) { return v.slice(1, 0, 4); }},
      {"cast", [](T v, T) { return v.to(torch::kDouble).to(torch::kFloat); }},
      {"scaled", [](T v, T) { return v * 0.5; }},
      {"softmax of weights", [](T v, T) { return torch::softmax(v, 0); }},
  };
  for (const auto& [name, how] : ways) {
    Tree tree;
    auto before = tree->add("before", nn::Linear(6, 6));
    auto tested = tree->add("tested", Derived(how));
    auto after = tree->add("after", nn::Linear(std::string(name) == "sliced" ? 4 : 6, 2));
    const auto x = noise({5, 6});
    const auto seen = observe(tree.ptr(), [&] { return after(tested(torch::tanh(before(x)))).square().mean(); });
    EXPECT_EQ(layers_of(seen, kLinear), (Names{"before", "tested", "after"})) << name << ": " << seen.text(1);
    EXPECT_EQ(layers_of(seen, "aten::tanh"), (Names{"before"})) << name;
  }
}

TEST(MovedWeights, AreFoundAfterLoad) {
  Tree tree;
  auto a = tree->add("a", nn::Linear(6, 6)), b = tree->add("b", nn::Linear(6, 6)), c = tree->add("c", nn::Linear(6, 2));
  const auto x = noise({5, 6});
  std::stringstream file;
  torch::save(tree, file);
  const auto bytes = file.str();
  const auto seen = observe(
      tree.ptr(), [&] { return c(torch::relu(b(torch::tanh(a(x))))).square().mean(); }, 4,
      [&] {
        std::istringstream copy(bytes);
        torch::load(tree, copy);
      });
  for (std::uint64_t step = 0; step < 4; ++step)
    EXPECT_EQ(layers_of(seen, kLinear, step), (Names{"a", "b", "c"})) << step;
}

TEST(MovedWeights, AreFoundAfterAChangeOfTypeAndDevice) {
  Tree tree;
  auto a = tree->add("a", nn::Linear(6, 6)), b = tree->add("b", nn::Linear(6, 6)), c = tree->add("c", nn::Linear(6, 2));
  int step = 0;
  const auto seen = observe(
      tree.ptr(),
      [&] {
        const auto x = noise({5, 6}).to(a->weight.scalar_type());
        return c(torch::relu(b(torch::tanh(a(x))))).square().mean();
      },
      4, [&] { ++step == 2 ? tree->to(torch::kCPU) : tree->to(step == 1 ? torch::kDouble : torch::kFloat); });
  for (std::uint64_t s = 0; s < 4; ++s) EXPECT_EQ(layers_of(seen, kLinear, s), (Names{"a", "b", "c"})) << s;
}

// A compiled module, its parameters registered so that they are trained.
struct ScriptedImpl : nn::Module {
  torch::jit::Module inner{"inner"};
  ScriptedImpl() {
    inner.register_parameter("weight", noise({6, 6}), false);
    inner.register_parameter("bias", torch::zeros({6}), false);
    inner.define(R"(
      def forward(self, x):
          return torch.sigmoid(torch.addmm(self.bias, x, self.weight))
    )");
    for (const auto& parameter : inner.named_parameters()) register_parameter(parameter.name, parameter.value);
  }
  at::Tensor forward(const at::Tensor& x) { return inner.forward({x}).toTensor(); }
};
TORCH_MODULE(Scripted);

TEST(TorchScript, RunsOperationsOfItsModule) {
  Tree tree;
  auto before = tree->add("before", nn::Linear(6, 6));
  auto scripted = tree->add("scripted", Scripted());
  auto after = tree->add("after", nn::Linear(6, 2));
  const auto x = noise({5, 6});
  const auto seen = observe(
      tree.ptr(), [&] { return after(scripted(before(x))).square().mean(); }, 5);
  for (std::uint64_t step = 0; step < 5; ++step) {
    EXPECT_EQ(layers_of(seen, kLinear, step), (Names{"before", "scripted", "after"}))
        << step << ": " << seen.text(step);
    EXPECT_EQ(layers_of(seen, "aten::sigmoid", step), (Names{"scripted"})) << step;
  }
}

// While the second term is computed, the first waits on the interpreter's stack.
TEST(TorchScript, ShowsEachOperationItsOwnOperands) {
  struct TermsImpl : nn::Module {
    torch::jit::Module inner{"inner"};
    TermsImpl() {
      inner.register_parameter("weight", noise({6, 6}), false);
      inner.register_parameter("bias", torch::zeros({6}), false);
      inner.define(R"(
        def forward(self, x):
            return torch.addmm(self.bias, x, self.weight) + torch.tanh(x)
      )");
      for (const auto& parameter : inner.named_parameters()) register_parameter(parameter.name, parameter.value);
    }
    at::Tensor forward(const at::Tensor& x) { return inner.forward({x}).toTensor(); }
  };
  Tree tree;
  auto before = tree->add("before", nn::Linear(6, 6));
  auto terms = tree->add("terms", std::make_shared<TermsImpl>());
  const auto x = noise({5, 6});
  const auto seen = observe(tree.ptr(), [&] { return terms->forward(before(x)).square().mean(); });
  const auto tanh = seen.forward(1, "aten::tanh");
  ASSERT_EQ(tanh.size(), 1U);
  EXPECT_EQ(tanh[0].site.inputs.size(), 1U);
}

TEST(BareFunction, IsNotTakenForAModuleThatIsNotCalled) {
  Tree tree;
  auto a = tree->add("a", nn::Linear(6, 6));
  tree->add("unused", nn::Sigmoid());
  auto b = tree->add("b", nn::Linear(6, 2));
  const auto x = noise({5, 6});
  const auto seen = observe(tree.ptr(), [&] { return b(torch::relu(a(x))).square().mean(); });
  EXPECT_EQ(layers_of(seen, "aten::relu"), (Names{"a"}));
  EXPECT_FALSE(seen.forward(1, "aten::relu").at(0).site.layer_owns);
}

TEST(Observation, HasNothingOfTheOptimizerOrOfZeroGrad) {
  Tree tree;
  auto a = tree->add("a", nn::Linear(6, 6)), b = tree->add("b", nn::Linear(6, 3));
  const auto x = noise({6, 6});
  const auto target = torch::arange(6) % 3;
  torch::optim::Adam optimizer(tree->parameters(), 0.01);
  const auto seen = observe_with(
      optimizer, tree.ptr(), [&] { return F::cross_entropy(b(torch::tanh(a(x))), target); }, 3,
      [&] {
        tree->zero_grad();
        nn::utils::clip_grad_norm_(tree->parameters(), 1.0);
      });
  for (std::uint64_t step = 0; step < 3; ++step) {
    for (const auto& one : seen.forward(step)) {
      EXPECT_TRUE(is_one_of(one.site.operation, "aten::t|aten::addmm|aten::linear|aten::tanh|aten::cross_entropy_loss"))
          << one.site.operation << " on step " << step;
    }
  }
}

TEST(Observation, DoesNotMixInAValidationWithoutNoGrad) {
  Tree tree;
  auto a = tree->add("a", nn::Linear(6, 6)), b = tree->add("b", nn::Linear(6, 3));
  const auto x = noise({6, 6}), held_out = noise({40, 6}) * 100;
  const auto target = torch::arange(6) % 3;
  double sum = 0;
  const auto seen = observe(
      tree.ptr(), [&] { return F::cross_entropy(b(torch::tanh(a(x))), target); }, 3,
      [&] {
        tree->eval();
        sum += F::cross_entropy(b(torch::tanh(a(held_out))), torch::arange(40) % 3).item<double>();
        tree->train();
      });
  EXPECT_GT(sum, 0);
  for (std::uint64_t step = 0; step < 3; ++step) {
    EXPECT_EQ(layers_of(seen, kLinear, step), (Names{"a", "b"})) << step;
    for (const auto& one : seen.forward(step, "aten::tanh")) EXPECT_EQ(one.stats.count, 36u);
  }
}

TEST(Observation, HasNoOperationNestedInAnother) {
  Tree tree;
  auto lstm = tree->add("lstm", nn::LSTM(6, 4));
  auto norm = tree->add("norm", nn::LayerNorm(nn::LayerNormOptions({4})));
  const auto x = noise({5, 2, 6});
  const auto seen = observe(tree.ptr(), [&] { return norm(std::get<0>(lstm(x))).square().mean(); });
  for (const auto& one : seen.forward(1)) {
    EXPECT_TRUE(
        is_one_of(one.site.operation, "aten::lstm|aten::layer_norm|aten::square|aten::pow|aten::mean|aten::zeros"))
        << one.site.operation;
  }
}

}  // namespace
}  // namespace sonde::attribution
