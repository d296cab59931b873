// Image classifiers: LeNet-5 (LeCun et al. 1998, with the max pooling and rectifiers of today), VGG (Simonyan and
// Zisserman 2015, with batch normalisation), ResNet (He et al. 2016, the form for small images), MobileNetV2 (Sandler et
// al. 2018).
#include "architectures/architecture.h"

namespace sonde::architectures {
namespace {

namespace nn = torch::nn;

struct LeNet : nn::Module {
  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(conv1->forward(x)), 2);
    x = torch::max_pool2d(torch::relu(conv2->forward(x)), 2).flatten(1);
    x = torch::relu(fc1->forward(x));
    x = torch::relu(fc2->forward(x));
    return fc3->forward(x);
  }
  nn::Conv2d conv1{register_module("conv1", nn::Conv2d(nn::Conv2dOptions(1, 6, 5).padding(2)))};
  nn::Conv2d conv2{register_module("conv2", nn::Conv2d(nn::Conv2dOptions(6, 16, 5)))};
  nn::Linear fc1{register_module("fc1", nn::Linear(400, 120))};
  nn::Linear fc2{register_module("fc2", nn::Linear(120, 84))};
  nn::Linear fc3{register_module("fc3", nn::Linear(84, 10))};
};

nn::Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1,
                std::int64_t groups = 1) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(groups).bias(false));
}

nn::Sequential vgg_layers() {
  nn::Sequential net;
  std::int64_t channels = 3;
  for (const std::int64_t width : {12, 24, 48}) {
    for (int i = 0; i < 2; ++i) {
      net->push_back(nn::Conv2d(nn::Conv2dOptions(channels, width, 3).padding(1)));
      net->push_back(nn::BatchNorm2d(width));
      net->push_back(nn::ReLU(nn::ReLUOptions(true)));
      channels = width;
    }
    net->push_back(nn::MaxPool2d(nn::MaxPool2dOptions(2).stride(2)));
  }
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(48 * 3 * 3, 64));
  net->push_back(nn::ReLU(nn::ReLUOptions(true)));
  net->push_back(nn::Dropout(0.5));
  net->push_back(nn::Linear(64, 10));
  return net;
}

struct BasicBlockImpl : nn::Module {
  BasicBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1(register_module("conv1", conv(in, out, 3, stride))),
        bn1(register_module("bn1", nn::BatchNorm2d(out))),
        conv2(register_module("conv2", conv(out, out, 3))),
        bn2(register_module("bn2", nn::BatchNorm2d(out))) {
    if (stride != 1 || in != out)
      downsample = register_module("downsample", nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    auto y = torch::relu(bn1->forward(conv1->forward(x)));
    y = bn2->forward(conv2->forward(y));
    return torch::relu(y + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Conv2d conv2;
  nn::BatchNorm2d bn2;
  nn::Sequential downsample{nullptr};
};
TORCH_MODULE(BasicBlock);

struct ResNet : nn::Module {
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(bn1->forward(conv1->forward(x)));
    x = layer3->forward(layer2->forward(layer1->forward(x)));
    return fc->forward(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }
  nn::Conv2d conv1{register_module("conv1", conv(3, 8, 3))};
  nn::BatchNorm2d bn1{register_module("bn1", nn::BatchNorm2d(8))};
  nn::Sequential layer1{register_module("layer1", nn::Sequential(BasicBlock(8, 8, 1), BasicBlock(8, 8, 1)))};
  nn::Sequential layer2{register_module("layer2", nn::Sequential(BasicBlock(8, 16, 2), BasicBlock(16, 16, 1)))};
  nn::Sequential layer3{register_module("layer3", nn::Sequential(BasicBlock(16, 32, 2), BasicBlock(32, 32, 1)))};
  nn::Linear fc{register_module("fc", nn::Linear(32, 10))};
};

// A Sequential cannot hold a Sequential.
struct ConvBnReluImpl : nn::Module {
  ConvBnReluImpl(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1,
                 std::int64_t groups = 1)
      : conv(register_module("conv", architectures::conv(in, out, kernel, stride, groups))),
        bn(register_module("bn", nn::BatchNorm2d(out))) {}
  torch::Tensor forward(const torch::Tensor& x) { return relu->forward(bn->forward(conv->forward(x))); }

  nn::Conv2d conv;
  nn::BatchNorm2d bn;
  nn::ReLU6 relu{register_module("relu", nn::ReLU6())};
};
TORCH_MODULE(ConvBnRelu);

// Expansion, a convolution by channel, and a projection that is linear on purpose.
struct InvertedResidualImpl : nn::Module {
  InvertedResidualImpl(std::int64_t in, std::int64_t out, std::int64_t stride)
      : expand(register_module("expand", ConvBnRelu(in, 4 * in, 1))),
        depthwise(register_module("depthwise", ConvBnRelu(4 * in, 4 * in, 3, stride, 4 * in))),
        project(register_module("project", nn::Sequential(conv(4 * in, out, 1), nn::BatchNorm2d(out)))),
        residual(stride == 1 && in == out) {}
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = project->forward(depthwise->forward(expand->forward(x)));
    return residual ? x + y : y;
  }
  ConvBnRelu expand, depthwise;
  nn::Sequential project;
  bool residual;
};
TORCH_MODULE(InvertedResidual);

struct MobileNet : nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = features->forward(x).mean({2, 3});
    return classifier->forward(torch::dropout(y, 0.2, is_training()));
  }
  nn::Sequential features{register_module(
      "features", nn::Sequential(ConvBnRelu(3, 8, 3), InvertedResidual(8, 12, 2), InvertedResidual(12, 12, 1),
                                 InvertedResidual(12, 16, 2), InvertedResidual(16, 16, 1), ConvBnRelu(16, 64, 1)))};
  nn::Linear classifier{register_module("classifier", nn::Linear(64, 10))};
};

std::shared_ptr<torch::optim::SGD> sgd(const nn::Module& model, double rate) {
  return std::make_shared<torch::optim::SGD>(model.parameters(),
                                             torch::optim::SGDOptions(rate).momentum(0.9).weight_decay(5e-4));
}

}  // namespace

std::vector<Program> lenet() {
  auto model = std::make_shared<LeNet>();
  auto optimizer =
      std::make_shared<torch::optim::SGD>(model->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  return {classifier("lenet", model, optimizer, [] { return draw_images(32, 1, 28); })};
}

std::vector<Program> vgg() {
  auto model = vgg_layers().ptr();
  return {classifier("vgg", model, sgd(*model, 0.01), [] { return draw_images(32, 3, 24); })};
}

std::vector<Program> resnet() {
  auto model = std::make_shared<ResNet>();
  return {classifier("resnet", model, sgd(*model, 0.05), [] { return draw_images(32, 3, 24); })};
}

std::vector<Program> mobilenet() {
  auto model = std::make_shared<MobileNet>();
  auto optimizer = std::make_shared<torch::optim::RMSprop>(model->parameters(),
                                                           torch::optim::RMSpropOptions(1e-3).alpha(0.9).momentum(0.9));
  return {classifier("mobilenet", model, optimizer, [] { return draw_images(32, 3, 24); })};
}

}  // namespace sonde::architectures
