#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "faults/generators.h"
#include "faults/random.h"

namespace sonde::faults {
namespace {

void take_rows(Array& array, const std::vector<std::size_t>& order) {
  const std::size_t size = array.row_size();
  std::vector<double> values(array.values.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::copy_n(array.values.begin() + static_cast<std::ptrdiff_t>(order[i] * size), size,
                values.begin() + static_cast<std::ptrdiff_t>(i * size));
  }
  array.values = std::move(values);
}

void sort_by_target(Samples& samples) {
  std::vector<std::size_t> order(samples.x.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t size = samples.y.row_size();
  const auto key = [&](std::size_t row) { return samples.y.values[row * size]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  take_rows(samples.x, order);
  take_rows(samples.y, order);
}

void make_constant(const DataSpec& data, Array& y) {
  const auto label = static_cast<std::size_t>(*data.constant_label);
  const std::size_t size = y.row_size();
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    y.values[i] = data.labels == "multi_hot" ? (i % size == label ? 1 : 0) : static_cast<double>(label);
  }
}

// Zero mean and unit population variance a column; a constant column is only centred.
void standardise(Array& array) {
  const std::size_t size = array.row_size();
  const auto rows = static_cast<double>(array.rows());
  for (std::size_t column = 0; column < size; ++column) {
    double mean = 0;
    for (std::size_t i = column; i < array.values.size(); i += size) mean += array.values[i] / rows;
    double variance = 0;
    for (std::size_t i = column; i < array.values.size(); i += size) {
      variance += (array.values[i] - mean) * (array.values[i] - mean) / rows;
    }
    const double deviation = variance > 0 ? std::sqrt(variance) : 1;
    for (std::size_t i = column; i < array.values.size(); i += size) {
      array.values[i] = (array.values[i] - mean) / deviation;
    }
  }
}

// Maps the values at first, first + stride, ... linearly onto [lo, hi]; a constant becomes lo.
void stretch(Array& array, std::size_t first, std::size_t stride, const std::array<double, 2>& bounds) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (std::size_t i = first; i < array.values.size(); i += stride) {
    low = std::min(low, array.values[i]);
    high = std::max(high, array.values[i]);
  }
  for (std::size_t i = first; i < array.values.size(); i += stride) {
    const double share = high > low ? (array.values[i] - low) / (high - low) : 0;
    array.values[i] = bounds[0] + share * (bounds[1] - bounds[0]);
  }
}

void rescale(Array& array, const Rescale& rescale) {
  if (rescale.kind == Rescale::Kind::standard) standardise(array);
  if (rescale.kind == Rescale::Kind::overall) stretch(array, 0, 1, rescale.bounds.front());
  if (rescale.kind == Rescale::Kind::by_feature) {
    for (std::size_t j = 0; j < rescale.bounds.size(); ++j) stretch(array, j, array.row_size(), rescale.bounds[j]);
  }
}

// Average-pools images by `factor` and enlarges them again by nearest neighbour.
void degrade(Array& images, std::int64_t factor) {
  const auto height = static_cast<std::size_t>(images.shape[2]);
  const auto width = static_cast<std::size_t>(images.shape[3]);
  const auto step = static_cast<std::size_t>(factor);
  for (std::size_t start = 0; start < images.values.size(); start += height * width) {
    for (std::size_t row = 0; row < height; row += step) {
      for (std::size_t col = 0; col < width; col += step) {
        double sum = 0;
        for (std::size_t i = 0; i < step * step; ++i) {
          sum += images.values[start + (row + i / step) * width + col + i % step];
        }
        for (std::size_t i = 0; i < step * step; ++i) {
          images.values[start + (row + i / step) * width + col + i % step] = sum / static_cast<double>(step * step);
        }
      }
    }
  }
}

Array encode(const DataSpec& data, const Array& y) {
  Array out;
  out.shape = target_shape(data);
  out.shape.insert(out.shape.begin(), data.n);
  if (data.labels != "one_hot") {
    out.values = y.values;
    if (data.labels == "pm_one") {
      for (double& value : out.values) value = 2 * value - 1;
    }
    return out;
  }
  const auto k = static_cast<std::size_t>(data.classes);
  out.values.assign(y.values.size() * k, 0);
  for (std::size_t i = 0; i < y.values.size(); ++i) out.values[i * k + static_cast<std::size_t>(y.values[i])] = 1;
  return out;
}

}  // namespace

Dataset make_dataset(const DataSpec& data, const std::filesystem::path& digits) {
  Samples samples = generate(data, digits);
  Random random(data.seed + 1000);
  if (data.sorted_by_class) sort_by_target(samples);
  if (data.shuffle_labels) take_rows(samples.y, random.permutation(samples.y.rows()));
  if (data.constant_label) make_constant(data, samples.y);
  rescale(samples.x, data.range);
  if (samples.encoded) rescale(samples.y, data.target_range);

  Dataset out;
  if (data.labels == "input") {
    out.y = samples.x;
    rescale(out.y, data.target_range);
    if (data.degrade > 1) degrade(samples.x, data.degrade);
  } else {
    out.y = encode(data, samples.y);
  }
  if (data.nan_fraction > 0) {
    const std::vector<double> draw = random.uniform(samples.x.values.size());
    for (std::size_t i = 0; i < draw.size(); ++i) {
      if (draw[i] < data.nan_fraction) samples.x.values[i] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  out.x = std::move(samples.x);
  out.y_integral = data.labels == "index";
  return out;
}

Shape sample_shape(const DataSpec& data) {
  if (data.generator == "digits" || data.generator == "patterns") {
    const std::int64_t height = data.generator == "digits" ? data.size : data.height;
    const std::int64_t width = data.generator == "digits" ? data.size : data.width;
    if (data.flat) return {data.channels * height * width};
    return {data.channels, height, width};
  }
  if (data.generator == "circles") return {2};
  if (data.generator == "xor") return {data.bits};
  if (data.generator == "series") return {data.length, 1};
  if (data.generator == "tokens") return {data.bag ? data.vocab : data.length};
  if (data.generator == "table") return data.row_shape;
  return {data.features};
}

Shape target_shape(const DataSpec& data) {
  if (data.labels == "input") return sample_shape(data);
  if (data.labels == "index" || data.flat_labels) return {};
  if (data.labels == "one_hot") return {data.classes};
  if (data.labels == "multi_hot" && data.generator == "blobs") return {data.classes};
  if (data.generator == "function") return {data.outputs};
  if (data.generator == "table" && !data.target_row_shape.empty()) return data.target_row_shape;
  return {1};
}

}  // namespace sonde::faults
