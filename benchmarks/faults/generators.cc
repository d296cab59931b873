#include "faults/generators.h"

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "faults/random.h"

namespace sonde::faults {
namespace {

constexpr double kPi = std::numbers::pi;

Samples classified(Array x, const std::vector<std::int64_t>& classes) {
  Array y{{static_cast<std::int64_t>(classes.size())}, std::vector<double>(classes.begin(), classes.end())};
  return {std::move(x), std::move(y), false};
}

// k x features, one centre a row.
std::vector<double> blob_centres(const DataSpec& data, Random& random) {
  const auto k = static_cast<std::size_t>(data.classes);
  const auto features = static_cast<std::size_t>(data.features);
  std::vector<double> centres(k * features);
  if (features == 1) {
    for (std::size_t c = 0; c < k; ++c) {
      centres[c] = data.distance * (static_cast<double>(c) - static_cast<double>(k - 1) / 2);
    }
    return centres;
  }
  if (features == 2) {
    for (std::size_t c = 0; c < k; ++c) {
      const double angle = 2 * kPi * static_cast<double>(c) / static_cast<double>(k);
      centres[2 * c] = data.distance * std::cos(angle);
      centres[2 * c + 1] = data.distance * std::sin(angle);
    }
    return centres;
  }
  centres = random.normal(k * features);
  for (std::size_t c = 0; c < k; ++c) {
    double square = 0;
    for (std::size_t j = 0; j < features; ++j) square += centres[c * features + j] * centres[c * features + j];
    for (std::size_t j = 0; j < features; ++j) centres[c * features + j] *= data.distance / std::sqrt(square);
  }
  return centres;
}

Samples generate_blobs(const DataSpec& data) {
  Random random(data.seed);
  const auto n = static_cast<std::size_t>(data.n);
  const auto k = static_cast<std::size_t>(data.classes);
  const auto features = static_cast<std::size_t>(data.features);
  const std::vector<double> centres = blob_centres(data, random);
  const bool several = data.labels == "multi_hot";
  std::vector<double> member(n * k, 0);  // how much of each centre a sample has: 0 or 1
  if (several) {
    member = random.uniform(n * k);
    for (double& value : member) value = value < 0.5 ? 1 : 0;
  }
  const std::vector<std::int64_t> classes = class_sequence(data);
  if (!several) {
    for (std::size_t i = 0; i < n; ++i) member[i * k + static_cast<std::size_t>(classes[i])] = 1;
  }
  const std::vector<double> noise = random.normal(n * features);
  Array x{{data.n, data.features}, std::vector<double>(n * features)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      double centre = 0;
      for (std::size_t c = 0; c < k; ++c) centre += member[i * k + c] * centres[c * features + j];
      x.values[i * features + j] = centre + data.spread * noise[i * features + j];
    }
  }
  if (several) return {std::move(x), {{data.n, data.classes}, std::move(member)}, true};
  return classified(std::move(x), classes);
}

Samples generate_circles(const DataSpec& data) {
  Random random(data.seed);
  const auto n = static_cast<std::size_t>(data.n);
  const std::vector<std::int64_t> classes = class_sequence(data);
  const std::vector<double> angle = random.uniform(n);
  const std::vector<double> noise = random.normal(2 * n);
  Array x{{data.n, 2}, std::vector<double>(2 * n)};
  for (std::size_t i = 0; i < n; ++i) {
    const double radius = classes[i] == 0 ? 1 : data.factor;
    x.values[2 * i] = radius * std::cos(2 * kPi * angle[i]) + data.noise * noise[2 * i];
    x.values[2 * i + 1] = radius * std::sin(2 * kPi * angle[i]) + data.noise * noise[2 * i + 1];
  }
  return classified(std::move(x), classes);
}

Samples generate_xor(const DataSpec& data) {
  std::vector<std::int64_t> classes;
  Array x{{data.n, data.bits}, {}};
  for (std::int64_t i = 0; i < data.n; ++i) {
    std::int64_t parity = 0;
    for (std::int64_t bit = 0; bit < data.bits; ++bit) {
      const std::int64_t value = ((i % (std::int64_t{1} << data.bits)) >> bit) & 1;
      parity ^= value;
      x.values.push_back(static_cast<double>(value));
    }
    classes.push_back(parity);
  }
  return classified(std::move(x), classes);
}

double apply(const std::string& function, double x) {
  if (function == "square") return x * x;
  if (function == "sin") return std::sin(x);
  if (function == "abs") return std::abs(x);
  if (function == "step") return x > 0 ? 1 : 0;
  return x;  // linear, sum
}

Samples generate_function(const DataSpec& data) {
  Random random(data.seed);
  const auto n = static_cast<std::size_t>(data.n);
  const auto features = static_cast<std::size_t>(data.features);
  const auto outputs = static_cast<std::size_t>(data.outputs);
  Array x{{data.n, data.features}, random.uniform(n * features)};
  for (double& value : x.values) value = data.x_range[0] + (data.x_range[1] - data.x_range[0]) * value;
  std::vector<double> mixing;
  if (outputs > 1) {
    mixing = random.normal(features * outputs);
    for (double& value : mixing) value /= std::sqrt(static_cast<double>(features));
  }
  const std::vector<double> noise = random.normal(n * outputs);
  Array y{{data.n, data.outputs}, std::vector<double>(n * outputs, 0)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = 0;
      for (std::size_t j = 0; j < features; ++j) {
        const double value = x.values[i * features + j];
        if (outputs > 1) {
          sum += value * mixing[j * outputs + o];
        } else if (data.function == "linear" && !data.coefficients.empty()) {
          sum += data.coefficients[j] * value;
        } else {
          sum += apply(data.function, value);
        }
      }
      if (outputs > 1) sum = apply(data.function, sum);
      y.values[i * outputs + o] = data.y_scale * (sum + data.offset) + data.noise * noise[i * outputs + o];
    }
  }
  return {std::move(x), std::move(y), true};
}

