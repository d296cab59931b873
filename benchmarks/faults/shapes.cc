// What shape arrives where: impossible programs are refused here, by the path of the field, and not by LibTorch later.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "faults/generators.h"
#include "faults/readers.h"

namespace sonde::faults {
namespace {

// Shapes here are those of one sample: the batch dimension is left out.
std::string text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

[[noreturn]] void refuse(const LayerSpec& layer, const char* field, const std::string& expected,
                         const std::string& got) {
  throw CaseError(layer.path + "/" + field, expected, got);
}

std::int64_t product(const Shape& shape) {
  std::int64_t size = 1;
  for (std::int64_t extent : shape) size *= extent;
  return size;
}

void need_dimensions(const LayerSpec& layer, const Shape& in, std::size_t least, std::size_t most) {
  if (in.size() >= least && in.size() <= most) return;
  refuse(layer, "type",
         fmt::format("samples with {} dimensions for {}",
                     least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most), layer.type),
         "samples of shape " + text(in));
}

void need_extent(const LayerSpec& layer, const char* field, std::int64_t said, std::int64_t arrives, const Shape& in) {
  if (said == arrives) return;
  refuse(layer, field, fmt::format("{}, as samples of shape {} arrive", arrives, text(in)), fmt::format("{}", said));
}

// Convolution and pooling over the last dimensions; `channels` replaces the first.
Shape windows(const LayerSpec& layer, const Shape& in, std::int64_t channels) {
  Shape out = in;
  out[0] = channels;
  for (std::size_t i = 0; i < layer.kernel.size(); ++i) {
    std::int64_t& extent = out[i + 1];
    const std::int64_t dilation = layer.dilation.empty() ? 1 : layer.dilation[i];
    const std::int64_t reach = dilation * (layer.kernel[i] - 1) + 1;
    if (layer.same_padding) continue;
    if (layer.type == "ConvTranspose2d") {
      extent = (extent - 1) * layer.stride[i] - 2 * layer.padding[i] + reach;
    } else if (extent + 2 * layer.padding[i] < reach) {
      refuse(layer, "kernel", fmt::format("a window that fits into {}", text(in)), fmt::format("{}", layer.kernel[i]));
    } else {
      extent = (extent + 2 * layer.padding[i] - reach) / layer.stride[i] + 1;
    }
    if (extent < 1) refuse(layer, "padding", "an output of at least one element", fmt::format("{}", extent));
  }
  return out;
}

Shape through_layers(const std::vector<LayerSpec>& layers, Shape shape);

Shape through_recurrent(const LayerSpec& layer, const Shape& in) {
  need_dimensions(layer, in, 2, 2);
  need_extent(layer, "input", layer.in, in.back(), in);
  const std::int64_t width = layer.out * (layer.bidirectional ? 2 : 1);
  return layer.last_only ? Shape{width} : Shape{in.front(), width};
}

Shape through(const LayerSpec& layer, const Shape& in) {
  const std::string& type = layer.type;
  Shape out = in;
  if (type == "Linear") {
    need_extent(layer, "in", layer.in, in.back(), in);
    out.back() = layer.out;
  } else if (type == "Conv1d" || type == "Conv2d" || type == "ConvTranspose2d") {
    need_dimensions(layer, in, layer.kernel.size() + 1, layer.kernel.size() + 1);
    need_extent(layer, "in", layer.in, in.front(), in);
    out = windows(layer, in, layer.out);
  } else if (type == "BatchNorm1d" || type == "BatchNorm2d") {
    const bool images = type == "BatchNorm2d";
    need_dimensions(layer, in, images ? 3 : 1, images ? 3 : 2);
    need_extent(layer, "features", layer.in, in.front(), in);
  } else if (type == "LayerNorm") {
    const std::size_t known = layer.shape.size();
    if (known > in.size() || !std::equal(layer.shape.begin(), layer.shape.end(), in.end() - static_cast<long>(known))) {
      refuse(layer, "shape", "the last sizes of " + text(in), text(layer.shape));
    }
  } else if (type == "MaxPool1d" || type == "MaxPool2d" || type == "AvgPool2d") {
    need_dimensions(layer, in, layer.kernel.size() + 1, layer.kernel.size() + 1);
    out = windows(layer, in, in.front());
  } else if (type == "AdaptiveAvgPool2d") {
    need_dimensions(layer, in, 3, 3);
    out = {in.front(), layer.shape[0], layer.shape[1]};
  } else if (type == "Dropout2d") {
    need_dimensions(layer, in, 3, 3);
  } else if (type == "Upsample") {
    need_dimensions(layer, in, 2, 4);
    for (std::size_t i = 1; i < out.size(); ++i) {
      out[i] = static_cast<std::int64_t>(static_cast<double>(in[i]) * layer.scale);
    }
  } else if (type == "Flatten") {
    out = {product(in)};
  } else if (type == "Reshape") {
    if (product(layer.shape) != product(in)) {
      refuse(layer, "shape", fmt::format("{} elements, as in {}", product(in), text(in)), text(layer.shape));
    }
    out = layer.shape;
  } else if (type == "Embedding") {
    out.push_back(layer.out);
  } else if (type == "LSTM" || type == "GRU" || type == "RNN") {
    out = through_recurrent(layer, in);
  } else if (type == "Residual") {
    out = through_layers(layer.body, in);
    if (out != in) refuse(layer, "body", "layers that give back the shape " + text(in), text(out));
  } else if (type == "Softmax" || type == "LogSoftmax") {
    const auto dimensions = static_cast<std::int64_t>(in.size()) + 1;
    if (layer.dim >= dimensions || layer.dim < -dimensions) {
      refuse(layer, "dim", fmt::format("a dimension in [{}, {}]", -dimensions, dimensions - 1),
             std::to_string(layer.dim));
    }
  }
  return out;
}

Shape through_layers(const std::vector<LayerSpec>& layers, Shape shape) {
  for (const LayerSpec& layer : layers) shape = through(layer, shape);
  return shape;
}

bool broadcasts(const Shape& a, const Shape& b) {
  for (std::size_t i = 1; i <= std::min(a.size(), b.size()); ++i) {
    const std::int64_t x = a[a.size() - i], y = b[b.size() - i];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

// Value ranges and the deliberate broadcast of (N) against (N, 1) are the program's business; what LibTorch would
// refuse on every step is not.
void check_loss(const Program& program, const Shape& output) {
  const Shape target = target_shape(program.data);
  const bool indices = program.data.labels == "index";
  const std::string& type = program.loss.type;
  const auto refuse_loss = [&](const std::string& expected) {
    throw CaseError(
        "/loss/type", expected,
        fmt::format("{} of outputs {} with {} labels {}", type, text(output), program.data.labels, text(target)));
  };
  if (type == "cross_entropy" && !indices) {
    if (output != target) refuse_loss("index labels, or labels of the output's shape,");
  } else if (type == "cross_entropy" || type == "nll" || type == "scce_probs") {
    if (!indices || output.size() != 1) refuse_loss("index labels and one score a class");
  } else if (type == "bce" || type == "bce_logits") {
    if (output != target) refuse_loss("labels of the output's shape");
  } else {
    Shape with_batch_a = output, with_batch_b = target;
    const std::int64_t batch = std::min(program.batch_size, program.data.n);
    with_batch_a.insert(with_batch_a.begin(), batch);
    with_batch_b.insert(with_batch_b.begin(), batch);
    if (!broadcasts(with_batch_a, with_batch_b)) refuse_loss("labels that go with the outputs element by element");
  }
}

void check_data(const Program& program) {
  const DataSpec& data = program.data;
  const Shape sample = sample_shape(data);
  if (data.range.kind == Rescale::Kind::by_feature &&
      static_cast<std::int64_t>(data.range.bounds.size()) != product(sample)) {
    throw CaseError("/data/range", fmt::format("{} pairs, one a feature", product(sample)),
                    fmt::format("{}", data.range.bounds.size()));
  }
  const Shape target = target_shape(data);
  if (data.target_range.kind == Rescale::Kind::by_feature &&
      static_cast<std::int64_t>(data.target_range.bounds.size()) != product(target)) {
    throw CaseError("/data/target_range", fmt::format("{} pairs, one a target", product(target)),
                    fmt::format("{}", data.target_range.bounds.size()));
  }
  if (data.degrade > 1 && (sample.size() != 3 || sample[1] % data.degrade != 0 || sample[2] % data.degrade != 0)) {
    throw CaseError("/data/degrade", "images whose sides it divides", text(sample));
  }
  if (!has_embedding(program.model)) return;
  const bool tokens = (data.generator == "tokens" && !data.bag) || data.generator == "table";
  if (!tokens || data.range.kind != Rescale::Kind::none || data.nan_fraction > 0) {
    throw CaseError("/data/generator", "whole numbers as they are, for an Embedding", data.generator);
  }
}

void check_names(const Program& program) {
  std::vector<std::string> named = program.loop.freeze;
  named.insert(named.end(), program.loop.unregistered.begin(), program.loop.unregistered.end());
  if (program.loop.optimizer_only) {
    named.insert(named.end(), program.loop.optimizer_only->begin(), program.loop.optimizer_only->end());
  }
  if (program.loop.detach_after) named.push_back(*program.loop.detach_after);
  for (const std::string& name : named) {
    const bool known = std::any_of(program.model.begin(), program.model.end(),
                                   [&](const LayerSpec& layer) { return layer.name == name; });
    if (!known) throw CaseError("/loop", "names of layers of the model", "\"" + name + "\"");
  }
}

}  // namespace

bool has_embedding(const std::vector<LayerSpec>& layers) {
  return std::any_of(layers.begin(), layers.end(),
                     [](const LayerSpec& layer) { return layer.type == "Embedding" || has_embedding(layer.body); });
}

void check_shapes(const Program& program) {
  check_data(program);
  check_names(program);
  check_loss(program, through_layers(program.model, sample_shape(program.data)));
}

}  // namespace sonde::faults
