// Trains a small convolutional network on handwritten digits and lets Sonde watch: demo VARIANT [FOLDER], where VARIANT is
// one of
//
//   healthy       nothing is wrong, and nothing is said
//   deep-sigmoid  a deep stack of sigmoids between the convolutions and the output: it does not learn
//   exploding     a learning rate that is far too high
//   log-of-zero   a hand-written cross entropy that takes the logarithm of a probability that has become zero
//
// With a FOLDER, the report, the trace and TensorBoard's events are left there as files. The last two run with
// OnFault::abort: the monitor stops the training before a bad update reaches the weights. The forward pass is given to the
// monitor as a function, so that it can run a bad step again to find where it went wrong.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

struct Net : torch::nn::Module {
  // `deep_layers` sigmoid layers stand between the convolutions and the output; usually there are none.
  explicit Net(int deep_layers = 0)
      : conv1(torch::nn::Conv2dOptions(1, 16, 3).padding(1)),
        conv2(torch::nn::Conv2dOptions(16, 32, 3).padding(1)),
        fc1(128, 64),
        fc2(64, 10) {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("fc1", fc1);
    for (int i = 0; i < deep_layers; ++i) deep->push_back(torch::nn::Linear(64, 64));
    register_module("deep", deep);
    register_module("fc2", fc2);
  }

  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::leaky_relu(conv1(x)), 2);
    x = torch::max_pool2d(torch::leaky_relu(conv2(x)), 2);
    x = torch::leaky_relu(fc1(x.flatten(1)));
    for (const auto& layer : *deep) { x = torch::sigmoid(layer->as<torch::nn::Linear>()->forward(x)); }
    return fc2(x);
  }

  torch::nn::Conv2d conv1, conv2;
  torch::nn::Linear fc1;
  torch::nn::ModuleList deep;
  torch::nn::Linear fc2;
};

torch::Tensor hand_written_loss(const torch::Tensor& logits, const torch::Tensor& labels) {
  const auto y = torch::one_hot(labels, 10);
  const auto p = torch::softmax(logits / 0.05, 1);  // sharpened
  const auto log_p = torch::log(p);
  return -(y * log_p).sum(1).mean();
}

double accuracy(Net& net, const Digits& digits) {
  torch::NoGradGuard no_grad;
  net.eval();
  const auto right = net.forward(digits.images).argmax(1) == digits.labels;
  net.train();
  return right.to(torch::kDouble).mean().item<double>();
}

bool weights_are_finite(const Net& net) {
  for (const auto& parameter : net.parameters()) {
    if (!parameter.isfinite().all().item<bool>()) return false;
  }
  return true;
}

void leave_files(const sonde::Report& report, const std::filesystem::path& folder) {
  for (const char* name : {"report.html", "report.json", "report.sarif"}) report.save((folder / name).string());
  std::printf("\nfor a browser, for programs, for editors, for the command sonde, and for TensorBoard:\n");
  std::set<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) files.insert(file.path());
  for (const auto& file : files) std::printf("  %s\n", file.c_str());
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "healthy";
  if (variant != "healthy" && variant != "deep-sigmoid" && variant != "exploding" && variant != "log-of-zero") {
    std::fprintf(stderr, "usage: %s [healthy | deep-sigmoid | exploding | log-of-zero] [FOLDER]\n", argv[0]);
    return 2;
  }
  const std::filesystem::path folder = argc > 2 ? argv[2] : "";
  if (!folder.empty()) std::filesystem::create_directories(folder);

  torch::manual_seed(1);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  Net net(variant == "deep-sigmoid" ? 10 : 0);
  const double learning_rate = variant == "exploding" ? 1.0 : variant == "log-of-zero" ? 0.02 : 0.05;
  torch::optim::SGD optimizer(net.parameters(), torch::optim::SGDOptions(learning_rate).momentum(0.9));

  sonde::Options options;
  options.name = variant;
  if (!folder.empty()) {
    options.trace_file = (folder / "trace.sonde").string();
    options.tensorboard = folder.string();
  }
  if (variant == "exploding" || variant == "log-of-zero") options.on_fault = sonde::OnFault::abort;
  sonde::Monitor monitor(net, optimizer, options);

  try {
    for (int epoch = 1; epoch <= 15; ++epoch) {
      double loss_sum = 0;
      int batches = 0;
      for (const auto& index : torch::randperm(training.size()).split(64)) {
        const auto batch = training.rows(index);
        torch::Tensor loss;
        optimizer.zero_grad();
        monitor.backward([&] {
          const auto logits = net.forward(batch.images);
          loss = variant == "log-of-zero" ? hand_written_loss(logits, batch.labels)
                                          : torch::nn::functional::cross_entropy(logits, batch.labels);
          return loss;
        });
        optimizer.step();
        loss_sum += loss.item<double>();
        ++batches;
      }
      if (epoch % 3 == 0) {
        std::printf("epoch %2d  loss %.4f  accuracy %.1f %%\n", epoch, loss_sum / batches,
                    100 * accuracy(net, held_out));
      }
    }
  } catch (const sonde::FaultFound& fault) { std::printf("stopped: %s\n", fault.what()); }
  std::printf("all weights finite: %s\n\n", weights_are_finite(net) ? "yes" : "no");
  const sonde::Report report = monitor.report();
  report.print(std::cout);
  if (!folder.empty()) leave_files(report, folder);
  return weights_are_finite(net) ? 0 : 1;
}
