// Healthy programs with NaN or infinities in them: masks, bounds, unused branches, unwritten memory. None is a fault.

#include "junk_memory.h"
#include "origin_case.h"

namespace sonde::origins {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

namespace {

at::Tensor causal_mask(std::int64_t n) { return torch::triu(torch::full({n, n}, -kInf), 1); }

struct AttentionImpl : nn::Module {
  nn::MultiheadAttention inner{nullptr};
  AttentionImpl() { inner = register_module("attention", nn::MultiheadAttention(6, 2)); }
};
TORCH_MODULE(Attention);

std::function<Program()> attention(bool padding) {
  return [=] {
    Attention net;
    auto x = batch().view({4, 2, 6});
    return Program{net.ptr(), [=](bool bad) mutable {
                     auto pad = padding ? torch::arange(4).ge(bad ? 2 : 3).repeat({2, 1}) : at::Tensor();
                     auto mask = padding ? at::Tensor() : causal_mask(4);
                     return std::get<0>(net->inner(x, x, x, pad, true, mask)).square().mean();
                   }};
  };
}

Program missing_values() {
  Net net;
  auto x = batch(), t = torch::ones({8, 4});
  return {net.ptr(), [=](bool) mutable {
            auto raw = x.clone(), wanted = t.clone();
            raw.data_ptr<float>()[7] = kNan;
            wanted.data_ptr<float>()[5] = kNan;
            auto known = wanted.isnan().logical_not();
            auto error = net(raw.nan_to_num()) - torch::where(known, wanted, torch::zeros_like(wanted));
            return (error.square() * known).sum() / known.sum();
          }};
}

Program padded_rows() {
  Net net;
  auto x = batch();
  return {net.ptr(), [=](bool) mutable {
            auto padded = torch::full({10, 6}, kNan);
            padded.slice(0, 0, 8).copy_(x);
            return F::cross_entropy(net(padded.slice(0, 0, 8)), classes(4));
          }};
}

}  // namespace

std::vector<Harmless> harmless_programs() {
  std::vector<Harmless> programs;
  const auto add = [&](const char* name, std::function<at::Tensor(const at::Tensor&, bool)> loss) {
    programs.push_back({name, [loss = std::move(loss)] { return around_net(loss); }});
  };
  const auto error = [](const at::Tensor& y) { return F::cross_entropy(y, classes(4)); };

  // Masks.
  add("a causal mask of -inf before softmax", [=](const at::Tensor& y, bool) {
    auto scores = torch::matmul(y, y.t()) + causal_mask(8);
    return error(torch::matmul(torch::softmax(scores, 1), y));
  });
  add("masked_fill with -inf before softmax", [=](const at::Tensor& y, bool bad) {
    auto p = torch::softmax(y.masked_fill(torch::arange(4).eq(bad ? 1 : 2), -kInf), 1);
    return (p * y).sum(1).square().mean();
  });
  add("masked_fill_ in place before softmax", [=](const at::Tensor& y, bool) {
    auto scores = torch::matmul(y, y.t());
    scores.masked_fill_(torch::ones({8, 8}, torch::kBool).triu(1), -kInf);
    return error(torch::matmul(F::dropout(torch::softmax(scores, 1), F::DropoutFuncOptions().p(0.1)), y));
  });
  add("where with -inf before log_softmax", [=](const at::Tensor& y, bool) {
    auto keep = torch::tensor({true, true, true, false});
    auto scores = torch::where(keep, y, torch::full({}, -kInf));
    return F::nll_loss(torch::log_softmax(scores, 1), classes(3));
  });
  add("cross entropy over masked logits", [=](const at::Tensor& y, bool) {
    return F::cross_entropy(y.masked_fill(torch::arange(4).eq(3), -kInf), classes(3));
  });
  add("logsumexp with some -inf", [=](const at::Tensor& y, bool) {
    return torch::logsumexp(y.masked_fill(torch::arange(4).eq(3), -kInf), 1).square().mean();
  });
  add("rows that are all masked are replaced after softmax", [=](const at::Tensor& y, bool bad) {
    auto keep = torch::ones({8, 4}, torch::kBool).tril(bad ? -1 : 0);
    auto p = torch::softmax(y.masked_fill(keep.logical_not(), -kInf), 1);
    p = p.masked_fill(keep.any(1, true).logical_not(), 0);
    return (p * y.square()).sum(1).mean();
  });
  add("a running maximum starts at -inf", [=](const at::Tensor& y, bool) {
    auto best = torch::full({8}, -kInf);
    for (int i = 0; i < 4; ++i) best = torch::maximum(best, y.select(1, i));
    return best.square().mean();
  });
  add("the best of masked scores", [=](const at::Tensor& y, bool) {
    auto top = std::get<0>(y.masked_fill(torch::arange(4).eq(0), -kInf).topk(2, 1));
    return top.square().mean();
  });
  add("max pooling pads with -inf", [=](const at::Tensor& y, bool) {
    auto pooled = F::max_pool2d(y.view({1, 1, 8, 4}), F::MaxPool2dFuncOptions(3).stride(2).padding(1));
    return pooled.square().mean();
  });
  add("the distance to itself is infinite before a minimum", [=](const at::Tensor& y, bool) {
    auto distance = torch::where(torch::eye(8).to(torch::kBool), torch::full({}, kInf), torch::cdist(y, y));
    return std::get<0>(distance.min(1)).mean();
  });

  // Memory.
  add("an unwritten buffer is filled piece by piece", [=](const at::Tensor& y, bool) {
    const JunkMemory junk;
    auto buffer = torch::empty({8, 8});
    buffer.slice(1, 0, 4).copy_(y);
    buffer.slice(1, 4, 8).copy_(y.tanh());
    return buffer.square().mean();
  });
  add("an unwritten buffer is the destination of an operation", [=](const at::Tensor& y, bool) {
    const JunkMemory junk;
    auto weights = torch::empty({4});
    torch::add_out(weights, torch::ones({4}), torch::ones({4}));
    auto order = torch::empty_strided({8, 4}, {1, 8});
    order.copy_(y.detach());
    return (y * weights + order).square().mean();
  });
  add("an unwritten tensor is initialised in place", [=](const at::Tensor& y, bool) {
    const JunkMemory junk;
    auto noise = torch::empty_like(y).normal_(0, 0.1);
    auto start = torch::empty({4}).fill_(0.5);
    return (y + noise + start).square().mean();
  });
  add("rows of an unwritten buffer are written by index", [=](const at::Tensor& y, bool) {
    const JunkMemory junk;
    auto rows = torch::empty({8, 4});
    rows.index_copy_(0, torch::arange(8).flip(0), y.detach());
    return (y * rows).sum(1).square().mean();
  });

  // Values that go nowhere.
  add("an overflow in detached weights is clamped", [=](const at::Tensor& y, bool bad) {
    auto weight = torch::exp(y.detach().abs() * (bad ? 1e5 : 1.0)).clamp_max(3.0);
    return (weight * y.square()).mean();
  });
  add("a metric overflows beside the loss", [=](const at::Tensor& y, bool bad) {
    auto loss = error(y);
    auto perplexity = torch::exp(loss.detach() * (bad ? 1e4 : 1.0));
    auto entropy = (torch::zeros({4}).log() * 0).sum();
    return loss;
  });
  add("a metric without gradients is NaN", [=](const at::Tensor& y, bool) {
    at::Tensor rate;
    {
      at::NoGradGuard no_grad;
      rate = (y > 1e9).sum() / (y > 1e9).sum();
    }
    return error(y);
  });
  add("the best loss so far starts at infinity", [=](const at::Tensor& y, bool) {
    auto loss = error(y);
    auto best = torch::minimum(torch::full({}, kInf), loss.detach());
    return loss + 0 * best;
  });
  add("where chooses before the log", [=](const at::Tensor& y, bool bad) {
    auto p = torch::relu(y) * (bad ? 0.0 : 1.0);
    auto safe = torch::where(p > 0, p, torch::ones_like(p));
    return (p * safe.log()).mean() + error(y);
  });
  add("a divergence with zeros in the target", [=](const at::Tensor& y, bool) {
    return F::kl_div(torch::log_softmax(y, 1), torch::tensor({0.5, 0.5, 0.0, 0.0}).expand({8, 4}),
                     F::KLDivFuncOptions().reduction(torch::kBatchMean));
  });
  add("dropout drops everything", [=](const at::Tensor& y, bool bad) {
    return error(y) + F::dropout(y, F::DropoutFuncOptions().p(bad ? 1.0 : 0.5)).square().mean();
  });
  add("a zero vector is normalised with eps",
      [=](const at::Tensor& y, bool bad) { return F::normalize(y * (bad ? 0.0 : 1.0)).square().mean() + error(y); });
  add("a norm at zero",
      [=](const at::Tensor& y, bool bad) { return (y * (bad ? 0.0 : 1.0)).norm(2, 1).mean() + error(y); });
  add("distances of equal points", [=](const at::Tensor& y, bool) { return torch::cdist(y, y).mean() + error(y); });
  add("xlogy at zero", [=](const at::Tensor& y, bool bad) {
    auto count = torch::relu(y.detach()) * (bad ? 0.0 : 1.0);
    return torch::xlogy(count, torch::sigmoid(y)).mean() + error(y);
  });
  programs.push_back({"MultiheadAttention with a causal mask", attention(false)});
  programs.push_back({"MultiheadAttention with padding", attention(true)});
  programs.push_back({"missing values are marked with NaN", missing_values});
  programs.push_back({"padding holds NaN", padded_rows});
  return programs;
}

}  // namespace sonde::origins
