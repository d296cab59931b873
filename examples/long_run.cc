// A run that nobody sits beside: what is new is said while it goes on, poisoned steps are passed over, and files are left
// for whoever comes later.
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include <sonde/sonde.h>
#include <torch/torch.h>

// Says each finding once, and again when it has grown worse.
class News {
 public:
  void tell(const sonde::Report& report) {
    for (const auto& finding : report.findings) {
      auto& told = told_[finding.origin.kind + " at " + finding.origin.where.layer];
      if (told && *told >= finding.severity) continue;
      told = finding.severity;
      std::cout << "step " << report.context.steps << ": " << to_string(finding.severity) << " since step "
                << finding.origin.step << ": " << finding.origin.message << '\n';
    }
  }

 private:
  std::map<std::string, std::optional<sonde::Severity>> told_;
};

int main() {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(8, 32), torch::nn::Tanh(), torch::nn::Linear(32, 1));
  torch::optim::Adam optimizer(net->parameters(), 1e-3);
  sonde::Options options;
  options.name = "nightly";                 // tells the reports of several runs apart
  options.overhead = 0.005;                 // half a per cent of the time
  options.on_fault = sonde::OnFault::skip;  // one bad batch must not end the night
  options.trace_file = "nightly.sonde";     // what happened is known even if the program is killed
  options.tensorboard = "runs/nightly";     // curves of every layer, while it runs
  sonde::Monitor monitor(net, optimizer, options);

  News news;
  for (int step = 1; step <= 4000; ++step) {
    auto x = torch::randn({32, 8});
    if (step == 2500) x[0][0] = std::numeric_limits<float>::quiet_NaN();
    optimizer.zero_grad();
    const auto y = x.nan_to_num().sum(1, /*keepdim=*/true).sin();
    monitor.backward([&] { return torch::mse_loss(net->forward(x), y); });
    optimizer.step();
    if (step % 1000 == 0) news.tell(monitor.report());  // a snapshot; any thread may ask for it
  }

  const auto report = monitor.report();
  report.save("nightly.html");
  report.print(std::cout);
}
