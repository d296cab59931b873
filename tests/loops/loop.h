// Healthy training programs of the kinds people write in C++, each of which can run bare or watched by monitors.
//
// They are the twins against which every check is held: a monitor must find nothing in them and change nothing. Each
// does what real programs do, the odd but healthy things included; its file says which.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sonde/monitor.h>
#include <torch/torch.h>

namespace sonde::loops {

// What a loop holds in place of a monitor: one, or none. The same code then runs both ways.
class Watched {
 public:
  explicit Watched(Monitor* monitor) : monitor_(monitor) {}

  void backward(const at::Tensor& loss, bool retain_graph = false, bool create_graph = false) const;
  void backward(const std::function<at::Tensor()>& forward) const;
  void check(const at::Tensor& loss) const;
  [[nodiscard]] std::optional<Monitor::Pause> pause() const;
  void follow(torch::optim::Optimizer& optimizer) const;
  void follow(const std::vector<torch::optim::Optimizer*>& optimizers) const;

 private:
  Monitor* monitor_;
};

// Makes the monitors of a run and keeps them until their reports are taken, longer than the model lives.
class Watch {
 public:
  Watch() = default;  // bare: nothing is watched
  explicit Watch(Options options) : options_(std::move(options)) {}

  template <typename Model>
  [[nodiscard]] Watched attach(Model&& model, torch::optim::Optimizer& optimizer, const std::string& name = "sonde") {
    if (!options_) return Watched(nullptr);
    Options options = *options_;
    options.name = name;
    monitors_.push_back(std::make_unique<Monitor>(std::forward<Model>(model), optimizer, std::move(options)));
    return Watched(monitors_.back().get());
  }

  [[nodiscard]] std::vector<Report> reports() const;

 private:
  std::optional<Options> options_;
  std::vector<std::unique_ptr<Monitor>> monitors_;
};

// What a run leaves behind. All but the score is compared byte by byte between a bare and a watched run.
struct Outcome {
  std::vector<double> losses;  // every training loss, in order
  std::string weights;         // the bytes of all final weights and buffers
  std::string random_state;    // of the default generator
  double score = 0;            // how well it learned, the higher the better
};

[[nodiscard]] Outcome finish(std::vector<double> losses, const std::vector<torch::Tensor>& tensors, double score);
[[nodiscard]] Outcome finish(std::vector<double> losses, const torch::nn::Module& model, double score);

struct Loop {
  std::string name;
  Outcome (*run)(Watch&);
  double healthy_score;  // a run that scores less has not learned
};

[[nodiscard]] const std::vector<Loop>& all_loops();

Outcome regression_until_tolerance(Watch& watch);  // S1
Outcome digits_classifier(Watch& watch);           // S2
Outcome gan(Watch& watch);                         // S3
Outcome variational_autoencoder(Watch& watch);     // S4
Outcome lstm_language_model(Watch& watch);         // S5
Outcome residual_network(Watch& watch);            // S6
Outcome tiny_gpt(Watch& watch);                    // S7
Outcome lbfgs_pinn(Watch& watch);                  // S8
Outcome dqn(Watch& watch);                         // S9
Outcome ppo(Watch& watch);                         // S10
Outcome gaussian_splats(Watch& watch);             // S11, trained tensors are replaced
Outcome optimized_input(Watch& watch);             // S11, the network stands still and its input moves
Outcome fine_tuning(Watch& watch);                 // S12

}  // namespace sonde::loops
