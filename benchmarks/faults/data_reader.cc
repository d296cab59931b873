#include <cmath>

#include <fmt/format.h>

#include "faults/readers.h"

namespace sonde::faults {
namespace {

std::array<double, 2> read_pair(const json& value, const std::string& path) {
  const std::vector<double> numbers = as_numbers(value, path);
  if (numbers.size() != 2 || !(numbers[0] <= numbers[1])) throw CaseError(path, "[low, high]", describe(value));
  return {numbers[0], numbers[1]};
}

Rescale read_rescale(Fields& fields, std::string_view key) {
  const json* value = fields.find(key);
  if (value == nullptr) return {};
  if (*value == "standard") return {Rescale::Kind::standard, {}};
  if (!value->is_array() || value->empty()) {
    throw CaseError(fields.path(key), "[low, high], one such pair a feature, \"standard\" or null", describe(*value));
  }
  if (!value->front().is_array()) return {Rescale::Kind::overall, {read_pair(*value, fields.path(key))}};
  Rescale rescale{Rescale::Kind::by_feature, {}};
  for (std::size_t i = 0; i < value->size(); ++i) {
    rescale.bounds.push_back(read_pair((*value)[i], fields.path(key) + "/" + std::to_string(i)));
  }
  return rescale;
}

void read_digits(Fields& fields, DataSpec& data) {
  data.size = fields.whole_or("size", 8, 1);
  if (data.size != 8 && data.size != 16 && data.size != 28 && data.size != 32) {
    throw CaseError(fields.path("size"), "8, 16, 28 or 32", std::to_string(data.size));
  }
  data.channels = fields.whole_or("channels", 1, 1);
  if (data.channels != 1 && data.channels != 3) {
    throw CaseError(fields.path("channels"), "1 or 3", std::to_string(data.channels));
  }
  data.flat = fields.boolean_or("flat", false);
  data.parity = fields.find("binary") != nullptr && fields.choice("binary", {"parity"}) == "parity";
  data.classes = fields.whole_or("classes", data.parity ? 2 : 10, 2);
  if (data.classes > 10 || (data.parity && data.classes != 2)) {
    throw CaseError(fields.path("classes"), data.parity ? "2 (even and odd)" : "at most 10 digits",
                    std::to_string(data.classes));
  }
}

void read_patterns(Fields& fields, DataSpec& data) {
  data.channels = fields.whole("channels", 1);
  data.height = fields.whole("height", 1);
  data.width = fields.whole("width", 1);
  data.classes = fields.whole("classes", 1);
  data.noise = fields.number_or("noise", 0, 0);
  data.flat = fields.boolean_or("flat", false);
}

void read_function(Fields& fields, DataSpec& data) {
  data.features = fields.whole_or("features", 1, 1);
  data.outputs = fields.whole_or("outputs", 1, 1);
  data.function = fields.choice("function", {"linear", "square", "sin", "sum", "abs", "step"});
  if (const json* value = fields.find("x_range")) data.x_range = read_pair(*value, fields.path("x_range"));
  if (const json* value = fields.find("coef")) {
    data.coefficients = as_numbers(*value, fields.path("coef"));
    if (static_cast<std::int64_t>(data.coefficients.size()) != data.features) {
      throw CaseError(fields.path("coef"), fmt::format("{} numbers, one a feature", data.features), describe(*value));
    }
  }
  data.y_scale = fields.number_or("y_scale", 1);
  data.offset = fields.number_or("offset", 0);
  data.noise = fields.number_or("noise", 0, 0);
}

// Appends the numbers of a nested list and returns its shape.
Shape flatten(const json& value, const std::string& path, std::vector<double>& numbers) {
  if (!value.is_array()) {
    numbers.push_back(as_number(value, path));
    return {};
  }
  if (value.empty()) throw CaseError(path, "at least one value", "[]");
  Shape inner;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string where = path + "/" + std::to_string(i);
    const Shape shape = flatten(value[i], where, numbers);
    if (i > 0 && shape != inner) throw CaseError(where, "the same shape as the row before", describe(value[i]));
    inner = shape;
  }
  inner.insert(inner.begin(), static_cast<std::int64_t>(value.size()));
  return inner;
}

void read_table(Fields& fields, DataSpec& data) {
  Shape x = flatten(fields.need("x", "a list of rows"), fields.path("x"), data.x_rows);
  Shape y = flatten(fields.need("y", "a list of rows"), fields.path("y"), data.y_rows);
  if (x.empty() || y.empty() || x.front() != y.front()) {
    throw CaseError(fields.path("y"), "as many rows as x has", describe(fields.need("y", "rows")));
  }
  data.row_shape.assign(x.begin() + 1, x.end());
  if (data.row_shape.empty()) data.row_shape = {1};
  data.target_row_shape.assign(y.begin() + 1, y.end());
  double largest = 0;
  for (double value : data.y_rows) largest = std::max(largest, value);
  data.classes = fields.whole_or("classes", static_cast<std::int64_t>(largest) + 1, 1);
}

void read_generator(Fields& fields, DataSpec& data) {
  const std::string& name = data.generator;
  if (name == "digits") {
    read_digits(fields, data);
  } else if (name == "patterns") {
    read_patterns(fields, data);
  } else if (name == "blobs") {
    data.features = fields.whole("features", 1);
    data.classes = fields.whole("classes", 1);
    data.spread = fields.number_or("spread", 1, 0);
    data.distance = fields.number_or("distance", 1);
  } else if (name == "circles") {
    data.noise = fields.number_or("noise", 0, 0);
    data.factor = fields.number_or("factor", 0.5);
    data.classes = fields.whole_or("classes", 2, 2);
  } else if (name == "xor") {
    data.bits = fields.whole_or("bits", 2, 1);
    if (data.bits > 30) throw CaseError(fields.path("bits"), "at most 30", std::to_string(data.bits));
    data.classes = fields.whole_or("classes", 2, 2);
  } else if (name == "function") {
    read_function(fields, data);
  } else if (name == "series") {
    data.length = fields.whole("length", 1);
    data.y_scale = fields.number_or("y_scale", 1);
    data.noise = fields.number_or("noise", 0, 0);
  } else if (name == "tokens") {
    data.length = fields.whole("length", 1);
    data.vocab = fields.whole("vocab", 1);
    data.classes = fields.whole_or("classes", 2, 1);
    data.signal = fields.number_or("signal", 0.3, 0, 1);
    data.bag = fields.boolean_or("bag", false);
    if (data.vocab < data.classes) {
      throw CaseError(fields.path("vocab"), "at least one token a class", std::to_string(data.vocab));
    }
  } else {
    read_table(fields, data);
  }
}

void check_labels(const Fields& fields, const DataSpec& data) {
  const bool continuous = data.generator == "function" || data.generator == "series";
  const bool classes_only = data.labels == "index" || data.labels == "one_hot";
  if (continuous && (classes_only || data.labels == "multi_hot" || data.labels == "pm_one")) {
    throw CaseError(fields.path("labels"),
                    "\"real\" or \"input\": the targets of " + data.generator + " are no classes",
                    "\"" + data.labels + "\"");
  }
  const bool rows = data.generator == "table" && !data.target_row_shape.empty();
  if (data.labels == "multi_hot" && data.generator != "blobs" && !rows) {
    throw CaseError(fields.path("labels"), "multi_hot only with blobs, or a table whose y has rows of bits",
                    "generator " + data.generator);
  }
  if (rows && data.labels != "multi_hot" && data.labels != "real" && data.labels != "input") {
    throw CaseError(fields.path("labels"), "\"multi_hot\" or \"real\" with rows in y", "\"" + data.labels + "\"");
  }
  if (data.generator == "table" && !rows && data.labels != "real" && data.labels != "input") {
    for (double label : data.y_rows) {
      if (label >= 0 && label < static_cast<double>(data.classes) && std::floor(label) == label) continue;
      throw CaseError(fields.path("y"), fmt::format("class numbers 0 to {}", data.classes - 1),
                      fmt::format("{}", label));
    }
  }
  if (data.flat_labels &&
      (data.labels == "one_hot" || data.labels == "multi_hot" || data.labels == "input" || data.outputs > 1 || rows)) {
    throw CaseError(fields.path("flat_labels"), "flat labels only where a sample has one number", "more");
  }
  if (data.labels == "pm_one" && data.classes != 2) {
    throw CaseError(fields.path("labels"), "pm_one with two classes", fmt::format("{} classes", data.classes));
  }
  if (data.constant_label && classes_only && *data.constant_label >= data.classes) {
    throw CaseError(fields.path("constant_label"), fmt::format("a class below {}", data.classes),
                    std::to_string(*data.constant_label));
  }
}

}  // namespace

