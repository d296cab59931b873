// ONNX models made in a test, as the reader gives them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "compare/onnx/runner.h"
#include "formats/onnx.h"

namespace sonde::compare::onnx {

using formats::onnx::Attribute;

inline Attribute named(std::string name, Attribute::Kind kind) {
  Attribute attribute;
  attribute.name = std::move(name);
  attribute.kind = kind;
  return attribute;
}
inline Attribute integer(std::string name, std::int64_t value) {
  Attribute attribute = named(std::move(name), Attribute::Kind::integer);
  attribute.integer = value;
  return attribute;
}
inline Attribute real(std::string name, float value) {
  Attribute attribute = named(std::move(name), Attribute::Kind::real);
  attribute.real = value;
  return attribute;
}
inline Attribute text(std::string name, std::string value) {
  Attribute attribute = named(std::move(name), Attribute::Kind::text);
  attribute.text = std::move(value);
  return attribute;
}
inline Attribute integers(std::string name, std::vector<std::int64_t> values) {
  Attribute attribute = named(std::move(name), Attribute::Kind::integers);
  attribute.integers = std::move(values);
  return attribute;
}

// A tensor of float32 as an initializer.
inline formats::Array initializer(std::string name, const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kFloat).contiguous();
  formats::Array array{.name = std::move(name), .dtype = formats::DType::float32, .shape = values.sizes().vec()};
  array.bytes = formats::Bytes::own(std::string(static_cast<const char*>(values.data_ptr()), values.nbytes()));
  return array;
}

class ModelBuilder {
 public:
  explicit ModelBuilder(std::int64_t opset = 17) { model_.operator_sets = {{"", opset}}; }

  ModelBuilder& input(std::string name, std::vector<std::int64_t> shape = {},
                      formats::DType dtype = formats::DType::float32) {
    formats::onnx::Value value{.name = std::move(name), .dtype = dtype};
    if (!shape.empty()) value.shape = std::move(shape);
    model_.graph.inputs.push_back(std::move(value));
    return *this;
  }
  ModelBuilder& weight(std::string name, const at::Tensor& tensor) {
    model_.graph.initializers.push_back(initializer(std::move(name), tensor));
    return *this;
  }
  ModelBuilder& node(std::string operation, std::vector<std::string> inputs, std::vector<std::string> outputs,
                     std::vector<Attribute> attributes = {}) {
    formats::onnx::Node node{
        .name = "the_" + operation, .operation = operation, .inputs = std::move(inputs), .outputs = std::move(outputs)};
    node.attributes = std::move(attributes);
    model_.graph.nodes.push_back(std::move(node));
    return *this;
  }
  formats::onnx::Model output(std::string name) {
    model_.graph.outputs.push_back({.name = std::move(name)});
    return model_;
  }

 private:
  formats::onnx::Model model_;
};

}  // namespace sonde::compare::onnx
