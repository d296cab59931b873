// Origins in the backward pass: the loss is finite, or not to blame; a node makes a gradient that is not.
#include "origin_case.h"

namespace sonde::origins {

namespace F = torch::nn::functional;

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RootFunction : torch::autograd::Function<RootFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    auto root = ORIGIN(x.sqrt());
    context->save_for_backward({root});
    return root;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto root = context->get_saved_variables()[0];
    return {ORIGIN(gradients[0] / (2 * root))};
  }
};

// Runs its body without a graph and once more, with one, in the backward pass: what checkpointing does.
struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  static at::Tensor body(const at::Tensor& x) { return ORIGIN(x.sqrt()); }

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return body(x);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoGradMode with_graph(true);
    auto x = context->get_saved_variables()[0].detach().requires_grad_();
    return {torch::autograd::grad({body(x)}, {x}, {gradients[0]})[0]};
  }
};

// The ratio of a policy gradient is one; its advantage is so large that a layer's gradient leaves the range of float.
Program huge_advantage() {
  Net net;
  auto x = batch();
  net->last->weight.data().mul_(1e4);
  return {net.ptr(), [=](bool bad) mutable {
            auto h = torch::tanh(net->first(x));
            auto y = ORIGIN(net->last(h));
            auto ratio = (y - y.detach()).exp();
            return -(ratio * (bad ? 1e37 : 1e-6)).mean();
          }};
}

// The same operations stand at the same places of both networks' passes; only their lines differ.
Program in_turns() {
  Net net;
  auto x = batch(), hidden = torch::cat({batch(), batch(), batch()}, 1).slice(1, 0, 16);
  return {net.ptr(),
          nullptr,
          {[=](bool) mutable {
             auto judged = net->first(x).square() * 1.0;
             return judged.sqrt().mean();
           },
           [=](bool bad) mutable {
             auto made = net->last(hidden).square() * (bad ? 0.0 : 1.0);
             return ORIGIN(made.sqrt()).mean();
           }}};
}

Program two_losses() {
  Net net;
  auto x = batch();
  auto trunk = std::make_shared<at::Tensor>();
  return {net.ptr(),
          nullptr,
          {[=](bool) mutable {
             *trunk = torch::tanh(net->first(x));
             return F::cross_entropy(net->last(*trunk), classes(4));
           },
           [=](bool bad) mutable {
             auto z = torch::relu(*trunk) * (bad ? 0.0 : 1.0) + (bad ? 0.0 : 1.0);
             return ORIGIN(z.sqrt()).mean();
           }}};
}

// Three batches for one step of the optimizer: each forward pass before its backward pass, or all of them first.
Program accumulated(bool all_first) {
  Net net;
  auto x = batch();
  auto losses = std::make_shared<std::vector<at::Tensor>>(3);
  auto compute = [=](int micro, bool bad) mutable {
    auto y = net(x.slice(0, 2 * micro, 2 * micro + 2));
    auto distance = y.square().sum(1) * (bad && micro == 1 ? 0.0 : 1.0);
    auto root = ORIGIN(distance.sqrt());
    return root.mean();
  };
  Program program{net.ptr(), nullptr};
  for (int micro = 0; micro < 3; ++micro) {
    program.losses.push_back([=](bool bad) mutable {
      if (!all_first) return compute(micro, bad);
      for (int i = 0; micro == 0 && i < 3; ++i) (*losses)[i] = compute(i, bad);
      return (*losses)[micro];
    });
  }
  return program;
}

}  // namespace

