// A fault case as plain structs: one training program and what is wrong with it. The format is described in README.md.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace sonde::faults {

using Shape = std::vector<std::int64_t>;

// How values are rescaled after generation.
struct Rescale {
  enum class Kind { none, standard, overall, by_feature } kind = Kind::none;
  std::vector<std::array<double, 2>> bounds;  // [lo, hi]: one for overall, one a feature for by_feature
};

struct DataSpec {
  std::string generator;
  std::int64_t n = 0;
  std::uint32_t seed = 0;
  Rescale range;
  Rescale target_range;
  std::string labels;        // the encoding
  std::int64_t classes = 0;  // 0: regression
  std::optional<std::int64_t> constant_label;
  bool shuffle_labels = false;
  bool sorted_by_class = false;
  bool flat_labels = false;
  double nan_fraction = 0;
  std::optional<double> imbalance;
  std::int64_t degrade = 1;

  // Of single generators, see README.md.
  std::int64_t size = 8, channels = 1, height = 0, width = 0;  // digits, patterns
  bool flat = false, parity = false;                           // digits, patterns
  std::int64_t features = 0, bits = 2, outputs = 1, length = 0, vocab = 0;
  double noise = 0, spread = 1, distance = 1, factor = 0.5, y_scale = 1, offset = 0, signal = 0.3;
  std::string function;
  std::array<double, 2> x_range{0, 1};
  std::vector<double> coefficients;
  bool bag = false;
  Shape row_shape;                     // table: a sample of x
  Shape target_row_shape;              // table: a sample of y, empty for a number
  std::vector<double> x_rows, y_rows;  // table, row by row
};

struct Init {
  enum class Kind {
    standard,
    zeros,
    constant,
    normal,
    uniform,
    xavier_uniform,
    xavier_normal,
    kaiming_uniform,
    kaiming_normal
  } kind = Kind::standard;
  double a = 0;  // constant: the value; normal: mean; uniform: lower bound
  double b = 0;  // normal: standard deviation; uniform: upper bound
};

struct LayerSpec {
  std::string type;
  std::string name;
  std::string path;  // JSON pointer, for error messages
  bool functional = false;
  bool bias = true;
  std::int64_t in = 0, out = 0;  // features or channels; LSTM and its like: input and hidden; Embedding: num and dim
  Shape kernel, stride, padding, dilation;
  bool same_padding = false;
  std::int64_t groups = 1, layers = 1;
  bool bidirectional = false, last_only = false;
  Shape shape;  // LayerNorm, Reshape, AdaptiveAvgPool2d
  double eps = 1e-5, momentum = 0.1, p = 0.5, slope = 0.01, scale = 1;
  std::int64_t dim = 1;
  std::vector<LayerSpec> body;       // Residual
  std::map<std::string, Init> init;  // by parameter name or its beginning ("weight" stands for "weight_ih_l0")
};

struct LossSpec {
  std::string type;
  bool sum = false;  // reduction
};

struct OptimizerSpec {
  std::string type;
  double lr = 0.01;
  double momentum = 0, weight_decay = 0, decay = 0, alpha = 0.99;
  bool nesterov = false;
  std::array<double, 2> betas{0.9, 0.999};
  std::optional<double> eps;  // LibTorch's default if absent
};

struct LoopSpec {
  bool zero_grad = true, step = true, train_mode = true, repeat_batch = false, optimizer_stale = false;
  std::optional<double> clip_norm;
  std::vector<std::string> freeze, unregistered;
  std::optional<std::vector<std::string>> optimizer_only;
  std::optional<std::string> detach_after;
  std::optional<std::int64_t> lr_zero_after;
};

// Everything that is run, and nothing the monitor may not see.
struct Program {
  std::string task;
  DataSpec data;
  std::vector<LayerSpec> model;
  LossSpec loss;
  OptimizerSpec optimizer;
  LoopSpec loop;
  std::int64_t batch_size = 1, epochs = 1, max_steps = 1;
  bool shuffle = true;
};

// A place in the ground truth: a layer's name, or a part ("loss", "optimizer", "data", "labels", "loop", "model").
struct Where {
  std::string layer;
  std::string part;
};

struct Answer {
  std::string cause;  // empty: the benchmark's cause has no name here
  Where where;
};

struct Fault {
  std::vector<Answer> answers;  // the first is the published one, the others are as right
  bool scored = true;
};

// What a published tool said of the program. Absent: it does not say, or was not run.
struct PublishedResult {
  std::optional<bool> identified, localised, fixed;
  std::optional<std::int64_t> found, of;  // faults
};

struct Case {
  std::string id, title, url;
  std::filesystem::path file;
  std::vector<std::string> benchmarks;
  std::map<std::string, PublishedResult> published;  // by tool
  std::vector<Fault> faults;                         // empty for a healthy program
  std::vector<Answer> extra_faults;                  // real flaws outside the published ground truth
  bool scored = true;
  Program program;                 // buggy, or healthy
  std::optional<Program> patched;  // absent for healthy programs

  [[nodiscard]] bool healthy() const noexcept { return faults.empty(); }
};

}  // namespace sonde::faults
