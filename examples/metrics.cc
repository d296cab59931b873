// The program's own numbers, and TensorBoard: a network that learns sixty digits by heart. The monitor
// says when it began to over-fit, and where to stop; as advice only while the accuracy holds.
#include <iostream>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

int main(int argc, char** argv) {
  torch::manual_seed(0);
  const auto digits = load_digits(SONDE_DIGITS_CSV);
  const auto order = torch::randperm(digits.size());
  const auto training = digits.rows(order.slice(0, 0, 60));
  const auto held_out = digits.rows(order.slice(0, 60, 560));
  torch::nn::Sequential net(torch::nn::Flatten(), torch::nn::Linear(64, 256), torch::nn::ReLU(),
                            torch::nn::Linear(256, 10));
  torch::optim::Adam optimizer(net->parameters(), 1e-2);

  sonde::Options options;
  if (argc > 1) options.tensorboard = argv[1];  // then: tensorboard --logdir DIRECTORY
  sonde::Monitor monitor(net, optimizer, options);

  for (int epoch = 0; epoch < 60; ++epoch) {
    for (const auto& index : torch::randperm(training.size()).split(20)) {
      const auto batch = training.rows(index);
      optimizer.zero_grad();
      monitor.backward(torch::nn::functional::cross_entropy(net->forward(batch.images), batch.labels));
      optimizer.step();
    }
    torch::NoGradGuard no_grad;
    const auto logits = net->forward(held_out.images);
    monitor.metric("val_loss", torch::nn::functional::cross_entropy(logits, held_out.labels).item<double>());
    monitor.metric("val_accuracy", (logits.argmax(1) == held_out.labels).to(torch::kDouble).mean().item<double>());
  }
  const sonde::Report report = monitor.report();
  report.print(std::cout);
  for (const auto& metric : report.context.metrics) {
    std::cout << metric.name << ": best " << metric.best << " at step " << metric.best_step << ", last " << metric.last
              << '\n';
  }
}
