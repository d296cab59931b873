#include "formats/onnx.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>

#include "formats/error.h"
#include "formats/onnx_external.h"
#include "formats/onnx_tensor.h"
#include "formats/onnx_value.h"

namespace sonde::formats::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using Kind = Attribute::Kind;

// Field numbers, by onnx.proto.
namespace model {
enum { ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8, functions = 25 };
}
namespace operator_set {
enum { domain = 1, version = 2 };
}
namespace graph {
enum { node = 1, name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15 };
}
namespace node {
enum { input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7 };
}
namespace attribute {
enum {
  name = 1,
  f = 2,
  i = 3,
  s = 4,
  t = 5,
  g = 6,
  floats = 7,
  ints = 8,
  strings = 9,
  tensors = 10,
  graphs = 11,
  type = 20,
  ref = 21
};
}
namespace function {
enum { name = 1, input = 4, output = 5, node = 7, domain = 10, attribute = 11 };
}
constexpr auto kVarint = pbf_wire_type::varint;
constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr auto kFixed32 = pbf_wire_type::fixed32;

// Subgraphs are read by recursion.
constexpr int kDeepest = 32;
// Structs are larger than the messages they come from can be; real models have some ten thousand.
constexpr std::size_t kMostStructs = std::size_t{1} << 20;

// AttributeProto.AttributeType.
Kind kind_numbered(std::int32_t number) {
  constexpr Kind kinds[] = {Kind::none,  Kind::real,     Kind::integer, Kind::text,    Kind::tensor, Kind::graph,
                            Kind::reals, Kind::integers, Kind::texts,   Kind::tensors, Kind::graphs};
  return number >= 0 && static_cast<std::size_t>(number) < std::size(kinds) ? kinds[number] : Kind::none;
}

class Reader {
 public:
  Reader(const Bytes& file, const std::filesystem::path& folder) : file_(file), external_(folder) {}