Samples generate_series(const DataSpec& data) {
  Random random(data.seed);
  const auto n = static_cast<std::size_t>(data.n);
  const auto length = static_cast<std::size_t>(data.length);
  const std::vector<double> phase = random.uniform(n);
  const std::vector<double> noise = random.normal(n * length);
  Array x{{data.n, data.length, 1}, std::vector<double>(n * length)};
  Array y{{data.n, 1}, std::vector<double>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = [&](std::size_t t) { return std::sin(2 * kPi * phase[i] + 0.25 * static_cast<double>(t)); };
    for (std::size_t t = 0; t < length; ++t) x.values[i * length + t] = value(t) + data.noise * noise[i * length + t];
    y.values[i] = data.y_scale * value(length);
  }
  return {std::move(x), std::move(y), true};
}

Samples generate_tokens(const DataSpec& data) {
  Random random(data.seed);
  const auto n = static_cast<std::size_t>(data.n);
  const auto length = static_cast<std::size_t>(data.length);
  const auto vocab = static_cast<std::size_t>(data.vocab);
  const std::vector<std::int64_t> classes = class_sequence(data);
  const std::vector<double> a = random.uniform(n * length);
  const std::vector<double> b = random.uniform(n * length);
  const std::int64_t block = data.vocab / data.classes;
  Array x{{data.n, data.length}, std::vector<double>(n * length)};
  for (std::size_t i = 0; i < n * length; ++i) {
    const double own = static_cast<double>(classes[i / length] * block) + std::floor(b[i] * static_cast<double>(block));
    x.values[i] = a[i] < data.signal ? own : std::floor(b[i] * static_cast<double>(vocab));
  }
  if (!data.bag) return classified(std::move(x), classes);
  Array bags{{data.n, data.vocab}, std::vector<double>(n * vocab, 0)};
  for (std::size_t i = 0; i < n * length; ++i) {
    bags.values[i / length * vocab + static_cast<std::size_t>(x.values[i])] = 1;
  }
  return classified(std::move(bags), classes);
}

Array repeated(const std::vector<double>& rows, Shape shape) {
  std::size_t size = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) size *= static_cast<std::size_t>(shape[i]);
  Array out{shape, std::vector<double>(size * static_cast<std::size_t>(shape.front()))};
  for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] = rows[i % rows.size()];
  return out;
}

Samples take_table(const DataSpec& data) {
  Shape x_shape = data.row_shape;
  x_shape.insert(x_shape.begin(), data.n);
  Shape y_shape = data.target_row_shape;
  y_shape.insert(y_shape.begin(), data.n);
  const bool encoded = data.labels == "real" || data.labels == "multi_hot";
  if (encoded && y_shape.size() == 1) y_shape.push_back(1);
  return {repeated(data.x_rows, x_shape), repeated(data.y_rows, y_shape), encoded};
}

}  // namespace

std::vector<std::int64_t> class_sequence(const DataSpec& data) {
  std::vector<std::int64_t> classes;
  const std::int64_t k = data.classes;
  std::int64_t others = 0;
  for (std::int64_t i = 0; i < data.n; ++i) {
    if (!data.imbalance) {
      classes.push_back(i % k);
    } else if (std::floor(static_cast<double>(i + 1) * *data.imbalance) >
               std::floor(static_cast<double>(i) * *data.imbalance)) {
      classes.push_back(0);
    } else {
      classes.push_back(1 + others++ % (k - 1));
    }
  }
  return classes;
}

Samples generate(const DataSpec& data, const std::filesystem::path& digits) {
  if (data.generator == "digits") return generate_digits(data, digits);
  if (data.generator == "patterns") return generate_patterns(data);
  if (data.generator == "blobs") return generate_blobs(data);
  if (data.generator == "circles") return generate_circles(data);
  if (data.generator == "xor") return generate_xor(data);
  if (data.generator == "function") return generate_function(data);
  if (data.generator == "series") return generate_series(data);
  if (data.generator == "tokens") return generate_tokens(data);
  if (data.generator == "table") return take_table(data);
  throw std::invalid_argument("no generator " + data.generator);
}

}  // namespace sonde::faults
