// The step as a function: a bad step that was not observed in full is run again, so that its origin is known at once.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

// The norm of each row. Its slope at a row of zeros is 0 / 0, a well-known trap.
torch::Tensor row_norms(const torch::Tensor& x) { return torch::sqrt(x.pow(2).sum(1)); }

int main() {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(8, 16), torch::nn::Tanh(), torch::nn::Linear(16, 4));
  torch::optim::SGD optimizer(net->parameters(), 0.05);
  sonde::Options options;
  options.on_fault = sonde::OnFault::skip;  // the poisoned step is passed over, training goes on
  sonde::Monitor monitor(net, optimizer, options);

  int skipped = 0;
  for (int step = 0; step < 400; ++step) {
    // An embedding that keeps distances. In step 350 one pair happens to be the same example twice.
    const auto a = torch::randn({16, 8});
    const auto b = torch::randn({16, 8});
    if (step == 350) b[7] = a[7];
    const auto distance = row_norms(a - b);
    optimizer.zero_grad();
    const auto verdict = monitor.backward([&] {
      const auto embedded = row_norms(net->forward(a) - net->forward(b));
      return torch::mse_loss(embedded, distance);
    });
    skipped += !verdict.applied;
    optimizer.step();
  }
  monitor.report().print(std::cout);
  std::cout << "skipped " << skipped << " of 400 steps\n";
}
