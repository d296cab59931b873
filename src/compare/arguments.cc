#include "compare/arguments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

namespace sonde::compare {
namespace {

// Of the same kind in all operations: they say how something is computed or held, not what.
bool is_hint(std::string_view name) {
  static constexpr std::array hints{
      "cudnn_enabled", "benchmark",     "deterministic",      "cudnn_deterministic", "allow_tf32",    "dtype",
      "layout",        "device",        "pin_memory",         "memory_format",       "non_blocking",  "copy",
      "generator",     "half_to_float", "cudnn_enable",       "output_mask",         "split_sizes_h", "implicit",
      "sparse",        "sparse_grad",   "scale_grad_by_freq", "padding_idx",         "enable_gqa"};
  return std::ranges::find(hints, name) != hints.end();
}

// An argument that does nothing unless another one switches it on.
bool is_idle(const Call& call, std::string_view name) {
  const bool training = call.flag("training") || call.flag("train") || call.flag("use_input_stats");
  if (name == "momentum") return !training;
  if (name == "p" || name == "dropout" || name == "dropout_p" || name == "inplace") return !training;
  return false;
}

bool counts_from_the_back(std::string_view name) {
  return name == "dim" || name == "dims" || name == "axis" || name == "dim0" || name == "dim1" || name == "start_dim" ||
         name == "end_dim";
}

std::optional<std::vector<double>> numbers(const c10::IValue& value) {
  if (value.isBool()) return std::vector<double>{value.toBool() ? 1.0 : 0.0};
  if (value.isScalar()) return std::vector<double>{value.toScalar().toDouble()};
  if (value.isIntList()) {
    const auto list = value.toIntVector();
    return std::vector<double>(list.begin(), list.end());
  }
  if (value.isDoubleList()) return value.toDoubleVector();
  if (value.isBoolList()) {
    std::vector<double> list;
    for (const bool one : value.toBoolList()) list.push_back(one ? 1 : 0);
    return list;
  }
  return std::nullopt;
}

// Of the first operand.
const std::vector<std::int64_t>& sizes_of(const Tape& tape, const Call& call) {
  return tape.values[static_cast<std::size_t>(call.operands.front().value)].sizes;
}

class Comparer {
 public:
  Comparer(const Tape& reference, const Item& a, const Tape& target, const Item& b)
      : reference_(reference), target_(target), a_(reference.calls[a.principal]), b_(target.calls[b.principal]) {}

  // As numbers that can be compared; nothing where the value is of another type.
  [[nodiscard]] static std::optional<std::vector<double>> normal(std::string_view name, const c10::IValue& value,
                                                                 const Tape& tape, const Call& call) {
    auto list = numbers(value);
    const bool empty = value.isNone() || (list && list->empty());
    if (name == "stride" && empty) {
      const int kernel = call.argument("kernel_size");
      if (kernel != kNone) return numbers(call.arguments[static_cast<std::size_t>(kernel)]);
    }
    // A slice without bounds, or with bounds outside, takes all.
    if (call.kind == "slice" && (name == "start" || name == "end")) {
      const int dim = call.argument("dim");
      const auto& sizes = sizes_of(tape, call);
      const auto rank = static_cast<std::int64_t>(sizes.size());
      const std::int64_t d = call.arguments[static_cast<std::size_t>(dim)].toInt();
      const auto size = static_cast<double>(sizes[static_cast<std::size_t>(d < 0 ? d + rank : d)]);
      if (empty) return std::vector<double>{name == "start" ? 0 : size};
      return std::vector<double>{std::clamp(list->front() < 0 ? list->front() + size : list->front(), 0.0, size)};
    }
    if (list && counts_from_the_back(name) && !call.operands.empty()) {
      const auto rank = static_cast<double>(sizes_of(tape, call).size());
      for (double& dim : *list)
        if (dim >= 0) dim -= rank;  // so that a batch in one dimension or in two makes no difference
      // Flattened, the last dimension is another one.
      if (call.kind.find("softmax") != std::string::npos && list->size() == 1)
        list->push_back(static_cast<double>(sizes_of(tape, call)[static_cast<std::size_t>(rank + list->front())]));
    }
    return list;
  }

  [[nodiscard]] bool same(std::string_view name, const c10::IValue& x, const c10::IValue& y) const {
    auto p = normal(name, x, reference_, a_), q = normal(name, y, target_, b_);
    if (p && q) {
      if (p->size() == 1) p->resize(q->size(), p->front());
      if (q->size() == 1) q->resize(p->size(), q->front());
      return p->size() == q->size() && std::equal(p->begin(), p->end(), q->begin(), nearly);
    }
    if (x.isString() && y.isString()) return x.toStringRef() == y.toStringRef();
    return x.isNone() && y.isNone();
  }

 private:
  // Formats hold numbers such as 1e-5 as floats; other differences are meant.
  static bool nearly(double x, double y) {
    return x == y || std::abs(x - y) <= 1e-6 * std::max(std::abs(x), std::abs(y));
  }

