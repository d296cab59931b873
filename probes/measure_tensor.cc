#include "probes/measure_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <ATen/Functions.h>
#include <ATen/NativeFunctions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "probes/device_statistics.h"
#include "probes/intra_op.h"

namespace sonde::probes {
namespace {

bool plain_cpu(const at::TensorImpl& impl) {
  return impl.is_cpu() && impl.layout() == at::kStrided && impl.has_storage() &&
         !impl.key_set().has(c10::DispatchKey::Negative) && !impl.key_set().has(c10::DispatchKey::Conjugate) &&
         impl.dim() <= 16 && (impl.numel() == 0 || impl.data() != nullptr);
}

bool float_type(at::ScalarType type, ScalarType& out) {
  switch (type) {
    case at::kFloat:
      out = ScalarType::float32;
      return true;
    case at::kDouble:
      out = ScalarType::float64;
      return true;
    case at::kHalf:
      out = ScalarType::float16;
      return true;
    case at::kBFloat16:
      out = ScalarType::bfloat16;
      return true;
    default:
      return false;
  }
}

TensorView view_of(const at::TensorImpl& impl, ScalarType type) {
  const auto sizes = impl.sizes();
  const auto strides = impl.strides();
  return {impl.data(), type, {sizes.data(), sizes.size()}, {strides.data(), strides.size()}};
}

// The memory offset (in elements) of the i-th element in row-major order.
std::int64_t offset_of(const at::TensorImpl& impl, std::int64_t i) {
  if (impl.is_contiguous()) return i;
  std::int64_t offset = 0;
  for (std::int64_t d = impl.dim() - 1; d >= 0; --d) {
    const auto size = impl.sizes()[static_cast<std::size_t>(d)];
    offset += (i % size) * impl.strides()[static_cast<std::size_t>(d)];
    i /= size;
  }
  return offset;
}

template <typename T>
void measure_numbers(const at::TensorImpl& impl, trace::TensorStats& stats) {
  const auto* data = static_cast<const T*>(impl.data());
  const auto n = impl.numel();
  double sum = 0, squares = 0;
  stats.min = std::numeric_limits<double>::infinity();
  stats.max = -stats.min;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto x = static_cast<double>(data[offset_of(impl, i)]);
    stats.zeros += x == 0;
    stats.min = std::min(stats.min, x);
    stats.max = std::max(stats.max, x);
    sum += x;
    squares += x * x;
  }
  stats.count = static_cast<std::uint64_t>(n);
  if (n > 0) {
    stats.mean = sum / static_cast<double>(n);
    stats.mean_square = squares / static_cast<double>(n);
  }
  stats.aux = std::numeric_limits<double>::quiet_NaN();
}

double element(const at::TensorImpl& impl, std::int64_t offset, at::ScalarType type) {
  const auto* data = impl.data();
  switch (type) {
    case at::kFloat:
      return static_cast<const float*>(data)[offset];
    case at::kDouble:
      return static_cast<const double*>(data)[offset];
    case at::kHalf:
      return static_cast<float>(static_cast<const c10::Half*>(data)[offset]);
    case at::kBFloat16:
      return static_cast<float>(static_cast<const c10::BFloat16*>(data)[offset]);
    default:
      return 0;
  }
}

at::ScalarType scalar_type(const at::TensorImpl& impl) { return c10::typeMetaToScalarType(impl.dtype()); }

// A tensor that shares the impl for the length of a call. Counts a reference, so it must not outlive the callback.
at::Tensor borrow(const at::TensorImpl& impl) {
  return at::Tensor(c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(
      const_cast<at::TensorImpl*>(&impl)));
}

}  // namespace

Finite finiteness(const trace::TensorStats& stats) noexcept {
  if (is_promise(stats)) return Finite::unknown;
  if (stats.nan > 0) return Finite::nan;
  return stats.positive_infinity + stats.negative_infinity > 0 ? Finite::infinite : Finite::finite;
}

const char* dtype_name(const at::TensorImpl& impl) noexcept {
  switch (scalar_type(impl)) {
    case at::kFloat:
      return "float";
    case at::kDouble:
      return "double";
    case at::kHalf:
      return "half";
    case at::kBFloat16:
      return "bfloat16";
    case at::kLong:
      return "long";
    case at::kInt:
      return "int";
    case at::kShort:
      return "short";
    case at::kChar:
      return "char";
    case at::kByte:
      return "byte";
    case at::kBool:
      return "bool";
    default:
      return "other";
  }
}

