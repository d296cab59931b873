// A small residual network whose writing can go wrong in several ways, for the tests of comparisons.
#pragma once

#include <torch/torch.h>

namespace sonde::tests {

// How a port is written. The defaults are the reference.
struct Writing {
  double eps = 1e-5;  // of the second block's first batch norm
  enum class Middle { relu, none, leaky, relu6, before_norm } middle = Middle::relu;  // in the second block
  bool residual = true;                                                               // in the second block
  bool residual_of_input = true;  // it adds the block's input, and not the stem's output
  bool spelled_out = false;       // GELU, linear layers and softmax in other words
  bool folded = false;            // batch norms of the first block multiplied into its convolutions
  int softmax_dim = 1;
};

class Block : public torch::nn::Module {
 public:
  Block(int channels, const Writing& writing);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& shortcut);

  Writing writing;
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  torch::nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
};

class SmallNet : public torch::nn::Module {
 public:
  explicit SmallNet(const Writing& writing = {});
  at::Tensor forward(const at::Tensor& images);  // N x 3 x 16 x 16

  Writing writing;
  torch::nn::Conv2d stem{nullptr};
  std::shared_ptr<Block> block1, block2, block3;
  torch::nn::Linear hidden{nullptr}, head{nullptr};
  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Dropout dropout{nullptr};
};

// Seeded weights, and batch norms that have seen some data; in evaluation mode.
std::shared_ptr<SmallNet> reference_net();
// The same weights in another writing.
std::shared_ptr<SmallNet> port_of(const SmallNet& reference, const Writing& writing = {});
at::Tensor images(int count = 4);

}  // namespace sonde::tests
