#include "compare/items.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string_view>
#include <unordered_map>

namespace sonde::compare {
namespace {

bool is_dropout(const Call& call) { return call.kind.find("dropout") != std::string::npos; }

// The elements come out as they went in, in the same order.
bool is_transparent(const Call& call) {
  if (call.identity && !is_dropout(call)) return true;
  static const std::set<std::string_view> kinds{
      "view",          "reshape",       "flatten",        "unflatten",  "squeeze",
      "unsqueeze",     "_unsafe_view",  "_reshape_alias", "view_as",    "reshape_as",
      "detach",        "alias",         "clone",          "contiguous", "to",
      "_to_copy",      "expand",        "expand_as",      "lift_fresh", "type_as",
      "float",         "double",        "half",           "bfloat16",   "identity",
      "requires_grad", "_reshape_copy", "positive",       "lift",       "copy"};
  return kinds.contains(call.kind);
}

const std::unordered_map<std::string, std::string>& canonical_names() {
  static const std::unordered_map<std::string, std::string> names{
      {"addmm", "linear"},
      {"convolution", "conv"},
      {"_convolution", "conv"},
      {"mkldnn_convolution", "conv"},
      {"thnn_conv2d", "conv2d"},
      {"native_batch_norm", "batch_norm"},
      {"_native_batch_norm_legit_no_training", "batch_norm"},
      {"_native_batch_norm_legit", "batch_norm"},
      {"native_layer_norm", "layer_norm"},
      {"native_group_norm", "group_norm"},
      {"_softmax", "softmax"},
      {"_log_softmax", "log_softmax"},
      {"max_pool2d_with_indices", "max_pool2d"},
      {"max_pool1d_with_indices", "max_pool1d"},
      {"max_pool3d_with_indices", "max_pool3d"},
      {"_adaptive_avg_pool2d", "adaptive_avg_pool2d"},
      {"t", "permute"},
      {"transpose", "permute"},
      {"movedim", "permute"},
      {"swapaxes", "permute"},
      {"mm", "matmul"},
      {"bmm", "matmul"},
      {"concat", "cat"},
      {"concatenate", "cat"},
      {"absolute", "abs"},
      {"true_divide", "div"},
      {"divide", "div"},
      {"multiply", "mul"},
      {"subtract", "sub"},
      {"special_expit", "sigmoid"},
  };
  return names;
}

double number(const Call& call, std::string_view name, double otherwise) {
  const int index = call.argument(name);
  if (index == kNone) return otherwise;
  const c10::IValue& value = call.arguments[static_cast<std::size_t>(index)];
  return value.isScalar() ? value.toScalar().toDouble() : otherwise;
}

bool is_constant(const Tape& tape, int value) {
  if (value == kNone) return false;
  const Value& known = tape.values[static_cast<std::size_t>(value)];
  return known.kind == Value::Kind::stored || known.kind == Value::Kind::constant ||
         (known.kind == Value::Kind::computed && tape.calls[static_cast<std::size_t>(known.call)].constant);
}

// Rectifiers are written in several ways.
std::string kind_of(const Tape& tape, const Call& call) {
  const auto name = canonical_names().find(call.kind);
  std::string kind = name == canonical_names().end() ? call.kind : name->second;
  const double infinity = std::numeric_limits<double>::infinity();
  if (kind == "clamp_min" && number(call, "min", 1) == 0) return "relu";
  if (kind == "threshold" && number(call, "threshold", 1) == 0 && number(call, "value", 1) == 0) return "relu";
  if (kind == "clamp" || kind == "hardtanh") {
    const bool hardtanh = kind == "hardtanh";
    const double low = number(call, hardtanh ? "min_val" : "min", -infinity);
    const double high = number(call, hardtanh ? "max_val" : "max", infinity);
    if (low == 0 && high == 6) return "relu6";
    if (low == 0 && high == infinity) return "relu";
    return "clamp";
  }
  // The general convolution says by its shapes what it is.
  if (kind == "conv" && call.operands.size() > 1) {
    const auto dimensions = tape.values[static_cast<std::size_t>(call.operands[1].value)].sizes.size();
    return (call.flag("transposed") ? "conv_transpose" : "conv") + std::to_string(dimensions - 2) + "d";
  }
  return kind;
}

class Builder {
 public:
  explicit Builder(const Tape& tape) : tape_(tape) {}

  std::vector<Item> build() {
    std::size_t begin = 0;
    for (std::size_t c = 0; c < tape_.calls.size(); ++c) {
      const Call& call = tape_.calls[c];
      if (call.constant || is_transparent(call)) continue;
      if (is_bias_of_last(c)) {
        add_bias(c);
        begin = c + 1;
        continue;
      }
      add_item(begin, c);
      begin = c + 1;
    }
    if (!items_.empty()) items_.back().end = std::max(items_.back().end, tape_.calls.size());
    name_layers();
    return std::move(items_);
  }

 private:
  void add_item(std::size_t begin, std::size_t c) {
    const Call& call = tape_.calls[c];
    Item item;
    item.kind = kind_of(tape_, call);
    item.first = begin;
    item.principal = c;
    item.end = c + 1;
    item.outputs = call.results;
    item.optional = is_dropout(call) && !call.flag("train");
    collect(item, call);
    lift_linear(item, call);
    items_.push_back(std::move(item));
  }