  const Tape& reference_;
  const Tape& target_;
  const Call& a_;
  const Call& b_;
};

// How a call reorders the dimensions of its first operand, counted from the back; without those in front that stay.
std::vector<std::int64_t> permutation(const Tape& tape, const Call& call) {
  const auto rank =
      static_cast<std::int64_t>(tape.values[static_cast<std::size_t>(call.operands.front().value)].sizes.size());
  std::vector<std::int64_t> order(static_cast<std::size_t>(rank));
  for (std::int64_t d = 0; d < rank; ++d) order[static_cast<std::size_t>(d)] = d;
  const auto from_front = [rank](std::int64_t d) { return static_cast<std::size_t>(d < 0 ? d + rank : d); };
  if (call.kind == "t" && rank == 2) {
    std::swap(order[0], order[1]);
  } else if (const int dims = call.argument("dims"); call.kind == "permute" && dims != kNone) {
    const auto list = call.arguments[static_cast<std::size_t>(dims)].toIntVector();
    for (std::size_t d = 0; d < list.size() && d < order.size(); ++d)
      order[d] = static_cast<std::int64_t>(from_front(list[d]));
  } else {
    const int x = call.argument("dim0"), y = call.argument("dim1");
    if (x != kNone && y != kNone && call.arguments[static_cast<std::size_t>(x)].isInt() &&
        call.arguments[static_cast<std::size_t>(y)].isInt())
      std::swap(order[from_front(call.arguments[static_cast<std::size_t>(x)].toInt())],
                order[from_front(call.arguments[static_cast<std::size_t>(y)].toInt())]);
  }
  std::size_t stays = 0;
  while (stays < order.size() && order[stays] == static_cast<std::int64_t>(stays)) ++stays;
  order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(stays));
  for (std::int64_t& d : order) d -= rank;
  return order;
}

}  // namespace

std::vector<ArgumentDifference> compare_arguments(const Tape& reference, const Item& a, const Tape& target,
                                                  const Item& b) {
  std::vector<ArgumentDifference> differences;
  const Call& x = reference.calls[a.principal];
  const Call& y = target.calls[b.principal];
  if (a.kind == "permute") {
    if (x.operands.empty() || y.operands.empty()) return differences;
    const auto p = permutation(reference, x), q = permutation(target, y);
    if (p != q) differences.push_back({"dims", c10::IValue(p), c10::IValue(q), kNone, false});
    return differences;
  }
  const Comparer comparer(reference, a, target, b);
  const auto& schema = x.schema().arguments();
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const std::string& name = schema[i].name();
    const int index = y.argument(name);
    if (index == kNone || is_hint(name)) continue;
    const bool tensor = x.operand(static_cast<int>(i)) != kNone || y.operand(index) != kNone;
    if (tensor || (is_idle(x, name) && is_idle(y, name))) continue;
    const c10::IValue& mine = x.arguments[i];
    const c10::IValue& yours = y.arguments[static_cast<std::size_t>(index)];
    const bool tensors = mine.isTensor() || yours.isTensor() || mine.isTensorList() || mine.isOptionalTensorList();
    if (tensors || comparer.same(name, mine, yours)) continue;
    ArgumentDifference difference{name, mine, yours, index};
    difference.training_mode = name == "training" || name == "train" || name == "use_input_stats";
    differences.push_back(std::move(difference));
  }
  return differences;
}

std::string signature(const Tape& tape, const Item& item) {
  const Call& call = tape.calls[item.principal];
  std::string text;
  if (item.kind == "permute") {
    for (const std::int64_t d : permutation(tape, call)) text += std::to_string(d) + ",";
    return text;
  }
  const auto& schema = call.schema().arguments();
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const c10::IValue& value = call.arguments[i];
    if (is_hint(schema[i].name()) || is_idle(call, schema[i].name()) || value.isTensor() || value.isTensorList() ||
        value.isOptionalTensorList() || call.operand(static_cast<int>(i)) != kNone)
      continue;
    text += schema[i].name() + "=";
    if (const auto list = Comparer::normal(schema[i].name(), value, tape, call))
      for (const double x : *list) text += std::to_string(x) + ",";
    else
      text += text_of(value);
    text += ";";
  }
  return text;
}

std::string text_of(const c10::IValue& value) {
  const auto number = [](double x) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.6g", x);
    return std::string(text.data());
  };
  if (value.isNone()) return "none";
  if (value.isBool()) return value.toBool() ? "true" : "false";
  if (value.isString()) return value.toStringRef();
  if (value.isScalar()) return number(value.toScalar().toDouble());
  if (const auto list = numbers(value)) {
    std::string text = "[";
    for (const double x : *list) text += (text.size() > 1 ? ", " : "") + number(x);
    return text + "]";
  }
  return value.tagKind();
}

}  // namespace sonde::compare
