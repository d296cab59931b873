// Every module with parameters, between two neighbours: its operations, gradients and parameters carry its name.
#include <gtest/gtest.h>

#include "observation.h"

namespace sonde::attribution::modules {
namespace {

namespace nn = torch::nn;

struct Row {
  const char* name;        // the module's type
  const char* operations;  // those of the module that use its parameters; on one of the two LibTorch versions
  std::function<std::shared_ptr<nn::Module>(Tree&)> add;
  std::function<at::Tensor(const std::shared_ptr<nn::Module>&, const at::Tensor&)> forward;
  at::Tensor input;
};

template <typename Holder>
Row row(const char* name, const char* operations, std::function<Holder()> make, at::Tensor input) {
  using Impl = typename Holder::ContainedType;
  return {name, operations,
          [=](Tree& tree) -> std::shared_ptr<nn::Module> { return tree->add("tested", make()).ptr(); },
          [](const std::shared_ptr<nn::Module>& module, const at::Tensor& x) -> at::Tensor {
            auto& impl = dynamic_cast<Impl&>(*module);
            if constexpr (requires { std::get<0>(impl.forward(x)); }) {
              return std::get<0>(impl.forward(x));
            } else if constexpr (requires { impl.forward(x); }) {
              return impl.forward(x);
            } else if constexpr (requires { impl.forward(x, x, x); }) {
              return std::get<0>(impl.forward(x, x, x));
            } else {
              return impl.forward(x, x);
            }
          },
          std::move(input)};
}

std::vector<Row> rows() {
  const auto flat = noise({5, 6}), series = noise({2, 4, 6}), image = noise({2, 4, 6, 6}),
             volume = noise({2, 4, 5, 5, 5});
  const auto words = torch::arange(8).view({2, 4});
  const char* linear = "aten::addmm|aten::linear";
  const char* sequence = "aten::matmul|aten::add_|aten::linear";
  return {
      row<nn::Linear>(
          "Linear", linear, [] { return nn::Linear(6, 3); }, flat),
      row<nn::Linear>(
          "Linear", sequence, [] { return nn::Linear(6, 3); }, series),
      row<nn::Linear>(
          "Linear", "aten::matmul|aten::linear", [] { return nn::Linear(nn::LinearOptions(6, 3).bias(false)); }, flat),
      row<nn::Conv1d>(
          "Conv1d", "aten::conv1d", [] { return nn::Conv1d(4, 3, 3); }, series),
      row<nn::Conv2d>(
          "Conv2d", "aten::conv2d", [] { return nn::Conv2d(nn::Conv2dOptions(4, 3, 3).stride(2).padding(1)); }, image),
      row<nn::Conv2d>(
          "Conv2d", "aten::conv2d",
          [] { return nn::Conv2d(nn::Conv2dOptions(4, 3, 3).padding(1).padding_mode(torch::kCircular)); }, image),
      row<nn::Conv3d>(
          "Conv3d", "aten::conv3d", [] { return nn::Conv3d(4, 3, 3); }, volume),
      row<nn::ConvTranspose1d>(
          "ConvTranspose1d", "aten::conv_transpose1d", [] { return nn::ConvTranspose1d(4, 3, 3); }, series),
      row<nn::ConvTranspose2d>(
          "ConvTranspose2d", "aten::conv_transpose2d", [] { return nn::ConvTranspose2d(4, 3, 3); }, image),
      row<nn::ConvTranspose3d>(
          "ConvTranspose3d", "aten::conv_transpose3d", [] { return nn::ConvTranspose3d(4, 3, 3); }, volume),
      row<nn::BatchNorm1d>(
          "BatchNorm1d", "aten::batch_norm", [] { return nn::BatchNorm1d(6); }, flat),
      row<nn::BatchNorm2d>(
          "BatchNorm2d", "aten::batch_norm", [] { return nn::BatchNorm2d(4); }, image),
      row<nn::BatchNorm3d>(
          "BatchNorm3d", "aten::batch_norm", [] { return nn::BatchNorm3d(4); }, volume),
      row<nn::InstanceNorm2d>(
          "InstanceNorm2d", "aten::instance_norm",
          [] { return nn::InstanceNorm2d(nn::InstanceNorm2dOptions(4).affine(true)); }, image),
      row<nn::LayerNorm>(
          "LayerNorm", "aten::layer_norm", [] { return nn::LayerNorm(nn::LayerNormOptions({6})); }, series),
      row<nn::GroupNorm>(
          "GroupNorm", "aten::group_norm", [] { return nn::GroupNorm(2, 4); }, image),
      row<nn::Embedding>(
          "Embedding", "aten::embedding", [] { return nn::Embedding(10, 6); }, words),
      row<nn::EmbeddingBag>(
          "EmbeddingBag", "aten::embedding_bag", [] { return nn::EmbeddingBag(10, 6); }, words),
      row<nn::LSTM>(
          "LSTM", "aten::lstm", [] { return nn::LSTM(6, 4); }, series),
      row<nn::LSTM>(
          "LSTM", "aten::lstm", [] { return nn::LSTM(nn::LSTMOptions(6, 4).num_layers(2).bidirectional(true)); },
          series),
      row<nn::GRU>(
          "GRU", "aten::gru", [] { return nn::GRU(6, 4); }, series),
      row<nn::RNN>(
          "RNN", "aten::rnn_tanh", [] { return nn::RNN(6, 4); }, series),
      row<nn::LSTMCell>(
          "LSTMCell", "aten::lstm_cell", [] { return nn::LSTMCell(6, 4); }, flat),
      row<nn::GRUCell>(
          "GRUCell", "aten::gru_cell", [] { return nn::GRUCell(6, 4); }, flat),
      row<nn::RNNCell>(
          "RNNCell", "aten::rnn_tanh_cell", [] { return nn::RNNCell(6, 4); }, flat),
      row<nn::MultiheadAttention>(
          "MultiheadAttention", sequence, [] { return nn::MultiheadAttention(6, 2); }, series),
      row<nn::Bilinear>(
          "Bilinear", "aten::bilinear", [] { return nn::Bilinear(6, 6, 4); }, flat),
      row<nn::PReLU>(
          "PReLU", "aten::prelu", [] { return nn::PReLU(); }, flat),
  };
}

// before (Linear) -> tested -> after (Linear); modules of whole numbers have no layer before them.
struct Net {
  Tree tree;
  std::shared_ptr<nn::Module> tested;
  nn::Linear before{nullptr}, after{nullptr};
  at::Tensor output;  // of the tested module, with its gradient kept