std::vector<Case> backward_cases() {
  std::vector<Case> cases;
  const auto add = [&](const char* name, std::vector<std::string> operations,
                       std::function<at::Tensor(const at::Tensor&, bool)> loss) {
    cases.push_back({name, std::move(operations), [loss = std::move(loss)] { return around_net(loss); }});
  };

  add("square root at zero", {"SqrtBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = y.square() * (bad ? 0.0 : 1.0);
    return ORIGIN(z.sqrt()).mean();
  });
  add("a distance by hand at zero", {"SqrtBackward0"}, [](const at::Tensor& y, bool bad) {
    auto d = y - (bad ? y.detach() : torch::zeros_like(y));
    auto distance = ORIGIN((d * d).sum(1).sqrt());
    return distance.mean();
  });
  add("a fractional power at zero", {"PowBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = y.abs() * (bad ? 0.0 : 1.0);
    return ORIGIN(z.pow(0.3)).mean();
  });
  // The product turns the infinity into a NaN, with a gradient of zero.
  add("where hides the log of zero", {"aten::log", "LogBackward0", "MulBackward0"}, [](const at::Tensor& y, bool bad) {
    auto p = y.square() * (bad ? 0.0 : 1.0);
    auto l = ORIGIN(p.log());
    auto product = ORIGIN(p * l);
    return torch::where(p == 0, torch::zeros_like(p), product).mean();
  });
  add("where hides a division by zero", {"aten::div", "DivBackward0"}, [](const at::Tensor& y, bool bad) {
    auto d = torch::relu(y) + (bad ? 0.0 : 1.0);
    auto quotient = ORIGIN(y / d);
    return torch::where(d > 0, quotient, torch::zeros_like(d)).mean();
  });
  add("where hides the root of a negative number", {"aten::sqrt", "SqrtBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = torch::tanh(y) + (bad ? 0.0 : 1.1);
    auto root = ORIGIN(torch::sqrt(z));
    return torch::where(z > 0, root, z * 0).mean();
  });
  add("a sigmoid by hand overflows unseen", {"aten::exp", "ExpBackward0"}, [](const at::Tensor& y, bool bad) {
    auto e = ORIGIN(torch::exp(-y * (bad ? 1e4 : 1.0)));
    return (1 / (1 + e)).mean();
  });
  add("nan_to_num hides the log of zero", {"aten::log", "LogBackward0"}, [](const at::Tensor& y, bool bad) {
    auto p = y.square() * (bad ? 0.0 : 1.0);
    auto l = ORIGIN(p.log());
    return l.nan_to_num(0, 0, -20).mean();
  });
  add("clamping an overflow", {"aten::exp", "ExpBackward0"}, [](const at::Tensor& y, bool bad) {
    auto e = ORIGIN(torch::exp(y.abs() * (bad ? 1e5 : 1.0)));
    return torch::clamp_max(e, 5.0).mean();
  });
  add("acos of one", {"AcosBackward0"}, [](const at::Tensor& y, bool bad) {
    auto cosine = torch::tanh(y) * (bad ? 0.0 : 0.9) + (bad ? 1.0 : 0.0);
    return ORIGIN(cosine.acos()).mean();
  });
  add("asin of minus one", {"AsinBackward0"}, [](const at::Tensor& y, bool bad) {
    auto sine = torch::tanh(y) * (bad ? 0.0 : 0.9) - (bad ? 1.0 : 0.0);
    return ORIGIN(sine.asin()).mean();
  });
  add("log of a number too small for its inverse", {"LogBackward0"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::sigmoid(y) * (bad ? 1e-41 : 1.0);
    return -ORIGIN(p.log()).mean();
  });
  add("reciprocal of a tiny number", {"ReciprocalBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = torch::sigmoid(y) * (bad ? 1e-30 : 1.0);
    return ORIGIN(z.reciprocal()).mean();
  });
  add("reciprocal square root of a tiny number", {"RsqrtBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = torch::sigmoid(y) * (bad ? 1e-32 : 1.0);
    return ORIGIN(z.rsqrt()).mean();
  });
  add("division by a tiny number", {"DivBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = torch::sigmoid(y) * (bad ? 1e-25 : 1.0);
    auto quotient = ORIGIN(torch::ones_like(z) / z);
    return quotient.mean();
  });
  add("hypot at zero", {"HypotBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = y * (bad ? 0.0 : 1.0);
    return ORIGIN(torch::hypot(z, z)).mean();
  });
  add("eigenvectors of equal eigenvalues", {"~Eigh"}, [](const at::Tensor& y, bool bad) {
    auto spread = torch::diag(torch::arange(4).to(torch::kFloat)) * (bad ? 0.0 : 1.0);
    auto matrix = torch::matmul(y.t(), y) * (bad ? 0.0 : 1.0) + torch::eye(4) + spread;
    auto vectors = std::get<1>(ORIGIN(torch::linalg_eigh(matrix)));
    return (vectors * torch::arange(16).view({4, 4})).sum();
  });
  add("a product of factors overflows on the way back", {"~Mul"}, [](const at::Tensor& y, bool bad) {
    const double factor = bad ? 1e25 : 1;
    auto tiny = y * (bad ? 1e-30 : 1.0);
    auto first = ORIGIN(tiny * factor);
    auto second = first * factor;
    return second.mean();
  });
  add("a custom function divides by zero", {"~RootFunction", "aten::div"}, [](const at::Tensor& y, bool bad) {
    auto z = y.square() * (bad ? 0.0 : 1.0);
    return ORIGIN(RootFunction::apply(z)).mean();
  });
  add("a checkpoint computes its body again", {"SqrtBackward0", "~CheckpointFunction"},
      [](const at::Tensor& y, bool bad) {
        auto z = y.square() * (bad ? 0.0 : 1.0);
        return ORIGIN(CheckpointFunction::apply(z)).mean();
      });
  add("an in-place square root", {"SqrtBackward0"}, [](const at::Tensor& y, bool bad) {
    auto z = y.square() * (bad ? 0.0 : 1.0);
    ORIGIN(z.sqrt_());
    return z.mean();
  });
  cases.push_back({"a gradient overflows in a layer", {"AddmmBackward0"}, huge_advantage, "last"});
  cases.push_back({"the second of two losses on one trunk", {"SqrtBackward0"}, two_losses});
  cases.push_back({"one of two networks that train in turns", {"SqrtBackward0"}, in_turns});
  cases.push_back({"the second of three batches", {"SqrtBackward0"}, [] { return accumulated(false); }});
  cases.push_back({"the second of three losses", {"SqrtBackward0"}, [] { return accumulated(true); }});
  return cases;
}

}  // namespace sonde::origins
