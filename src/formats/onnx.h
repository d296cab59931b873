// ONNX models: the graph, its attributes and its tensors as the file has them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/array.h"

namespace sonde::formats::onnx {

struct Graph;

// The one field that `kind` names is set.
struct Attribute {
  enum class Kind : std::uint8_t { none, real, integer, text, tensor, graph, reals, integers, texts, tensors, graphs };

  std::string name = {};
  Kind kind = Kind::none;  // none: of a kind that is not read (types, sparse tensors)
  float real = 0;
  std::int64_t integer = 0;
  std::string text = {};
  std::vector<float> reals = {};
  std::vector<std::int64_t> integers = {};
  std::vector<std::string> texts = {};
  std::vector<Array> tensors = {};  // also of the kind tensor: one
  std::vector<Graph> graphs;        // also of the kind graph: one
  std::string refers_to = {};       // in a function: the function's attribute whose value this is
};

struct Node {
  std::string name = {};  // may be empty
  std::string operation = {};
  std::string domain = {};                // "" is ONNX's own
  std::vector<std::string> inputs = {};   // "" where an optional one is left out
  std::vector<std::string> outputs = {};  // likewise
  std::vector<Attribute> attributes = {};
};

// An input or output. A size that the file leaves open is -1.
struct Value {
  std::string name = {};
  std::optional<DType> dtype = {};
  std::optional<std::vector<std::int64_t>> shape = {};
};

struct Graph {
  std::string name = {};
  std::vector<Node> nodes = {};  // in an order in which they can be run
  std::vector<Array> initializers = {};
  std::vector<Value> inputs = {};  // in files of IR versions below 4 with the initializers among them
  std::vector<Value> outputs = {};
};

// An operator that the file itself defines.
struct Function {
  std::string name = {};
  std::string domain = {};
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
  std::vector<Node> nodes = {};
  std::vector<Attribute> defaults = {};  // of its attributes
};

struct OperatorSet {
  std::string domain = {};
  std::int64_t version = 0;
};

struct Model {
  std::int64_t ir_version = 0;
  std::string producer = {};  // "pytorch 2.1.0"
  std::vector<OperatorSet> operator_sets = {};
  std::vector<Function> functions = {};
  Graph graph = {};
};

// Whether the bytes could be a model: its fields are those of one.
[[nodiscard]] bool is_onnx(const Bytes& file) noexcept;

// Tensors kept in files of their own are looked for in `folder`, and nowhere else; if it is empty they are refused.
// Throws FormatError: what was got and wanted, and in which tensor.
[[nodiscard]] Model read_onnx(const Bytes& file, const std::filesystem::path& folder);

}  // namespace sonde::formats::onnx
