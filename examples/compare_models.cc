// A network that was ported, against the one it was ported from: what differs, where, why, and the repair.
#include <iostream>

#include <sonde/compare.h>
#include <torch/torch.h>

struct Net : torch::nn::Module {
  explicit Net(double eps = 1e-5) {
    using torch::nn::BatchNorm2dOptions;
    conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).padding(1)));
    bn1 = register_module("bn1", torch::nn::BatchNorm2d(BatchNorm2dOptions(16).eps(eps)));
    conv2 = register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 32, 3).stride(2)));
    bn2 = register_module("bn2", torch::nn::BatchNorm2d(BatchNorm2dOptions(32)));
    fc = register_module("fc", torch::nn::Linear(32, 10));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(bn1(conv1(x)));
    x = torch::relu(bn2(conv2(x)));
    return fc(x.mean({2, 3}));
  }
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  torch::nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  torch::nn::Linear fc{nullptr};
};

// As a loader written by hand often does it: buffers, the statistics of bn2 among them, are no parameters.
void load_parameters(Net& net, const Net& from) {
  const torch::NoGradGuard no_grad;
  auto parameters = net.named_parameters();
  for (const auto& parameter : from.named_parameters()) parameters[parameter.key()].copy_(parameter.value());
  net.bn1->running_mean.copy_(from.bn1->running_mean);
  net.bn1->running_var.copy_(from.bn1->running_var);
}

int main() {
  torch::manual_seed(1);
  Net original;
  for (int step = 0; step < 30; ++step) original.forward(torch::randn({16, 3, 16, 16}));  // statistics of bn1 and bn2
  original.eval();

  Net port(1e-3);  // the default of another framework
  load_parameters(port, original);
  port.eval();

  const sonde::compare::Inputs images{torch::randn({16, 3, 16, 16})};
  const auto reference = sonde::compare::of(original, "original");
  const auto result = sonde::compare::run(reference, port, images);
  result.print();

  const auto repaired = sonde::compare::repair(port, result);
  std::cout << repaired.applied.size() << " repairs applied, " << repaired.left.size() << " left; the models are "
            << (sonde::compare::run(reference, port, images).equal() ? "equal\n" : "different\n");
}
