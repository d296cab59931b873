// Forward origins in free functions: a value leaves the domain of an operation, or the range of its type.

#include "origin_case.h"

namespace sonde::origins {

std::vector<Case> forward_cases() {
  std::vector<Case> cases;
  const auto add = [&](const char* name, std::vector<std::string> operations,
                       std::function<at::Tensor(const at::Tensor&, bool)> loss) {
    cases.push_back({name, std::move(operations), [loss = std::move(loss)] { return around_net(loss); }});
  };

  add("log of a probability that is zero", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::softmax(y, 1) * (bad ? 0.0 : 1.0);
    auto l = ORIGIN(torch::log(p));
    return torch::nll_loss(l, classes(4));
  });
  add("log of a softmax that underflows", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::softmax(y * (bad ? 1e4 : 1.0), 1);
    auto l = ORIGIN(p.log());
    return -l.mean();
  });
  add("log of a negative number", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto positive = y.square() + (bad ? -1.0 : 1.0);
    return ORIGIN(positive.log()).mean();
  });
  add("log1p below minus one", {"aten::log1p"}, [](const at::Tensor& y, bool bad) {
    auto shifted = torch::sigmoid(y) - (bad ? 3.0 : 0.0);
    return ORIGIN(torch::log1p(shifted)).square().mean();
  });
  add("log2 of zero inside an entropy", {"aten::log2"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::relu(y) + (bad ? 0.0 : 1.0);
    auto bits = ORIGIN(p.log2());
    return -(p * bits).sum();
  });
  add("square root of a negative number", {"aten::sqrt"}, [](const at::Tensor& y, bool bad) {
    auto variance = y.square().mean(1) - (bad ? 100.0 : 0.0);
    return ORIGIN(variance.sqrt()).mean();
  });
  add("reciprocal square root of zero", {"aten::rsqrt"}, [](const at::Tensor& y, bool bad) {
    auto variance = y.square().mean(1) * (bad ? 0.0 : 1.0);
    return ORIGIN(torch::rsqrt(variance)).mean();
  });
  add("exp overflows", {"aten::exp"}, [](const at::Tensor& y, bool bad) {
    auto rate = ORIGIN(torch::exp(y * y + (bad ? 100.0 : 0.0)));
    return (rate - y).mean();
  });
  add("expm1 overflows", {"aten::expm1"}, [](const at::Tensor& y, bool bad) {
    auto scaled = y.abs() * (bad ? 1e5 : 1.0);
    return ORIGIN(torch::expm1(scaled)).mean();
  });
  add("cosh overflows in a log-cosh loss", {"aten::cosh"}, [](const at::Tensor& y, bool bad) {
    auto error = y - (bad ? 500.0 : 0.5);
    auto c = ORIGIN(torch::cosh(error));
    return c.log().mean();
  });
  add("division by a tensor of zeros", {"aten::div"}, [](const at::Tensor& y, bool bad) {
    auto count = torch::full({8, 1}, bad ? 0.0 : 3.0);
    auto mean = ORIGIN(y / count);
    return mean.square().mean();
  });
  add("zero divided by zero", {"aten::div"}, [](const at::Tensor& y, bool bad) {
    auto mask = torch::full({8, 4}, bad ? 0.0 : 1.0);
    auto hit = (y.square() * mask).sum();
    auto size = mask.sum();
    return ORIGIN(hit / size);
  });
  add("division by the number zero", {"aten::div"}, [](const at::Tensor& y, bool bad) {
    const double kept = bad ? 0 : 4;
    auto scaled = ORIGIN(y / kept);
    return scaled.square().mean();
  });
  add("division of a row by its zero norm", {"aten::div"}, [](const at::Tensor& y, bool bad) {
    auto v = y.detach() * (bad ? 0.0 : 1.0);
    auto length = v.norm(2, {1}, true);
    auto unit = ORIGIN(v / length);
    return (unit * y).sum();
  });
  add("reciprocal of zero", {"aten::reciprocal"}, [](const at::Tensor& y, bool bad) {
    auto z = torch::relu(y - (bad ? 100.0 : -5.0));
    return ORIGIN(torch::reciprocal(z)).mean();
  });
  add("power of a negative number", {"aten::pow"}, [](const at::Tensor& y, bool bad) {
    auto z = torch::sigmoid(y) - (bad ? 2.0 : 0.0);
    return ORIGIN(z.pow(1.5)).mean();
  });
  add("power overflows", {"aten::pow"}, [](const at::Tensor& y, bool bad) {
    auto z = y + (bad ? 1e8 : 1.0);
    auto moment = ORIGIN(torch::pow(z, 6));
    return moment.mean();
  });
  add("negative power of zero", {"aten::pow"}, [](const at::Tensor& y, bool bad) {
    auto z = y.square() * (bad ? 0.0 : 1.0);
    return ORIGIN(z.pow(-1)).clamp_min(0.1).mean();
  });
  add("acos beyond one", {"aten::acos"}, [](const at::Tensor& y, bool bad) {
    auto cosine = torch::tanh(y) * (bad ? 3.0 : 0.9);
    return ORIGIN(torch::acos(cosine)).mean();
  });
  add("asin beyond one", {"aten::asin"}, [](const at::Tensor& y, bool bad) {
    auto sine = torch::sigmoid(y) + (bad ? 1.0 : 0.0) * 0.9;
    return ORIGIN(torch::asin(sine * 0.99)).mean();
  });
  add("atanh of one", {"aten::atanh"}, [](const at::Tensor& y, bool bad) {
    auto t = torch::tanh(y * (bad ? 1e4 : 1.0)) * (bad ? 1.0 : 0.9);
    return ORIGIN(t.atanh()).abs().mean();
  });
  add("inverse error function of one", {"aten::erfinv"}, [](const at::Tensor& y, bool bad) {
    auto u = torch::sigmoid(y * (bad ? 1e4 : 1.0)) * (bad ? 1.0 : 0.9);
    return ORIGIN(torch::erfinv(u)).abs().mean();
  });
  add("logit of one", {"aten::logit"}, [](const at::Tensor& y, bool bad) {
    auto p = torch::sigmoid(y.abs() * (bad ? 1e5 : 1.0));
    return ORIGIN(torch::logit(p)).mean();
  });
  add("lgamma of zero", {"aten::lgamma"}, [](const at::Tensor& y, bool bad) {
    auto count = torch::relu(y) * (bad ? 0.0 : 1.0) + (bad ? 0.0 : 2.0);
    return ORIGIN(torch::lgamma(count)).mean();
  });
  add("remainder of a division by zero", {"aten::fmod"}, [](const at::Tensor& y, bool bad) {
    auto period = torch::full({4}, bad ? 0.0 : 2.0);
    return ORIGIN(torch::fmod(y, period)).square().mean();
  });
  add("an infinite factor", {"aten::mul"}, [](const at::Tensor& y, bool bad) {
    const double weight = bad ? kInf : 2.0;
    auto weighted = ORIGIN(y * weight);
    return weighted.square().mean();
  });
  add("zero times an infinite constant", {"aten::mul", "aten::full"}, [](const at::Tensor& y, bool bad) {
    auto penalty = ORIGIN(torch::full({4}, bad ? kInf : 1.0));
    auto masked = ORIGIN(torch::relu(y) * penalty);
    return masked.mean();
  });
  add("infinity minus infinity names the overflow", {"aten::exp"}, [](const at::Tensor& y, bool bad) {
    const double shift = bad ? 200 : 0;
    auto up = ORIGIN((y + shift).exp());
    auto down = ORIGIN((shift - y).exp());
    return (up - down).abs().mean();
  });
  add("a softmax by hand overflows", {"aten::exp"}, [](const at::Tensor& y, bool bad) {
    auto e = ORIGIN(torch::exp(y * (bad ? 1e4 : 1.0)));
    auto p = e / e.sum(1, true);
    return (p * p).sum(1).mean();
  });
  add("clamping comes too late", {"aten::log"}, [](const at::Tensor& y, bool bad) {
    auto score = torch::sigmoid(y) - (bad ? 1.0 : 0.0);
    auto l = ORIGIN(score.log());
    return l.clamp(-10, 10).mean();
  });
  return cases;
}

}  // namespace sonde::origins