  void collect(Item& item, const Call& call) {
    static constexpr std::array recurrent{"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    const auto& schema = call.schema().arguments();
    for (const Operand& operand : call.operands) {
      if (!is_constant(tape_, operand.value)) {
        item.inputs.push_back(origin_of(tape_, operand.value));
        continue;
      }
      ItemParameter parameter = parameter_behind(tape_, operand.value);
      if (parameter.value == kNone) {
        item.tables.push_back(operand.value);
        continue;
      }
      const std::string& name = schema[static_cast<std::size_t>(operand.argument)].name();
      if (name == "params" && operand.element != kNone) {
        const bool biased = call.flag("has_biases", true);
        const int each = biased ? 4 : 2;
        parameter.role = std::string(recurrent[static_cast<std::size_t>(operand.element % each)]) + "_l" +
                         std::to_string(operand.element / each);
      } else {
        parameter.role = operand.element == kNone ? name : name + std::to_string(operand.element);
      }
      item.parameters.push_back(std::move(parameter));
    }
  }

  // linear, addmm and matmul with a constant: weight as outputs x inputs.
  void lift_linear(Item& item, const Call& call) {
    const auto rename = [&](const char* from, const char* to, bool turned) {
      for (ItemParameter& parameter : item.parameters)
        if (parameter.role == from) {
          parameter.role = to;
          parameter.transposed = parameter.transposed != turned;
        }
    };
    if (call.kind == "addmm") {
      const int weight = call.operand("mat2"), bias = call.operand("self");
      if (!is_constant(tape_, weight) || !is_constant(tape_, bias)) {
        item.kind = "addmm";
        return;
      }
      rename("mat2", "weight", true);
      rename("self", "bias", false);
    } else if (item.kind == "matmul") {
      const char* second = call.argument("other") != kNone ? "other" : "mat2";
      const int weight = call.operand(second);
      if (!is_constant(tape_, weight) || tape_.values[static_cast<std::size_t>(weight)].sizes.size() != 2) return;
      item.kind = "linear";
      rename(second, "weight", true);
    }
  }

  // x W + b in two calls.
  [[nodiscard]] bool is_bias_of_last(std::size_t c) const {
    const Call& call = tape_.calls[c];
    if (call.kind != "add" || items_.empty() || items_.back().kind != "linear" || number(call, "alpha", 1) != 1)
      return false;
    const Item& last = items_.back();
    const bool has_bias = std::ranges::any_of(last.parameters, [](const auto& p) { return p.role == "bias"; });
    if (has_bias || call.operands.size() != 2) return false;
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
      const int result = origin_of(tape_, call.operands[k].value), bias = call.operands[1 - k].value;
      if (!is_constant(tape_, bias) || last.outputs.empty() || result != last.outputs.front()) continue;
      const ItemParameter behind = parameter_behind(tape_, bias);
      const auto& sizes = tape_.values[static_cast<std::size_t>(last.outputs.front())].sizes;
      const auto& bias_sizes = tape_.values[static_cast<std::size_t>(bias)].sizes;
      if (behind.value != kNone && bias_sizes.size() == 1 && !sizes.empty() && bias_sizes[0] == sizes.back())
        return true;
    }
    return false;
  }

  void add_bias(std::size_t c) {
    const Call& call = tape_.calls[c];
    Item& item = items_.back();
    for (const Operand& operand : call.operands)
      if (is_constant(tape_, operand.value)) {
        ItemParameter parameter = parameter_behind(tape_, operand.value);
        parameter.role = "bias";
        item.parameters.push_back(std::move(parameter));
      }
    item.end = c + 1;
    item.outputs = call.results;
  }

  void name_layers() {
    std::string last;
    for (Item& item : items_) {
      for (const ItemParameter& parameter : item.parameters) {
        const Value& value = tape_.values[static_cast<std::size_t>(parameter.value)];
        if (value.kind != Value::Kind::stored) continue;
        last = tape_.layer_of(value.stored);
        item.owned = true;
        break;
      }
      item.layer = last;
    }
  }

  const Tape& tape_;
  std::vector<Item> items_;
};

}  // namespace

std::vector<Item> items_of(const Tape& tape) { return Builder(tape).build(); }

int origin_of(const Tape& tape, int value) {
  while (value != kNone) {
    const Value& known = tape.values[static_cast<std::size_t>(value)];
    if (known.kind != Value::Kind::computed) return value;
    const Call& call = tape.calls[static_cast<std::size_t>(known.call)];
    const bool optional = is_dropout(call) && !call.flag("train");
    // copy_(self, src) makes what src was.
    const std::size_t from = call.kind == "copy" && call.operands.size() > 1 ? 1 : 0;
    if ((!is_transparent(call) && !optional) || call.operands.empty()) return value;
    value = call.operands[from].value;
  }
  return value;
}

ItemParameter parameter_behind(const Tape& tape, int value) {
  ItemParameter found;
  while (value != kNone) {
    value = origin_of(tape, value);
    const Value& known = tape.values[static_cast<std::size_t>(value)];
    if (known.kind == Value::Kind::stored || known.kind == Value::Kind::constant) {
      found.value = value;
      return found;
    }
    if (known.kind != Value::Kind::computed) return found;
    const Call& call = tape.calls[static_cast<std::size_t>(known.call)];
    const auto& sizes = known.sizes;
    const bool turns = call.kind == "t" || ((call.kind == "transpose" || call.kind == "permute") && sizes.size() == 2);
    if (!turns || call.operands.empty()) return found;
    found.transposed = !found.transposed;
    value = call.operands.front().value;
  }
  return found;
}

}  // namespace sonde::compare
