#include <set>

#include <fmt/format.h>

#include "faults/readers.h"

namespace sonde::faults {
namespace {

const std::set<std::string> kActivations = {"ReLU", "LeakyReLU", "ELU",      "SELU",       "GELU", "Sigmoid",
                                            "Tanh", "Softplus",  "Softmax",  "LogSoftmax", "Exp",  "Log",
                                            "Sqrt", "Square",    "Hardtanh", "Identity"};
const std::set<std::string> kPooling = {"MaxPool1d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d"};

// A number for all dimensions, or a list with one for each.
Shape read_extent(Fields& fields, std::string_view key, std::size_t dimensions, std::int64_t at_least, Shape fallback) {
  const json* value = fields.find(key);
  if (value == nullptr) return fallback;
  if (!value->is_array()) return Shape(dimensions, as_whole(*value, fields.path(key), at_least));
  Shape extent = as_sizes(*value, fields.path(key), at_least);
  if (extent.size() != dimensions) {
    throw CaseError(fields.path(key), fmt::format("a number or {} of them", dimensions), describe(*value));
  }
  return extent;
}

void read_convolution(Fields& fields, LayerSpec& layer, std::size_t dimensions, bool transposed) {
  layer.in = fields.whole("in", 1);
  layer.out = fields.whole("out", 1);
  static_cast<void>(fields.need("kernel", "a whole number"));
  layer.kernel = read_extent(fields, "kernel", dimensions, 1, {});
  layer.stride = read_extent(fields, "stride", dimensions, 1, Shape(dimensions, 1));
  layer.dilation = read_extent(fields, "dilation", dimensions, 1, Shape(dimensions, 1));
  const json* padding = fields.find("padding");
  layer.same_padding = padding != nullptr && *padding == "same" && !transposed;
  layer.padding = Shape(dimensions, 0);
  if (!layer.same_padding) layer.padding = read_extent(fields, "padding", dimensions, 0, layer.padding);
  layer.groups = fields.whole_or("groups", 1, 1);
  layer.bias = fields.boolean_or("bias", true);
  if (layer.in % layer.groups != 0 || layer.out % layer.groups != 0) {
    throw CaseError(fields.path("groups"), "a divisor of in and out", std::to_string(layer.groups));
  }
  if (layer.same_padding && layer.stride != Shape(dimensions, 1)) {
    throw CaseError(fields.path("padding"), "\"same\" only with stride 1", "another stride");
  }
}

void read_pooling(Fields& fields, LayerSpec& layer, std::size_t dimensions) {
  static_cast<void>(fields.need("kernel", "a whole number"));
  layer.kernel = read_extent(fields, "kernel", dimensions, 1, {});
  layer.stride = read_extent(fields, "stride", dimensions, 1, layer.kernel);
  layer.padding = read_extent(fields, "padding", dimensions, 0, Shape(dimensions, 0));
  for (std::size_t i = 0; i < dimensions; ++i) {
    if (layer.padding[i] * 2 <= layer.kernel[i]) continue;
    throw CaseError(fields.path("padding"), "at most half of the kernel", std::to_string(layer.padding[i]));
  }
}

void read_recurrent(Fields& fields, LayerSpec& layer) {
  layer.in = fields.whole("input", 1);
  layer.out = fields.whole("hidden", 1);
  layer.layers = fields.whole_or("layers", 1, 1);
  layer.bidirectional = fields.boolean_or("bidirectional", false);
  layer.last_only = fields.choice_or("select", "all", {"last", "all"}) == "last";
}

void read_own_fields(Fields& fields, LayerSpec& layer) {
  const std::string& type = layer.type;
  if (type == "Linear") {
    layer.in = fields.whole("in", 1);
    layer.out = fields.whole("out", 1);
    layer.bias = fields.boolean_or("bias", true);
  } else if (type == "Conv1d" || type == "Conv2d" || type == "ConvTranspose2d") {
    read_convolution(fields, layer, type == "Conv1d" ? 1 : 2, type == "ConvTranspose2d");
  } else if (type == "BatchNorm1d" || type == "BatchNorm2d") {
    layer.in = fields.whole("features", 1);
    layer.eps = fields.number_or("eps", 1e-5, 0);
    layer.momentum = fields.number_or("momentum", 0.1, 0, 1);
  } else if (type == "LayerNorm") {
    const json& shape = fields.need("shape", "a size or a list of sizes");
    layer.shape = shape.is_array() ? as_sizes(shape, fields.path("shape"), 1) : Shape{fields.whole("shape", 1)};
    layer.eps = fields.number_or("eps", 1e-5, 0);
  } else if (type == "Dropout" || type == "Dropout2d") {
    layer.p = fields.number_or("p", 0.5, 0, 1);
  } else if (type == "MaxPool1d" || type == "MaxPool2d" || type == "AvgPool2d") {
    read_pooling(fields, layer, type == "MaxPool1d" ? 1 : 2);
  } else if (type == "AdaptiveAvgPool2d") {
    static_cast<void>(fields.need("output", "a whole number"));
    layer.shape = read_extent(fields, "output", 2, 1, {});
  } else if (type == "Upsample") {
    layer.scale = fields.number("scale", 1);
  } else if (type == "Reshape") {
    layer.shape = as_sizes(fields.need("shape", "a list of sizes without the batch"), fields.path("shape"), 1);
  } else if (type == "Embedding") {
    layer.in = fields.whole("num", 1);
    layer.out = fields.whole("dim", 1);
  } else if (type == "LSTM" || type == "GRU" || type == "RNN") {
    read_recurrent(fields, layer);
  } else if (type == "Residual") {
    layer.body = read_layers(fields.need("body", "a list of layers"), fields.path("body"));
  } else if (type == "Normalize") {
    layer.eps = fields.number_or("eps", 0, 0);
  } else if (type == "LeakyReLU") {
    layer.slope = fields.number_or("slope", 0.01);
  } else if (type == "Softmax" || type == "LogSoftmax") {
    layer.dim = as_whole(fields.find("dim") != nullptr ? *fields.find("dim") : json(1), fields.path("dim"), -8);
  }
}

Init read_init(const json& value, const std::string& path) {
  using Kind = Init::Kind;
  static const std::map<std::string, Kind> plain = {{"default", Kind::standard},
                                                    {"zeros", Kind::zeros},
                                                    {"xavier_uniform", Kind::xavier_uniform},
                                                    {"xavier_normal", Kind::xavier_normal},
                                                    {"kaiming_uniform", Kind::kaiming_uniform},
                                                    {"kaiming_normal", Kind::kaiming_normal}};
  if (value.is_string()) {
    const auto found = plain.find(value.get<std::string>());
    if (found != plain.end()) return {found->second};
  }
  if (!value.is_object() || value.size() != 1) {
    throw CaseError(path,
                    "default, zeros, {constant: v}, {normal: [mean, std]}, {uniform: [a, b]}, or xavier_ or "
                    "kaiming_ with uniform or normal",
                    describe(value));
  }
  Fields fields(value, path);
  if (fields.find("constant") != nullptr) return {Kind::constant, fields.number("constant")};
  const bool normal = fields.find("normal") != nullptr;
  const std::string key = normal ? "normal" : "uniform";
  const std::vector<double> numbers = as_numbers(fields.need(key, "two numbers"), fields.path(key));
  fields.done();
  if (numbers.size() != 2 || (normal ? numbers[1] < 0 : numbers[1] < numbers[0])) {
    throw CaseError(fields.path(key), normal ? "[mean, standard deviation]" : "[low, high]", describe(value));
  }
  return {normal ? Kind::normal : Kind::uniform, numbers[0], numbers[1]};
}

void read_inits(Fields& fields, LayerSpec& layer) {
  const json* value = fields.find("init");
  if (value == nullptr) return;
  static const std::set<std::string> parametrised = {"Linear",      "Conv1d",      "Conv2d",    "ConvTranspose2d",
                                                     "BatchNorm1d", "BatchNorm2d", "LayerNorm", "Embedding",
                                                     "LSTM",        "GRU",         "RNN"};
  if (!parametrised.contains(layer.type)) {
    throw CaseError(fields.path("init"), "no init: " + layer.type + " has no parameters", describe(*value));
  }
  Fields inits(*value, fields.path("init"));
  for (const char* parameter : {"weight", "bias"}) {
    const json* init = inits.find(parameter);
    if (init == nullptr) continue;
    const Init read = read_init(*init, inits.path(parameter));
    const bool matrix = std::string(parameter) == "weight" && layer.type.find("Norm") == std::string::npos;
    if (!matrix && read.kind >= Init::Kind::xavier_uniform) {
      throw CaseError(inits.path(parameter), "an initialiser that does with one dimension", describe(*init));
    }
    if (std::string(parameter) == "bias" && (!layer.bias || layer.type == "Embedding")) {
      throw CaseError(inits.path(parameter), "no init of the bias that the layer does not have", describe(*init));
    }
    layer.init.emplace(parameter, read);
  }
  inits.done();
}

}  // namespace

std::vector<LayerSpec> read_layers(const json& value, const std::string& path) {
  if (!value.is_array() || value.empty()) throw CaseError(path, "a list of layers", describe(value));
  std::vector<LayerSpec> layers;
  std::set<std::string> names;
  for (std::size_t i = 0; i < value.size(); ++i) {
    Fields fields(value[i], path + "/" + std::to_string(i));
    LayerSpec layer;
    layer.path = fields.path();
    layer.type = fields.choice("type", {"Linear",
                                        "Conv1d",
                                        "Conv2d",
                                        "ConvTranspose2d",
                                        "BatchNorm1d",
                                        "BatchNorm2d",
                                        "LayerNorm",
                                        "Dropout",
                                        "Dropout2d",
                                        "MaxPool1d",
                                        "MaxPool2d",
                                        "AvgPool2d",
                                        "AdaptiveAvgPool2d",
                                        "Upsample",
                                        "Flatten",
                                        "Reshape",
                                        "Embedding",
                                        "LSTM",
                                        "GRU",
                                        "RNN",
                                        "Residual",
                                        "Normalize",
                                        "ReLU",
                                        "LeakyReLU",
                                        "ELU",
                                        "SELU",
                                        "GELU",
                                        "Sigmoid",
                                        "Tanh",
                                        "Softplus",
                                        "Softmax",
                                        "LogSoftmax",
                                        "Exp",
                                        "Log",
                                        "Sqrt",
                                        "Square",
                                        "Hardtanh",
                                        "Identity"});
    layer.name = fields.text("name");
    if (layer.name.empty() || layer.name.find('.') != std::string::npos || !names.insert(layer.name).second) {
      throw CaseError(fields.path("name"), "a name of its own, not empty and without a dot", "\"" + layer.name + "\"");
    }
    const bool may_be_functional = kActivations.contains(layer.type) || kPooling.contains(layer.type) ||
                                   layer.type == "Dropout" || layer.type == "Dropout2d";
    if (may_be_functional) layer.functional = fields.boolean_or("functional", false);
    read_own_fields(fields, layer);
    read_inits(fields, layer);
    fields.done();
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace sonde::faults
