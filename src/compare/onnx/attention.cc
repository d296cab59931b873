#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <torch/version.h>

#include "compare/onnx/operators.h"
#include "compare/tensors.h"
#include "formats/onnx_tensor.h"

namespace sonde::compare::onnx {
namespace {

namespace input {
enum : std::size_t { query, key, value, mask, past_key, past_value, lengths };
}
namespace output {
enum : std::size_t { y, present_key, present_value, scores };
}

struct Heads {
  at::Tensor query;  // (batch, heads, queries, size)
  at::Tensor key;    // (batch, heads, keys, size), with what was kept of earlier steps
  at::Tensor value;
  std::int64_t past = 0;  // keys of earlier steps
};

// (batch, length, heads * size) to (batch, heads, length, size).
at::Tensor split_heads(const Call& call, const at::Tensor& x, const char* heads) {
  if (x.dim() == 4) return x;
  const std::int64_t count = call.integer(heads);
  if (x.dim() != 3 || count < 1 || x.size(2) % count != 0)
    call.fail("a tensor of " + std::to_string(x.dim()) + " dimensions for " + std::to_string(count) + " heads");
  return x.reshape({x.size(0), x.size(1), count, x.size(2) / count}).transpose(1, 2);
}

Heads heads_of(const Call& call) {
  Heads heads{split_heads(call, call.in(input::query), "q_num_heads"),
              split_heads(call, call.in(input::key), "kv_num_heads"),
              split_heads(call, call.in(input::value), "kv_num_heads")};
  if (call.has(input::past_key)) {
    heads.past = call.in(input::past_key).size(2);
    heads.key = at::cat({call.in(input::past_key), heads.key}, 2);
    heads.value = at::cat({call.in(input::past_value), heads.value}, 2);
  }
  return heads;
}

// Which keys a query may attend by its place: (batch or 1, 1, queries, keys) of bool; undefined if all.
at::Tensor allowed(const Call& call, const Heads& heads) {
  const bool causal = call.flag("is_causal");
  const std::int64_t left = call.integer("left_window_size", -1);
  const std::int64_t right = call.integer("right_window_size", -1);
  const bool lengths = call.has(input::lengths);
  if (!causal && left < 0 && right < 0 && !lengths) return {};
  const std::int64_t queries = heads.query.size(2);
  const at::Tensor keys = at::arange(heads.key.size(2), at::kLong);
  at::Tensor before = at::full({1, 1, 1, 1}, heads.past, at::TensorOptions(at::kLong));
  at::Tensor result = at::ones({1, 1, queries, heads.key.size(2)}, at::kBool);
  if (lengths) {
    const at::Tensor count = call.in(input::lengths).to(at::kLong).reshape({-1, 1, 1, 1});
    result = at::logical_and(result, keys.lt(count));
    before = at::sub(count, queries);
  }
  const at::Tensor place = at::add(at::arange(queries, at::kLong).reshape({1, 1, -1, 1}), before);
  if (causal) result = at::logical_and(result, keys.le(place));
  if (left >= 0) result = at::logical_and(result, keys.ge(at::sub(place, left)));
  if (right >= 0) result = at::logical_and(result, keys.le(at::add(place, right)));
  return result;
}

at::Tensor bias_of(const at::Tensor& allowed, const at::Tensor& like) {
  const auto none = at::full({}, -std::numeric_limits<double>::infinity(), like.options());
  return at::where(allowed, at::zeros({}, like.options()), none);
}

// What is added to the scores; undefined if nothing is.
at::Tensor bias(const Call& call, const Heads& heads) {
  at::Tensor sum;
  if (call.has(input::mask)) {
    const at::Tensor& mask = call.in(input::mask);
    sum = mask.scalar_type() == at::kBool ? bias_of(mask, heads.query) : mask;
    const std::int64_t missing = heads.key.size(2) - sum.size(-1);
    if (missing > 0 && sum.size(-1) > 1)
      sum = at::constant_pad_nd(sum, {0, missing}, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor by_place = allowed(call, heads);
  if (!by_place.defined()) return sum;
  const at::Tensor more = bias_of(by_place, heads.query);
  return sum.defined() ? at::add(sum, more) : more;
}

at::Tensor softmax(const Call& call, const at::Tensor& scores) {
  at::Tensor precise = scores;
  if (call.given("softmax_precision")) {
    const auto dtype = formats::onnx::dtype_numbered(static_cast<std::int32_t>(call.integer("softmax_precision")));
    if (dtype) precise = scores.to(scalar_type_of(*dtype));
  }
  const at::Tensor weights = at::softmax(precise, -1).to(scores.scalar_type());
  // A query that may attend nothing.
  const at::Tensor none = at::amax(scores, -1, true).eq(-std::numeric_limits<double>::infinity());
  return at::where(none, at::zeros({}, weights.options()), weights);
}

Tensors attention(const Call& call) {
  Heads heads = heads_of(call);
  Tensors outputs(4);
  outputs[output::present_key] = heads.key;
  outputs[output::present_value] = heads.value;
  const std::int64_t share = heads.key.size(1) > 0 ? heads.query.size(1) / heads.key.size(1) : 1;
  if (share > 1) {  // several query heads share one of the keys
    heads.key = heads.key.repeat_interleave(share, 1);
    heads.value = heads.value.repeat_interleave(share, 1);
  }
  const double scale = call.real("scale", 1 / std::sqrt(static_cast<double>(heads.query.size(3))));
  const double cap = call.real("softcap", 0);
  const at::Tensor mask = bias(call, heads);
  at::Tensor y;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
  const bool plain = cap == 0 && !mask.defined() && !call.wants(output::scores) && !call.given("softmax_precision");
  if (plain) y = at::scaled_dot_product_attention(heads.query, heads.key, heads.value, {}, 0.0, false, scale);
#endif
  if (!y.defined()) {
    const std::int64_t mode = call.integer("qk_matmul_output_mode", 0);
    const double root = std::sqrt(scale);
    at::Tensor scores = at::matmul(at::mul(heads.query, root), at::mul(heads.key, root).transpose(-2, -1));
    const auto keep = [&](std::int64_t stage) {
      if (mode == stage) outputs[output::scores] = scores;
    };
    keep(0);
    if (cap > 0) scores = at::mul(at::tanh(at::div(scores, cap)), cap);
    keep(1);
    if (mask.defined()) scores = at::add(scores, mask);
    keep(2);
    scores = softmax(call, scores);
    keep(3);
    y = at::matmul(scores, heads.value);
  }
  if (call.in(input::query).dim() == 3) y = y.transpose(1, 2).reshape({y.size(0), y.size(2), -1});
  outputs[output::y] = y;
  return outputs;
}

constexpr Operator kOperators[] = {
    {"Attention", attention},
};

}  // namespace

std::span<const Operator> attentions() { return kOperators; }

}  // namespace sonde::compare::onnx
