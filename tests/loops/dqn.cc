// S9: deep Q-learning with a replay memory and a target network on a small grid.
//
// Odd but healthy: nothing is learned until the memory is filled; every step acts in eval() mode and learns in train()
// mode; the target network never has gradients and is refreshed by saving and loading in memory; the network that is
// trained is itself restored from a checkpoint midway; the loss jumps whenever the target moves.
#include <deque>
#include <sstream>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr std::int64_t kSide = 5, kActions = 4, kMemory = 1000, kBatch = 32;
constexpr double kDiscount = 0.9;

class QNetworkImpl : public torch::nn::Module {
 public:
  QNetworkImpl() {
    register_module("hidden", hidden);
    register_module("drop", drop);
    register_module("value", value);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return value->forward(drop->forward(torch::relu(hidden->forward(x))));
  }

 private:
  torch::nn::Linear hidden{kSide * kSide, 48};
  torch::nn::Dropout drop{0.02};
  torch::nn::Linear value{48, kActions};
};
TORCH_MODULE(QNetwork);

// Walk from one corner to the other; every move costs a little.
class Grid {
 public:
  torch::Tensor observe() const {
    auto state = torch::zeros({kSide * kSide});
    state[y_ * kSide + x_] = 1;
    return state;
  }
  // Returns the reward and whether the corner is reached.
  std::pair<float, bool> move(std::int64_t action) {
    x_ = std::clamp<std::int64_t>(x_ + (action == 0) - (action == 1), 0, kSide - 1);
    y_ = std::clamp<std::int64_t>(y_ + (action == 2) - (action == 3), 0, kSide - 1);
    const bool arrived = x_ == kSide - 1 && y_ == kSide - 1;
    return {arrived ? 1.0F : -0.02F, arrived};
  }

 private:
  std::int64_t x_ = 0, y_ = 0;
};

struct Transition {
  torch::Tensor state;
  std::int64_t action;
  float reward;
  torch::Tensor next_state;
  bool done;
};

void copy_weights(const QNetwork& from, QNetwork& to) {
  std::stringstream memory;
  torch::save(from, memory);
  torch::load(to, memory);
}

std::int64_t choose(QNetwork& network, const torch::Tensor& state, double epsilon) {
  if (torch::rand({1}).item<double>() < epsilon) return torch::randint(kActions, {1}).item<std::int64_t>();
  torch::NoGradGuard no_grad;
  network->eval();
  return network->forward(state.unsqueeze(0)).argmax(1).item<std::int64_t>();
}

torch::Tensor td_loss(QNetwork& policy, QNetwork& target, const std::deque<Transition>& memory) {
  std::vector<torch::Tensor> states, next_states;
  std::vector<std::int64_t> actions;
  std::vector<float> rewards, going_on;
  const auto picks = torch::randint(static_cast<std::int64_t>(memory.size()), {kBatch}, torch::kLong);
  for (std::int64_t i = 0; i < kBatch; ++i) {
    const auto& transition = memory[static_cast<std::size_t>(picks[i].item<std::int64_t>())];
    states.push_back(transition.state);
    next_states.push_back(transition.next_state);
    actions.push_back(transition.action);
    rewards.push_back(transition.reward);
    going_on.push_back(transition.done ? 0.0F : 1.0F);
  }
  const auto q = policy->forward(torch::stack(states)).gather(1, torch::tensor(actions).unsqueeze(1)).squeeze(1);
  const auto next_q = std::get<0>(target->forward(torch::stack(next_states)).max(1)).detach();
  return torch::smooth_l1_loss(q, torch::tensor(rewards) + kDiscount * torch::tensor(going_on) * next_q);
}

}  // namespace

Outcome dqn(Watch& watch) {
  torch::manual_seed(9);
  QNetwork policy, target;
  copy_weights(policy, target);
  target->eval();
  torch::optim::Adam optimizer(policy->parameters(), torch::optim::AdamOptions(3e-3));
  auto watched = watch.attach(policy, optimizer, "policy");

  std::vector<double> losses;
  std::deque<Transition> memory;
  Grid grid;
  std::string checkpoint;
  constexpr int kMoves = 1500;
  for (int move = 0, in_episode = 0; move < kMoves; ++move) {
    const auto state = grid.observe();
    const auto action = choose(policy, state, std::max(0.1, 1 - 2.0 * move / kMoves));
    const auto [reward, done] = grid.move(action);
    memory.push_back({state, action, reward, grid.observe(), done});
    if (memory.size() > kMemory) memory.pop_front();
    if (done || ++in_episode == 60) {
      grid = Grid();
      in_episode = 0;
    }
    if (memory.size() < 200) continue;

    policy->train();
    auto loss = td_loss(policy, target, memory);
    optimizer.zero_grad();
    watched.backward(loss);
    for (auto& parameter : policy->parameters()) parameter.grad().data().clamp_(-1, 1);
    optimizer.step();
    losses.push_back(loss.item<double>());
    if (move % 50 == 0) copy_weights(policy, target);
    if (move == kMoves / 2) {
      std::stringstream memory_file;
      torch::save(policy, memory_file);
      torch::load(policy, memory_file);
    }
  }

  Grid walk;
  int moves = 0;
  for (bool arrived = false; !arrived && moves < 100; ++moves)
    arrived = walk.move(choose(policy, walk.observe(), 0)).second;
  return finish(losses, *policy, -moves);
}

}  // namespace sonde::loops