  Model read() {
    Model result;
    bool has_graph = false;
    std::string version;
    pbf_reader message(file_.text().data(), file_.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(model::ir_version, kVarint):
          result.ir_version = message.get_int64();
          break;
        case tag_and_type(model::producer_name, kBytes):
          result.producer = message.get_string();
          break;
        case tag_and_type(model::producer_version, kBytes):
          version = message.get_string();
          break;
        case tag_and_type(model::graph, kBytes):
          if (std::exchange(has_graph, true)) throw FormatError("has two graphs, wanted one");
          result.graph = graph_of(message.get_message(), 0);
          break;
        case tag_and_type(model::opset_import, kBytes):
          result.operator_sets.push_back(operator_set_of(message.get_message()));
          break;
        case tag_and_type(model::functions, kBytes):
          result.functions.push_back(function_of(message.get_message()));
          break;
        default:
          message.skip();
      }
    }
    if (!has_graph) throw FormatError("got no graph, wanted an ONNX model");
    if (!version.empty()) result.producer += " " + version;
    return result;
  }

 private:
  void count() {
    if (++structs_ > kMostStructs)
      throw FormatError(fmt::format("has more than {} nodes, attributes and values", kMostStructs));
  }

  OperatorSet operator_set_of(pbf_reader message) {
    count();
    OperatorSet result;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(operator_set::domain, kBytes):
          result.domain = domain(message.get_string());
          break;
        case tag_and_type(operator_set::version, kVarint):
          result.version = message.get_int64();
          break;
        default:
          message.skip();
      }
    }
    return result;
  }

  static std::string domain(std::string name) { return name == "ai.onnx" ? std::string() : std::move(name); }

  Graph graph_of(pbf_reader message, int depth) {
    if (depth > kDeepest) throw FormatError(fmt::format("has graphs within graphs deeper than {}", kDeepest));
    count();
    Graph result;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(graph::node, kBytes):
          result.nodes.push_back(node_of(message.get_message(), depth));
          break;
        case tag_and_type(graph::name, kBytes):
          result.name = message.get_string();
          break;
        case tag_and_type(graph::initializer, kBytes):
          result.initializers.push_back(tensor_of(message));
          break;
        case tag_and_type(graph::input, kBytes):
          result.inputs.push_back(counted_value(message));
          break;
        case tag_and_type(graph::output, kBytes):
          result.outputs.push_back(counted_value(message));
          break;
        case tag_and_type(graph::sparse_initializer, kBytes):
          throw FormatError("has a sparse tensor, wanted dense ones");
        default:
          message.skip();
      }
    }
    return result;
  }

  Array tensor_of(pbf_reader& message) {
    count();
    return read_tensor(message.get_view(), file_, external_);
  }

  Node node_of(pbf_reader message, int depth) {
    count();
    Node result;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(node::input, kBytes):
          add_name(result.inputs, message);
          break;
        case tag_and_type(node::output, kBytes):
          add_name(result.outputs, message);
          break;
        case tag_and_type(node::name, kBytes):
          result.name = message.get_string();
          break;
        case tag_and_type(node::op_type, kBytes):
          result.operation = message.get_string();
          break;
        case tag_and_type(node::domain, kBytes):
          result.domain = domain(message.get_string());
          break;
        case tag_and_type(node::attribute, kBytes):
          result.attributes.push_back(attribute_of(message.get_message(), depth));
          break;
        default:
          message.skip();
      }
    }
    return result;
  }

  void add_name(std::vector<std::string>& names, pbf_reader& message) {
    count();
    names.push_back(message.get_string());
  }

  Attribute attribute_of(pbf_reader message, int depth) {
    count();
    Attribute result;
    Kind seen = Kind::none;  // files of the first IR versions do not say the kind
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(attribute::name, kBytes):
          result.name = message.get_string();
          break;
        case tag_and_type(attribute::ref, kBytes):
          result.refers_to = message.get_string();
          break;
        case tag_and_type(attribute::type, kVarint):
          result.kind = kind_numbered(message.get_enum());
          break;
        default:
          seen = std::max(seen, attribute_value(result, message, depth));
      }
    }
    if (result.kind == Kind::none) result.kind = seen;
    if ((result.kind == Kind::tensor && result.tensors.size() != 1 && result.refers_to.empty()) ||
        (result.kind == Kind::graph && result.graphs.size() != 1 && result.refers_to.empty()))
      throw FormatError(fmt::format("attribute {} is without its value", in_quotes(result.name)));
    return result;
  }

  // The kind that the field is of.
  Kind attribute_value(Attribute& result, pbf_reader& message, int depth) {
    switch (message.tag_and_type()) {
      case tag_and_type(attribute::f, kFixed32):
        result.real = message.get_float();
        return Kind::real;
      case tag_and_type(attribute::i, kVarint):
        result.integer = message.get_int64();
        return Kind::integer;
      case tag_and_type(attribute::s, kBytes):
        result.text = message.get_string();
        return Kind::text;
      case tag_and_type(attribute::t, kBytes):
        result.tensors.push_back(tensor_of(message));
        return Kind::tensor;
      case tag_and_type(attribute::g, kBytes):
        result.graphs.push_back(graph_of(message.get_message(), depth + 1));
        return Kind::graph;
      case tag_and_type(attribute::floats, kFixed32):
        result.reals.push_back(message.get_float());
        return Kind::reals;
      case tag_and_type(attribute::floats, kBytes):
        for (const float number : message.get_packed_float()) result.reals.push_back(number);
        return Kind::reals;
      case tag_and_type(attribute::ints, kVarint):
        result.integers.push_back(message.get_int64());
        return Kind::integers;
      case tag_and_type(attribute::ints, kBytes):
        for (const std::int64_t number : message.get_packed_int64()) result.integers.push_back(number);
        return Kind::integers;
      case tag_and_type(attribute::strings, kBytes):
        add_name(result.texts, message);
        return Kind::texts;
      case tag_and_type(attribute::tensors, kBytes):
        result.tensors.push_back(tensor_of(message));
        return Kind::tensors;
      case tag_and_type(attribute::graphs, kBytes):
        result.graphs.push_back(graph_of(message.get_message(), depth + 1));
        return Kind::graphs;
      default:
        message.skip();
        return Kind::none;
    }
  }

  Value counted_value(pbf_reader& message) {
    count();
    return read_value(message.get_message());
  }

  Function function_of(pbf_reader message) {
    count();
    Function result;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(function::name, kBytes):
          result.name = message.get_string();
          break;
        case tag_and_type(function::domain, kBytes):
          result.domain = domain(message.get_string());
          break;
        case tag_and_type(function::input, kBytes):
          add_name(result.inputs, message);
          break;
        case tag_and_type(function::output, kBytes):
          add_name(result.outputs, message);
          break;
        case tag_and_type(function::attribute, kBytes):
          result.defaults.push_back(attribute_of(message.get_message(), 0));
          break;
        case tag_and_type(function::node, kBytes):
          result.nodes.push_back(node_of(message.get_message(), 0));
          break;
        default:
          message.skip();
      }
    }
    return result;
  }

  const Bytes& file_;
  ExternalData external_;
  std::size_t structs_ = 0;
};

}  // namespace

bool is_onnx(const Bytes& file) noexcept {
  try {
    bool graph = false;
    pbf_reader message(file.text().data(), file.size());
    while (message.next()) {
      graph = graph || (message.tag() == model::graph && message.wire_type() == kBytes);
      message.skip();
    }
    return graph;
  } catch (const protozero::exception&) { return false; }
}

Model read_onnx(const Bytes& file, const std::filesystem::path& folder) {
  try {
    return Reader(file, folder).read();
  } catch (const protozero::exception& error) {
    throw FormatError(fmt::format("got damaged protocol buffers ({}), wanted an ONNX model", error.what()));
  }
}

}  // namespace sonde::formats::onnx
