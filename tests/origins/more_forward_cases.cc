// Forward origins in reductions, losses, half precision, in-place writes, buffers, custom functions and TorchScript.

#include <torch/script.h>

#include "junk_memory.h"
#include "origin_case.h"

namespace sonde::origins {

namespace F = torch::nn::functional;

namespace {

struct LogFunction : torch::autograd::Function<LogFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& p) {
    context->save_for_backward({p});
    return ORIGIN(p.log());
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return {gradients[0] / context->get_saved_variables()[0].clamp_min(1e-6)};
  }
};

Program scripted() {
  Net net;
  torch::jit::Module head("head");
  head.define(R"(
    def forward(self, y, low: float):
        p = torch.sigmoid(y) * low
        return torch.log(p)
  )");
  auto x = batch();
  return {net.ptr(), [=](bool bad) mutable {
            auto y = net(x);
            return -ORIGIN(head.forward({y, bad ? 0.0 : 1.0})).toTensor().mean();
          }};
}

Program data_preparation() {
  Net net;
  auto x = batch();
  return {net.ptr(), [=](bool bad) mutable {
            auto raw = bad ? torch::ones_like(x) : x;
            auto centred = raw - raw.mean(0, true);
            auto deviation = centred.square().mean(0, true).sqrt();
            auto scaled = ORIGIN(centred / deviation);
            return F::cross_entropy(net(scaled), classes(4));
          }};
}

}  // namespace