double dtype_max(const at::TensorImpl& impl) noexcept {
  switch (scalar_type(impl)) {
    case at::kFloat:
      return std::numeric_limits<float>::max();
    case at::kDouble:
      return std::numeric_limits<double>::max();
    case at::kHalf:
      return 65504.0;
    case at::kBFloat16:
      return 3.38953139e38;
    default:
      return 0;
  }
}

bool is_floating(const at::TensorImpl& impl) noexcept {
  ScalarType ignored;
  return float_type(scalar_type(impl), ignored);
}

const char* TensorMeter::measure(const at::TensorImpl& impl, const Request& request, trace::TensorStats& stats) {
  if (device_ != nullptr && device_->takes(impl)) {
    const char* why = device_->enqueue(impl, request.tails, request.unit_dimension, stats);
    if (why == nullptr || device_->takes(impl)) return why;
  }
  if (!plain_cpu(impl)) return measure_elsewhere(impl, request, stats);
  ScalarType type;
  if (!float_type(scalar_type(impl), type)) {
    switch (scalar_type(impl)) {
      case at::kLong:
        measure_numbers<std::int64_t>(impl, stats);
        return nullptr;
      case at::kInt:
        measure_numbers<std::int32_t>(impl, stats);
        return nullptr;
      case at::kShort:
        measure_numbers<std::int16_t>(impl, stats);
        return nullptr;
      case at::kChar:
        measure_numbers<std::int8_t>(impl, stats);
        return nullptr;
      case at::kByte:
        measure_numbers<std::uint8_t>(impl, stats);
        return nullptr;
      case at::kBool:
        measure_numbers<bool>(impl, stats);
        return nullptr;
      default:
        return "complex, quantized or eight-bit floating dtype";
    }
  }
  MeasureOptions options;
  options.tails = request.tails;
  options.parallel = &on_intra_op_threads;
  if (request.unit_dimension >= 0 && request.unit_dimension < impl.dim()) {
    const auto units = static_cast<std::size_t>(impl.sizes()[static_cast<std::size_t>(request.unit_dimension)]);
    const auto room = maxima_needed(static_cast<std::uint64_t>(impl.numel()), units);
    if (unit_maxima_.size() < room) unit_maxima_.resize(room);
    options.unit_dimension = request.unit_dimension;
    options.unit_maxima = {unit_maxima_.data(), room};
    if (request.alive) options.alive = {request.alive, units};
  }
  stats = probes::measure(view_of(impl, type), options);
  return nullptr;
}

const char* TensorMeter::measure_elsewhere(const at::TensorImpl& impl, const Request& request,
                                           trace::TensorStats& stats) {
  if (impl.key_set().has(c10::DispatchKey::Negative) || impl.key_set().has(c10::DispatchKey::Conjugate))
    return "lazily negated or conjugated tensor";
  if (impl.dim() > 16) return "more than 16 dimensions";
  const auto layout = impl.layout();
  if (layout != at::kStrided && layout != at::kSparse) return "layout that is neither strided nor COO";
  if (layout == at::kStrided && impl.is_cpu()) return "tensor without memory";
  if (impl.is_meta()) return "meta tensor";
  try {
    at::DisableRecordFunctionGuard unobserved;
    at::NoGradGuard no_grad;
    auto tensor = borrow(impl).detach();
    if (layout == at::kSparse) tensor = tensor._values();
    if (!tensor.is_cpu()) tensor = tensor.to(at::kCPU);
    const auto& plain = *tensor.unsafeGetTensorImpl();
    if (!plain_cpu(plain)) return "tensor whose memory cannot be read";
    Request flat = request;
    if (layout == at::kSparse) flat.unit_dimension = -1;
    return measure(plain, flat, stats);
  } catch (const std::exception&) { return "tensor that cannot be copied to the CPU"; }
}

