// Deep Q-learning: an agent learns to walk to the end of a corridor. Acting, remembering and the target network need no
// gradients, so the monitor takes none of it for training.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;
constexpr std::int64_t kRooms = 10, kBatch = 64, kMemory = 2000;

nn::Sequential make_network() { return nn::Sequential(nn::Linear(kRooms, 32), nn::ReLU(), nn::Linear(32, 2)); }

torch::Tensor seen_from(const torch::Tensor& rooms) { return torch::one_hot(rooms, kRooms).to(torch::kFloat); }

std::int64_t best_action(nn::Sequential& network, std::int64_t room) {
  torch::NoGradGuard no_grad;
  return network->forward(seen_from(torch::tensor({room}))).argmax(1).item<std::int64_t>();
}

std::int64_t walk(std::int64_t room, std::int64_t action) {  // 1: on, 0: back
  return std::clamp<std::int64_t>(room + (action == 1 ? 1 : -1), 0, kRooms - 1);
}

int main() {
  torch::manual_seed(0);
  auto network = make_network(), target = make_network();
  torch::optim::Adam optimizer(network->parameters(), 2e-3);
  sonde::Monitor monitor(network, optimizer);

  auto memory = torch::zeros({kMemory, 3}, torch::kLong);  // room, action, next room
  std::int64_t room = 0;
  for (std::int64_t move = 0; move < kMemory; ++move) {
    const bool explore = torch::rand({1}).item<double>() < 0.5;
    const auto action = explore ? torch::randint(2, {1}).item<std::int64_t>() : best_action(network, room);
    const auto next = walk(room, action);
    memory[move] = torch::tensor({room, action, next});
    room = next == kRooms - 1 ? 0 : next;
    if (move < 4 * kBatch) continue;

    if (move % 100 == 0) {
      torch::NoGradGuard no_grad;
      for (std::size_t i = 0; i < network->parameters().size(); ++i)
        target->parameters()[i].copy_(network->parameters()[i]);
    }
    const auto past = memory.index_select(0, torch::randint(move, {kBatch}, torch::kLong));
    const auto arrived = (past.select(1, 2) == kRooms - 1).to(torch::kFloat);
    const auto future = std::get<0>(target->forward(seen_from(past.select(1, 2))).max(1)).detach();
    const auto q = network->forward(seen_from(past.select(1, 0))).gather(1, past.slice(1, 1, 2)).squeeze(1);
    optimizer.zero_grad();
    monitor.backward(torch::smooth_l1_loss(q, arrived + 0.9 * (1 - arrived) * future));
    optimizer.step();
  }
  monitor.report().print(std::cout);

  std::int64_t steps = 0;
  for (room = 0; room < kRooms - 1 && steps < 100; ++steps) room = walk(room, best_action(network, room));
  std::cout << "steps to the end: " << steps << '\n';
}
