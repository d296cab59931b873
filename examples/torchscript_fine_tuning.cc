// Fine-tuning of a TorchScript module, as one gets it from Python: its body is frozen, its head learns new digits. The
// monitor takes the parameters by name; operations inside the script are observed like any other.
#include <iostream>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/script.h>

torch::jit::Module make_script() {
  torch::jit::Module net("net");
  net.register_parameter("body_weight", torch::randn({48, 64}) / 8, /*is_buffer=*/false);
  net.register_parameter("body_bias", torch::zeros({48}), false);
  net.register_parameter("head_weight", torch::randn({10, 48}) / 10, false);
  net.register_parameter("head_bias", torch::zeros({10}), false);
  net.define(R"(
    def forward(self, images):
        x = torch.relu(torch.linear(images.flatten(1), self.body_weight, self.body_bias))
        return torch.linear(x, self.head_weight, self.head_bias)
  )");
  for (auto parameter : net.parameters()) parameter.set_requires_grad(true);
  return net;
}

// Trains what requires gradients, and returns the report.
sonde::Report train(torch::jit::Module& net, const Digits& digits, const std::string& name) {
  sonde::NamedTensors parameters;
  std::vector<torch::Tensor> trained;
  for (const auto& parameter : net.named_parameters()) {
    parameters.emplace_back(parameter.name, parameter.value);
    if (parameter.value.requires_grad()) trained.push_back(parameter.value);
  }
  torch::optim::Adam optimizer(trained, 5e-3);
  sonde::Monitor monitor(parameters, optimizer, {.name = name});
  for (int epoch = 0; epoch < 12; ++epoch) {
    for (const auto& index : torch::randperm(digits.size()).split(64)) {
      const auto batch = digits.rows(index);
      const auto logits = net.forward({batch.images}).toTensor();
      optimizer.zero_grad();
      monitor.backward(torch::nn::functional::cross_entropy(logits, batch.labels));
      optimizer.step();
    }
  }
  return monitor.report();
}

int main() {
  torch::manual_seed(0);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  auto pretrained = make_script();
  train(pretrained, training.rows((training.labels < 6).nonzero().squeeze(1)), "pre-training").print(std::cout);

  std::stringstream file;
  pretrained.save(file);
  auto net = torch::jit::load(file);
  for (const char* name : {"body_weight", "body_bias"}) net.attr(name).toTensor().set_requires_grad(false);
  train(net, training, "fine-tuning").print(std::cout);

  const auto right = net.forward({held_out.images}).toTensor().argmax(1) == held_out.labels;
  std::cout << "accuracy " << right.to(torch::kDouble).mean().item<double>() << '\n';
}