bool TensorMeter::all_finite(const at::TensorImpl& impl) {
  ScalarType type;
  if (plain_cpu(impl) && float_type(scalar_type(impl), type)) {
    if (impl.is_contiguous())
      return probes::all_finite(impl.data(), static_cast<std::size_t>(impl.numel()), type, &on_intra_op_threads);
    return probes::all_finite(view_of(impl, type));
  }
  if (!is_floating(impl)) return true;
  trace::TensorStats stats;
  return measure_elsewhere(impl, {}, stats) != nullptr || finiteness(stats) == Finite::finite;
}

bool TensorMeter::seems_finite(const at::TensorImpl& impl, std::uint32_t turn) {
  const auto n = impl.numel();
  if (n <= kFewElements) return all_finite(impl);
  if (!plain_cpu(impl)) return true;
  const auto type = scalar_type(impl);
  const auto first = turn * static_cast<std::uint32_t>(kProbePoints);
  for (std::uint32_t k = 0; k < kProbePoints; ++k)
    if (!std::isfinite(element(impl, offset_of(impl, spread_position(first + k, n)), type))) return false;
  return true;
}

std::uint64_t probe_hash(const at::TensorImpl& impl, bool* all_zero) noexcept {
  if (all_zero) *all_zero = false;
  if (!plain_cpu(impl)) return 0;
  const auto size = static_cast<std::int64_t>(impl.itemsize());
  const auto bytes = static_cast<std::size_t>(std::min<std::int64_t>(size, 8));
  const auto* data = static_cast<const char*>(impl.data());
  const bool contiguous = impl.is_contiguous();
  const auto n = impl.numel();
  // FNV-1a over eight-byte words (G. Fowler, L. C. Noll, P. Vo).
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto mix = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3U; };
  mix(static_cast<std::uint64_t>(n));
  const auto points = std::min<std::int64_t>(n, static_cast<std::int64_t>(kProbePoints));
  bool zero = true;
  for (std::int64_t k = 0; k < points; ++k) {
    const auto i = points == n ? k : spread_position(static_cast<std::uint32_t>(k), n);
    const char* const from = data + (contiguous ? i : offset_of(impl, i)) * size;
    std::uint64_t word = 0;
    if (bytes == 4) {  // what nearly all tensors have: a plain load
      std::uint32_t half;
      std::memcpy(&half, from, 4);
      word = half;
    } else {
      std::memcpy(&word, from, bytes);
    }
    mix(word);
    // -0.0 is a zero as well: drop the sign bit.
    if (word << (64 - 8 * bytes + 1)) zero = false;
  }
  if (all_zero) *all_zero = zero;
  return hash | 1;
}

std::optional<double> read_scalar(const at::TensorImpl& impl) noexcept {
  if (!plain_cpu(impl) || !is_floating(impl) || impl.numel() != 1) return std::nullopt;
  return element(impl, 0, scalar_type(impl));
}

void sample_elements(const at::TensorImpl& impl, std::size_t limit, std::vector<double>& values) {
  if (!plain_cpu(impl)) return;
  const auto n = static_cast<std::size_t>(impl.numel());
  const auto count = std::min(n, limit);
  const auto before = values.size();
  const auto read = [&]<typename T>(const T* data) {
    values.resize(before + count);
    double* to = values.data() + before;
    if (!impl.is_contiguous()) {
      for (std::size_t k = 0; k < count; ++k)
        to[k] = static_cast<double>(data[offset_of(impl, static_cast<std::int64_t>(k * n / count))]);
    } else if (count == n) {
      std::transform(data, data + n, to, [](T x) { return static_cast<double>(x); });
    } else {
      // k * n / count, without a division each.
      const std::size_t step = n / count, rest = n % count;
      for (std::size_t k = 0, i = 0, over = 0; k < count; ++k) {
        to[k] = static_cast<double>(data[i]);
        i += step;
        over += rest;
        if (over >= count) over -= count, ++i;
      }
    }
  };
  const void* data = impl.data();
  switch (scalar_type(impl)) {
    case at::kFloat:
      return read(static_cast<const float*>(data));
    case at::kDouble:
      return read(static_cast<const double*>(data));
    case at::kHalf:
      return read(static_cast<const c10::Half*>(data));
    case at::kBFloat16:
      return read(static_cast<const c10::BFloat16*>(data));
    default:
      return;
  }
}

}  // namespace sonde::probes