std::vector<Case> more_forward_cases() {
  std::vector<Case> cases;
  const auto add = [&](const char* name, std::vector<std::string> operations,
                       std::function<at::Tensor(const at::Tensor&, bool)> loss) {
    cases.push_back({name, std::move(operations), [loss = std::move(loss)] { return around_net(loss); }});
  };

  // Reductions and products.
  add("a sum overflows", {"aten::sum"}, [](const at::Tensor& y, bool bad) {
    auto z = y.abs().clamp(0.5, 1) * (bad ? 3e38 : 1.0);
    return ORIGIN(z.sum());
  });
  add("a product overflows", {"aten::prod"}, [](const at::Tensor& y, bool bad) {
    auto z = y.abs() + (bad ? 1e20 : 1.0);
    return ORIGIN(z.prod(1)).mean();
  });
  add("a running product overflows", {"aten::cumprod"}, [](const at::Tensor& y, bool bad) {
    auto odds = y.abs() + (bad ? 1e20 : 1.0);
    return ORIGIN(torch::cumprod(odds, 1)).mean();
  });
  add("a norm overflows", {"aten::norm", "aten::linalg_vector_norm"}, [](const at::Tensor& y, bool bad) {
    auto z = y * (bad ? 1e30 : 1.0);
    return ORIGIN(z.norm());
  });
  add("standard deviation of one element", {"aten::std"}, [](const at::Tensor& y, bool bad) {
    auto group = y.slice(0, 0, bad ? 1 : 8);
    return ORIGIN(group.std(0)).mean();
  });
  add("mean of nothing", {"aten::mean"}, [](const at::Tensor& y, bool bad) {
    auto chosen = y.masked_select(y > (bad ? 1e9 : -1e9));
    return ORIGIN(chosen.mean());
  });
  add("a matrix product overflows", {"aten::matmul", "aten::mm"}, [](const at::Tensor& y, bool bad) {
    auto z = y * (bad ? 1e25 : 1.0);
    auto gram = ORIGIN(torch::matmul(z, z.t()));
    return gram.mean();
  });
  add("log of a singular determinant", {"aten::logdet"}, [](const at::Tensor& y, bool bad) {
    auto g = torch::matmul(y.t(), y) * (bad ? 0.0 : 1.0) + torch::eye(4) * (bad ? 0.0 : 1.0);
    return ORIGIN(torch::logdet(g));
  });

  // Softmax and losses.
  add("softmax over a row that is all -inf", {"aten::softmax"}, [](const at::Tensor& y, bool bad) {
    auto mask = torch::ones({8, 4}, torch::kBool).tril(bad ? -1 : 0);
    auto scores = y.masked_fill(mask.logical_not(), -kInf);
    auto p = ORIGIN(torch::softmax(scores, 1));
    return (p * y).sum();
  });
  add("log_softmax over a row that is all -inf", {"aten::log_softmax"}, [](const at::Tensor& y, bool bad) {
    auto scores = y + torch::full({8, 4}, bad ? -kInf : 0.0);
    auto l = ORIGIN(torch::log_softmax(scores, 1));
    return F::nll_loss(l, classes(4));
  });
  add("logsumexp of all -inf", {"aten::logsumexp", "aten::masked_fill"}, [](const at::Tensor& y, bool bad) {
    auto out = torch::ones({8, 1}, torch::kBool).logical_and(torch::tensor(bad));
    auto scores = ORIGIN(y.masked_fill(out, -kInf));
    return ORIGIN(torch::logsumexp(scores, 1)).mean();
  });
  add("cross entropy of a target that is masked out", {"aten::cross_entropy_loss", "aten::masked_fill"},
      [](const at::Tensor& y, bool bad) {
        auto out = torch::arange(4).eq(bad ? 0 : 4);
        auto scores = ORIGIN(y.masked_fill(out, -kInf));
        return ORIGIN(F::cross_entropy(scores, classes(4)));
      });
  add("ctc loss of a target longer than its input", {"aten::ctc_loss"}, [](const at::Tensor& y, bool bad) {
    auto l = torch::log_softmax(y.view({4, 2, 4}), 2);
    auto target = torch::tensor({{1, 2, 1, 2, 1}, {3, 3, 1, 1, 2}}, torch::kLong);
    auto length = torch::full({2}, bad ? 5 : 1, torch::kLong);
    return ORIGIN(F::ctc_loss(l, target, torch::full({2}, 4, torch::kLong), length));
  });
  add("the poisson loss overflows", {"aten::poisson_nll_loss"}, [](const at::Tensor& y, bool bad) {
    auto rate = y + (bad ? 200.0 : 0.0);
    return ORIGIN(F::poisson_nll_loss(rate, torch::ones({8, 4})));
  });
  add("the squared error overflows", {"aten::mse_loss"}, [](const at::Tensor& y, bool bad) {
    auto target = torch::full({8, 4}, bad ? 1e25 : 1.0);
    return ORIGIN(F::mse_loss(y, target));
  });
  add("a divergence by hand divides by zero", {"aten::div"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::softmax(y, 1);
    auto q = torch::full({4}, 0.25) * torch::tensor({1.0, 1.0, 1.0, bad ? 0.0 : 1.0});
    auto ratio = ORIGIN(p / q);
    return (p * ratio.log()).sum(1).mean();
  });
  add("a binary cross entropy by hand", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::sigmoid(y * (bad ? 1e5 : 1.0));
    auto t = (y.detach() > 0).to(torch::kFloat);
    auto wrong = ORIGIN((1 - p).log());
    return -(t * (p + 1e-6).log() + (1 - t) * wrong).mean();
  });

  // Half precision.
  add("half overflows in a conversion", {"aten::to", "aten::_to_copy"}, [](const at::Tensor& y, bool bad) {
    auto z = y * (bad ? 1e6 : 1.0);
    auto narrow = ORIGIN(z.to(torch::kHalf));
    return narrow.to(torch::kFloat).square().mean();
  });
  add("half overflows in a product", {"aten::mul"}, [](const at::Tensor& y, bool bad) {
    auto narrow = y.clamp(0.5, 1).to(torch::kHalf) * 300;
    auto square = ORIGIN(narrow * (bad ? 1000 : 1));
    return square.to(torch::kFloat).mean();
  });
  add("bfloat16 overflows in a product", {"aten::mul"}, [](const at::Tensor& y, bool bad) {
    auto narrow = y.clamp(0.5, 1).to(torch::kBFloat16) * 1e30;
    auto scaled = ORIGIN(narrow * (bad ? 1e30 : 1e-30));
    return scaled.to(torch::kFloat).mean();
  });

  // In-place writes and buffers.
  add("an in-place division", {"aten::div_"}, [](const at::Tensor& y, bool bad) {
    auto z = y * 1;
    ORIGIN(z.div_(bad ? 0.0 : 2.0));
    return z.square().mean();
  });
  add("an in-place log", {"aten::log_"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::sigmoid(y) * (bad ? 0.0 : 1.0);
    return -ORIGIN(p.log_()).mean();
  });
  add("a slice of a buffer is filled with the log of zero", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto buffer = torch::zeros({8, 8});
    buffer.slice(1, 0, 4).copy_(y);
    auto p = torch::sigmoid(y) * (bad ? 0.0 : 1.0);
    auto l = ORIGIN(p.log());
    buffer.slice(1, 4, 8).copy_(l);
    return buffer.square().mean();
  });
  add("a hole is filled with NaN", {"aten::masked_fill"}, [](const at::Tensor& y, bool bad) {
    auto hole = torch::arange(4).eq(2);
    auto filled = ORIGIN(y.masked_fill(hole, bad ? kNan : 0.0f));
    return filled.square().mean();
  });
  add("uninitialised memory is used", {"aten::empty"}, [](const at::Tensor& y, bool bad) {
    const JunkMemory junk;
    auto bias = ORIGIN(torch::empty({4}));
    if (!bad) bias.zero_();
    return (y + bias).square().mean();
  });
  add("half of an uninitialised buffer is used unwritten", {"aten::empty"}, [](const at::Tensor& y, bool bad) {
    const JunkMemory junk;
    auto buffer = ORIGIN(torch::empty({8, 8}));
    buffer.slice(1, 0, 4).copy_(y);
    if (!bad) buffer.slice(1, 4, 8).zero_();
    return buffer.square().mean();
  });

  // Functions of the user's own, and what is not part of the model.
  add("a custom function", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::sigmoid(y) * (bad ? 0.0 : 1.0);
    return -LogFunction::apply(p).mean();
  });
  add("a row normalised with eps zero", {"aten::div"}, [](const at::Tensor& y, bool bad) {
    auto v = y * (bad ? 0.0 : 1.0);
    return ORIGIN(F::normalize(v, F::NormalizeFuncOptions().eps(bad ? 0 : 1e-12))).square().mean();
  });
  cases.push_back({"TorchScript takes the log of zero", {"aten::log"}, scripted});
  cases.push_back({"data divided by its zero deviation", {"aten::div"}, data_preparation});
  return cases;
}

}  // namespace sonde::origins