  explicit Net(const Row& row) : row_(row) {
    torch::manual_seed(1);
    const auto width = row.input.size(-1);
    if (row.input.is_floating_point()) before = tree->add("before", nn::Linear(width, width));
    tested = row.add(tree);
    at::NoGradGuard no_grad;
    after = tree->add("after", nn::Linear(row.forward(tested, row.input).size(-1), 2));
  }

  at::Tensor loss() {
    auto x = before ? before(row_.input) : row_.input;
    output = row_.forward(tested, x);
    output.retain_grad();
    return after(torch::tanh(output)).square().mean();
  }

 private:
  const Row& row_;
};

bool belongs_to(const std::string& layer, const std::string& module) {
  return layer == module || layer.rfind(module + ".", 0) == 0;
}

TEST(ModuleWithParameters, OwnsItsOperations) {
  for (const auto& row : rows()) {
    Net net(row);
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    const auto operations = seen.forward(1, row.operations);
    const bool owned = std::any_of(operations.begin(), operations.end(), [&](const Seen& one) {
      return one.site.layer == "tested" && one.site.layer_owns && one.site.module_type == row.name;
    });
    EXPECT_TRUE(owned) << row.name << ": " << seen.text(1);
  }
}

TEST(ModuleWithParameters, LeavesItsNeighboursWhatIsTheirs) {
  for (const auto& row : rows()) {
    Net net(row);
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    const char* linear = "aten::addmm|aten::linear|aten::matmul";
    for (const char* neighbour : {"before", "after"}) {
      if (!net.before && neighbour[0] == 'b') continue;
      const auto theirs = seen.select([&](const Seen& one) {
        return one.step == 1 && one.site.layer == neighbour && one.site.layer_owns &&
               is_one_of(one.site.operation, linear);
      });
      EXPECT_FALSE(theirs.empty()) << row.name << ", " << neighbour << ": " << seen.text(1);
    }
    for (const auto& one : seen.forward(1)) {
      const auto& layer = one.site.layer;
      EXPECT_TRUE(layer == "before" || belongs_to(layer, "tested") || layer == "after")
          << row.name << ": " << one.site.operation << " of '" << layer << "'";
    }
  }
}

TEST(ModuleWithParameters, GetsTheGradientOfItsOutput) {
  for (const auto& row : rows()) {
    Net net(row);
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    const double wanted = mean_square(net.output.grad());
    const auto gradients = seen.select([&](const Seen& one) {
      return one.step == 1 && one.phase == Phase::backward && belongs_to(one.site.layer, "tested");
    });
    const bool found = std::any_of(gradients.begin(), gradients.end(), [&](const Seen& one) {
      return std::abs(one.stats.mean_square - wanted) <= 1e-4 * wanted;
    });
    EXPECT_TRUE(found) << row.name << " wanted " << wanted << ": " << seen.text(1);
  }
}

TEST(ModuleWithParameters, HasItsParametersMeasured) {
  for (const auto& row : rows()) {
    Net net(row);
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    for (const auto& parameter : net.tested->named_parameters()) {
      const auto dot = parameter.key().rfind('.');
      const auto layer = dot == std::string::npos ? "tested" : "tested." + parameter.key().substr(0, dot);
      const auto name = dot == std::string::npos ? parameter.key() : parameter.key().substr(dot + 1);
      const double wanted = mean_square(parameter.value().grad());
      const auto gradients = seen.select([&](const Seen& one) {
        return one.step == 1 && one.phase == Phase::gradient && one.site.layer == layer && one.site.parameter == name;
      });
      ASSERT_EQ(gradients.size(), 1u) << row.name << " " << parameter.key();
      EXPECT_NEAR(gradients[0].stats.mean_square, wanted, 1e-4 * wanted) << row.name << " " << parameter.key();
    }
  }
}

TEST(ModuleWithParameters, OwnsItsOperationsInEvalToo) {
  for (const auto& row : rows()) {
    if (std::string_view(row.name).rfind("BatchNorm", 0) != 0) continue;
    Net net(row);
    net.tree->eval();
    const auto seen = observe(net.tree.ptr(), [&] { return net.loss(); });
    const auto operations = seen.forward(1, row.operations);
    ASSERT_EQ(operations.size(), 1u) << row.name << ": " << seen.text(1);
    EXPECT_EQ(operations[0].site.layer, "tested");
    EXPECT_TRUE(operations[0].site.layer_owns);
  }
}

}  // namespace
}  // namespace sonde::attribution::modules
