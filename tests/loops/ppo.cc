// S10: proximal policy optimisation that balances poles.
//
// Odd but healthy: rollouts run on an actor thread; values for bootstrapping are computed with gradients on and thrown
// away; several epochs go over one rollout; a forward pass whose divergence is too high is dropped without backward();
// the optimizer is made anew for every rollout; the loss is a sum of three and does not fall.
#include <cmath>
#include <thread>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr std::int64_t kPoles = 16, kHorizon = 64;

class ActorCriticImpl : public torch::nn::Module {
 public:
  ActorCriticImpl() {
    register_module("body", body);
    register_module("policy", policy);
    register_module("value", value);
    torch::NoGradGuard no_grad;
    policy->weight.mul_(0.01);
    policy->bias.zero_();
  }
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& states) {
    const auto features = body->forward(states);
    return {torch::log_softmax(policy->forward(features), -1), value->forward(features).squeeze(-1)};
  }

 private:
  torch::nn::Sequential body{torch::nn::Linear(4, 32), torch::nn::Tanh(), torch::nn::Linear(32, 32), torch::nn::Tanh()};
  torch::nn::Linear policy{32, 2}, value{32, 1};
};
TORCH_MODULE(ActorCritic);

// Many cart-poles at once (Barto, Sutton, Anderson 1983): position, speed, angle, angular speed.
class Poles {
 public:
  Poles() : state(torch::rand({kPoles, 4}) * 0.1 - 0.05) {}

  // Moves all and returns which have fallen; those start anew.
  torch::Tensor step(const torch::Tensor& action) {
    const auto force = action.to(torch::kFloat) * 20 - 10;
    const auto angle = state.select(1, 2), spin = state.select(1, 3);
    const auto sine = angle.sin(), cosine = angle.cos();
    const auto pull = (force + 0.05 * spin.pow(2) * sine) / 1.1;
    const auto spin_rate = (9.8 * sine - cosine * pull) / (0.5 * (4.0 / 3 - 0.1 * cosine.pow(2) / 1.1));
    const auto rate = pull - 0.05 * spin_rate * cosine / 1.1;
    state = state + 0.02 * torch::stack({state.select(1, 1), rate, spin, spin_rate}, 1);
    const auto fallen = (state.select(1, 0).abs() > 2.4).logical_or(state.select(1, 2).abs() > 0.2095);
    state = torch::where(fallen.unsqueeze(1), torch::rand({kPoles, 4}) * 0.1 - 0.05, state);
    return fallen;
  }

  torch::Tensor state;  // [kPoles, 4]
};

struct Rollout {
  std::vector<torch::Tensor> states, actions, log_probabilities, values, fallen;
};

Rollout play(ActorCritic& model, Poles& poles) {
  torch::NoGradGuard no_grad;
  Rollout rollout;
  for (std::int64_t t = 0; t < kHorizon; ++t) {
    const auto [log_probabilities, values] = model->forward(poles.state);
    const auto action = torch::multinomial(log_probabilities.exp(), 1);
    rollout.states.push_back(poles.state);
    rollout.actions.push_back(action.squeeze(1));
    rollout.log_probabilities.push_back(log_probabilities.gather(1, action).squeeze(1));
    rollout.values.push_back(values);
    rollout.fallen.push_back(poles.step(action.squeeze(1)).to(torch::kFloat));
  }
  return rollout;
}

// Generalised advantage estimation (Schulman et al. 2016).
std::vector<torch::Tensor> advantages_of(const Rollout& rollout, torch::Tensor next_value) {
  std::vector<torch::Tensor> advantages(rollout.values.size());
  auto running = torch::zeros({kPoles});
  for (std::size_t t = rollout.values.size(); t-- > 0;) {
    const auto alive = 1 - rollout.fallen[t];
    const auto reward = 0.1 * alive;
    const auto delta = reward + 0.99 * alive * next_value - rollout.values[t];
    running = delta + 0.99 * 0.95 * alive * running;
    advantages[t] = running;
    next_value = rollout.values[t];
  }
  return advantages;
}

}  // namespace

Outcome ppo(Watch& watch) {
  torch::manual_seed(10);
  ActorCritic model;
  auto optimizer = std::make_unique<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(3e-3).eps(1e-5));
  auto watched = watch.attach(model, *optimizer, "ppo");

  std::vector<double> losses;
  double lasted = 0;
  Poles poles;
  for (int update = 0; update < 30; ++update) {
    Rollout rollout;
    std::thread actor([&] {
      at::set_num_threads(1);  // the setting belongs to a thread
      rollout = play(model, poles);
    });
    actor.join();
    torch::Tensor next_value;
    {
      auto pause = watched.pause();
      next_value = model->forward(poles.state).second.detach();
    }
    const auto advantages = torch::cat(advantages_of(rollout, next_value));
    const auto returns = advantages + torch::cat(rollout.values);
    const auto states = torch::cat(rollout.states), actions = torch::cat(rollout.actions).unsqueeze(1);
    const auto old_log_probabilities = torch::cat(rollout.log_probabilities);
    const auto normalised = (advantages - advantages.mean()) / (advantages.std() + 1e-8);
    lasted = static_cast<double>(states.size(0)) / std::max(1.0, torch::cat(rollout.fallen).sum().item<double>());

    bool too_far = false;
    for (int epoch = 0; epoch < 6 && !too_far; ++epoch) {
      for (const auto& index : torch::randperm(states.size(0)).split(256)) {
        const auto pick = [&](const torch::Tensor& all) { return all.index_select(0, index); };
        const auto [log_probabilities, values] = model->forward(pick(states));
        const auto log_ratio = log_probabilities.gather(1, pick(actions)).squeeze(1) - pick(old_log_probabilities);
        const auto ratio = log_ratio.exp();
        if ((ratio - 1 - log_ratio).mean().item<double>() > 0.03) {
          too_far = true;
          break;
        }
        const auto policy_loss = -torch::min(ratio * pick(normalised), ratio.clamp(0.8, 1.2) * pick(normalised)).mean();
        const auto value_loss = torch::mse_loss(values, pick(returns));
        const auto entropy = -(log_probabilities * log_probabilities.exp()).sum(1).mean();
        const auto loss = policy_loss + 0.5 * value_loss - 0.01 * entropy;
        optimizer->zero_grad();
        watched.backward(loss);
        torch::nn::utils::clip_grad_norm_(model->parameters(), 0.5);
        optimizer->step();
        losses.push_back(loss.item<double>());
      }
    }
    optimizer = std::make_unique<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(3e-3).eps(1e-5));
    watched.follow(*optimizer);
  }
  return finish(losses, *model, lasted);
}

}  // namespace sonde::loops