DataSpec read_data(const json& value, const std::string& path) {
  Fields fields(value, path);
  DataSpec data;
  data.generator = fields.choice(
      "generator", {"digits", "patterns", "blobs", "circles", "xor", "function", "series", "tokens", "table"});
  data.n = fields.whole("n", 1);
  data.seed = static_cast<std::uint32_t>(fields.whole_or("seed", 0, 0));
  data.range = read_rescale(fields, "range");
  data.target_range = read_rescale(fields, "target_range");
  data.labels = fields.choice("labels", {"index", "one_hot", "zero_one", "pm_one", "real", "multi_hot", "input"});
  if (fields.find("constant_label") != nullptr) data.constant_label = fields.whole("constant_label", 0);
  data.shuffle_labels = fields.boolean_or("shuffle_labels", false);
  data.sorted_by_class = fields.boolean_or("sorted_by_class", false);
  data.flat_labels = fields.boolean_or("flat_labels", false);
  data.nan_fraction = fields.number_or("nan_fraction", 0, 0, 1);
  if (fields.find("imbalance") != nullptr) data.imbalance = fields.number("imbalance", 0, 1);
  if (fields.find("degrade") != nullptr) data.degrade = fields.whole("degrade", 1);
  read_generator(fields, data);
  check_labels(fields, data);
  const bool by_class = data.classes > 1 && data.generator != "xor" && data.generator != "table";
  if (data.imbalance && !by_class) {
    throw CaseError(fields.path("imbalance"), "a generator of classes", "generator " + data.generator);
  }
  fields.done();
  return data;
}

}  // namespace sonde::faults
