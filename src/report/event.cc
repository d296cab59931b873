#include "report/event.h"

#include <algorithm>
#include <cmath>

#include <protozero/pbf_writer.hpp>

namespace sonde::report {
namespace {

// Field numbers.
namespace event {
enum { wall_time = 1, step = 2, file_version = 3, summary = 5 };
}
namespace summary {
enum { value = 1 };
}
namespace value {
enum { tag = 1, simple_value = 2, histo = 5, tensor = 8, metadata = 9 };
}
namespace metadata {
enum { plugin_data = 1, display_name = 2, summary_description = 3, data_class = 4 };
enum { kScalar = 1, kTensor = 2 };  // DataClass
}  // namespace metadata
namespace plugin_data {
enum { plugin_name = 1 };
}
namespace histo {
enum { min = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = 6, bucket = 7 };
}
namespace tensor {
enum { dtype = 1, tensor_shape = 2, string_val = 8 };
constexpr int kString = 7;  // DT_STRING
}  // namespace tensor

using protozero::pbf_writer;

void describe(pbf_writer& one, std::string_view plugin, int data_class, std::string_view tag,
              std::string_view description) {
  if (description.empty()) return;
  pbf_writer about(one, value::metadata);
  {
    pbf_writer data(about, metadata::plugin_data);
    data.add_string(plugin_data::plugin_name, plugin.data(), plugin.size());
  }
  about.add_string(metadata::display_name, tag.data(), tag.size());
  about.add_string(metadata::summary_description, description.data(), description.size());
  about.add_enum(metadata::data_class, data_class);  // without it TensorBoard's fast loader drops the description
}

}  // namespace

Histogram histogram_of(const std::vector<double>& values) {
  constexpr std::size_t kBuckets = 30;
  Histogram histogram;
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double value) { return std::isfinite(value); });
  if (finite.empty()) return histogram;
  std::ranges::sort(finite);  // the sum must not depend on their order
  histogram.min = finite.front();
  histogram.max = finite.back();
  histogram.count = static_cast<double>(finite.size());
  const double width = (histogram.max - histogram.min) / kBuckets;
  const std::size_t buckets = width > 0 && std::isfinite(width) ? kBuckets : 1;
  for (std::size_t i = 1; i < buckets; ++i) histogram.limits.push_back(histogram.min + width * static_cast<double>(i));
  histogram.limits.push_back(histogram.max);
  histogram.counts.assign(buckets, 0);
  for (const double value : finite) {
    histogram.sum += value;
    histogram.sum_of_squares += value * value;
    const auto bucket = std::ranges::lower_bound(histogram.limits, value) - histogram.limits.begin();
    histogram.counts[static_cast<std::size_t>(bucket)] += 1;
  }
  return histogram;
}

void SummaryEvent::add_scalar(std::string_view tag, double number, std::string_view description) {
  pbf_writer all(values_);
  pbf_writer one(all, summary::value);
  one.add_string(value::tag, tag.data(), tag.size());
  one.add_float(value::simple_value, static_cast<float>(number));
  describe(one, "scalars", metadata::kScalar, tag, description);
}

void SummaryEvent::add_histogram(std::string_view tag, const Histogram& histogram, std::string_view description) {
  pbf_writer all(values_);
  pbf_writer one(all, summary::value);
  one.add_string(value::tag, tag.data(), tag.size());
  {
    pbf_writer buckets(one, value::histo);
    buckets.add_double(histo::min, histogram.min);
    buckets.add_double(histo::max, histogram.max);
    buckets.add_double(histo::num, histogram.count);
    buckets.add_double(histo::sum, histogram.sum);
    buckets.add_double(histo::sum_squares, histogram.sum_of_squares);
    buckets.add_packed_double(histo::bucket_limit, histogram.limits.begin(), histogram.limits.end());
    buckets.add_packed_double(histo::bucket, histogram.counts.begin(), histogram.counts.end());
  }
  describe(one, "histograms", metadata::kTensor, tag, description);
}

void SummaryEvent::add_text(std::string_view tag, std::string_view text, std::string_view description) {
  pbf_writer all(values_);
  pbf_writer one(all, summary::value);
  one.add_string(value::tag, tag.data(), tag.size());
  {
    pbf_writer content(one, value::tensor);
    content.add_enum(tensor::dtype, tensor::kString);
    content.add_message(tensor::tensor_shape, "", 0);  // of a single string
    content.add_bytes(tensor::string_val, text.data(), text.size());
  }
  describe(one, "text", metadata::kTensor, tag, description);
}

std::string SummaryEvent::encode() const {
  std::string bytes;
  pbf_writer writer(bytes);
  writer.add_double(event::wall_time, wall_seconds_);
  writer.add_int64(event::step, static_cast<std::int64_t>(step_));
  writer.add_message(event::summary, values_);
  return bytes;
}

std::string version_event(double wall_seconds) {
  std::string bytes;
  pbf_writer writer(bytes);
  writer.add_double(event::wall_time, wall_seconds);
  writer.add_string(event::file_version, "brain.Event:2");
  return bytes;
}

}  // namespace sonde::report
