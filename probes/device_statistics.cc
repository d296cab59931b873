#include "probes/device_statistics.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/record_function.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "probes/device_reductions.h"
#include "probes/statistics_finish.h"

namespace sonde::probes {
namespace {

// Sent and not asked for any more; the oldest goes. More than a program's launches run ahead of its device.
constexpr std::size_t kMostBatches = 256;
constexpr std::int64_t kCopiedWhole = 1 << 16;  // elements of a strided tensor that are copied to sample it

struct Unseen {
  at::DisableRecordFunctionGuard unobserved;
  at::AutoDispatchBelowADInplaceOrView below_autograd;
  c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::autocast_dispatch_keyset};
};

at::Tensor borrow(const at::TensorImpl& impl) {
  return at::Tensor(c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(
      const_cast<at::TensorImpl*>(&impl)));
}

std::optional<c10::Stream> stream_of(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return std::nullopt;
  return c10::impl::VirtualGuardImpl(tensor.device().type()).getStream(tensor.device());
}

// Null if statistics of this tensor can be computed by operators.
const char* unsuitable(const at::TensorImpl& impl) {
  if (impl.key_set().has(c10::DispatchKey::Negative) || impl.key_set().has(c10::DispatchKey::Conjugate))
    return "lazily negated or conjugated tensor";
  if (impl.dim() > static_cast<std::int64_t>(kMaxDimensions)) return "more than 16 dimensions";
  if (impl.layout() != at::kStrided && impl.layout() != at::kSparse) return "layout that is neither strided nor COO";
  const auto type = c10::typeMetaToScalarType(impl.dtype());
  const bool real = at::isFloatingType(type) || at::isIntegralType(type, /*includeBool=*/true);
  if (!real || impl.itemsize() == 0 || (at::isFloatingType(type) && impl.itemsize() < 2))
    return "complex, quantized or eight-bit floating dtype";
  return nullptr;
}

Layout layout_of(const at::Tensor& tensor) {
  const auto sizes = tensor.sizes(), strides = tensor.strides();
  return make_layout({nullptr, ScalarType::float32, {sizes.data(), sizes.size()}, {strides.data(), strides.size()}},
                     -1);
}

// The float that stands for a unit's maximum, see UnitKernel.
float unit_float(double maximum) {
  if (!(maximum < std::numeric_limits<double>::infinity())) return std::numeric_limits<float>::infinity();
  if (maximum <= 0) return 0;
  return static_cast<float>(std::clamp(maximum, static_cast<double>(std::numeric_limits<float>::denorm_min()),
                                       static_cast<double>(std::numeric_limits<float>::max())));
}

}  // namespace

bool DeviceStatistics::takes_device(const at::TensorImpl& impl) const noexcept {
  return !impl.is_meta() && std::ranges::find(unable_, impl.device_type()) == unable_.end();
}

template <class Enqueue>
const char* DeviceStatistics::safely(c10::DeviceType type, const Enqueue& enqueue) {
  const bool able = std::ranges::find(able_, type) != able_.end();
  try {
    const Unseen unseen;
    enqueue();
    if (!able) able_.push_back(type);
    return nullptr;
  } catch (const c10::OutOfMemoryError&) { return "no memory left on the device"; } catch (const std::exception&) {
    if (!able) unable_.push_back(type);
    return "an operator that the device does not have";
  }
}

trace::TensorStats DeviceStatistics::add(at::Tensor values, std::uint64_t elements, std::uint64_t repeat,
                                         bool finiteness) {
  Row row;
  row.stream = stream_of(values);
  row.length = static_cast<std::size_t>(values.numel());
  row.elements = elements;
  row.repeat = repeat;
  row.finiteness = finiteness;
  row.values = std::move(values);
  rows_.push_back(std::move(row));
  return promise_of(next_row_++);
}

const char* DeviceStatistics::enqueue(const at::TensorImpl& impl, const Tails* tails, int unit_dimension,
                                      trace::TensorStats& stats) {
  if (const char* why = unsuitable(impl)) return why;
  return safely(impl.device_type(), [&] {
    auto tensor = borrow(impl);
    if (impl.layout() == at::kSparse) {
      tensor = tensor._values();
      unit_dimension = -1;
    }
    if (unit_dimension >= tensor.dim() || !tensor.is_floating_point()) unit_dimension = -1;
    const auto elements = static_cast<std::uint64_t>(tensor.numel());
    if (elements == 0) {
      stats = no_stats();
      return;
    }
    const Layout layout = layout_of(tensor);
    stats = add(reduce_on_device(tensor, layout, tails, unit_dimension), elements, layout.repeat, false);
  });
}

bool DeviceStatistics::enqueue_finiteness(const std::vector<at::Tensor>& tensors,
                                          std::vector<trace::TensorStats>& stats) {
  const auto& first = tensors.at(0);
  // The norm of a half is a half and overflows too soon.
  const bool alike = first.scalar_type() != at::kHalf && std::ranges::all_of(tensors, [&](const at::Tensor& tensor) {
                       return tensor.device() == first.device() && tensor.scalar_type() == first.scalar_type() &&
                              tensor.layout() == at::kStrided && tensor.numel() > 0 && tensor.is_floating_point();
                     });
  stats.clear();
  if (!alike) {
    for (const at::Tensor& tensor : tensors)
      if (enqueue(*tensor.unsafeGetTensorImpl(), nullptr, -1, stats.emplace_back()) != nullptr) stats.back() = {};
    return true;
  }
  return safely(first.device().type(), [&] {
           // The sum of magnitudes: squares would overflow.
           const auto norms = at::stack(at::_foreach_norm(tensors, 1)).to(at::kDouble);
           for (std::size_t i = 0; i < tensors.size(); ++i)
             stats.push_back(add(norms.narrow(0, static_cast<std::int64_t>(i), 1),
                                 static_cast<std::uint64_t>(tensors[i].numel()), 1, true));
         }) == nullptr;
}

trace::TensorStats DeviceStatistics::enqueue_elements(const at::TensorImpl& impl, std::size_t limit) {
  trace::TensorStats promise;
  if (unsuitable(impl) != nullptr || impl.layout() != at::kStrided || impl.numel() == 0) return promise;
  safely(impl.device_type(), [&] {
    const auto tensor = borrow(impl);
    const auto n = tensor.numel(), count = std::min(n, static_cast<std::int64_t>(limit));
    if (n > count && !tensor.is_contiguous() && n > kCopiedWhole) return;
    at::Tensor values = tensor.reshape(-1);
    if (count < n) {
      const auto at = at::arange(count, values.options().dtype(at::kLong));
      values = values.index_select(0, at.mul(n).div(count, "floor"));
    }
    // A copy even of doubles: the tensor will have changed when it is sent.
    promise =
        add(values.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true), static_cast<std::uint64_t>(n), 1, false);
  });
  return promise;
}

std::uint64_t DeviceStatistics::send() {
  if (rows_.empty()) return next_row_;
  Batch& batch = batches_.emplace_back();
  batch.first_row = next_row_ - rows_.size();
  batch.rows = std::exchange(rows_, {});
  try {
    const Unseen unseen;
    gather(batch);
  } catch (const std::exception&) { batch.arrived = batch.failed = true; }
  if (batches_.size() > kMostBatches) batches_.pop_front();
  return next_row_;
}

void DeviceStatistics::gather(Batch& batch) {
  std::vector<c10::Device> devices;
  for (Row& row : batch.rows) {
    const auto device = row.values.device();
    const auto known = std::ranges::find(devices, device);
    row.transfer = static_cast<std::size_t>(known - devices.begin());
    if (known == devices.end()) devices.push_back(device);
  }
  for (std::size_t i = 0; i < devices.size(); ++i) {
    Transfer& transfer = batch.transfers.emplace_back();
    std::vector<at::Tensor> values;
    std::size_t offset = 0;
    std::optional<c10::Stream> behind;
    for (Row& row : batch.rows) {
      if (row.transfer != i) continue;
      row.offset = offset;
      offset += row.length;
      const auto here = stream_of(row.values);
      if (here && row.stream != here && row.stream != behind) {
        behind = row.stream;
        c10::Event made(behind->device_type());
        made.record(*behind);
        made.block(*here);
      }
      values.push_back(row.values);
      batch.kept.push_back(std::move(row.values));
    }
    transfer.device = at::cat(values);
    copy_to_host(transfer);
  }
}

void DeviceStatistics::copy_to_host(Transfer& transfer) {
  const auto device = transfer.device.device();
  if (device.is_cpu()) {
    transfer.host = transfer.device;
    transfer.arrived = true;
    return;
  }
  try {
    transfer.host = at::empty(transfer.device.sizes(), at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
    transfer.host.copy_(transfer.device, /*non_blocking=*/true);
    transfer.event.emplace(device.type());
    transfer.event->record(*stream_of(transfer.device));
  } catch (const c10::Error&) {  // a device without pinned memory or events: the copy waits
    transfer.event.reset();
    transfer.host = transfer.device.to(at::kCPU);
    transfer.arrived = true;
  }
}

bool DeviceStatistics::arrived(std::uint64_t mark) {
  for (Batch& batch : batches_) {
    if (batch.first_row >= mark) break;
    if (batch.arrived) continue;
    for (Transfer& transfer : batch.transfers) {
      transfer.arrived = transfer.arrived || transfer.event->query();
      if (!transfer.arrived) return false;
    }
    batch.arrived = true;
    batch.kept.clear();
    for (Transfer& transfer : batch.transfers) transfer.device.reset();
  }
  return true;
}

void DeviceStatistics::wait(std::uint64_t mark) {
  const Unseen unseen;
  for (Batch& batch : batches_) {
    if (batch.first_row >= mark) break;
    if (batch.arrived) continue;
    try {
      for (Transfer& transfer : batch.transfers) {
        if (!transfer.arrived) transfer.host = transfer.device.to(at::kCPU);
        transfer.arrived = true;
        transfer.device.reset();
      }
    } catch (const std::exception&) { batch.failed = true; }
    batch.arrived = true;
    batch.kept.clear();
  }
}

const DeviceStatistics::Row* DeviceStatistics::find(std::uint64_t number, const double** values) const {
  const auto after = std::ranges::upper_bound(batches_, number, {}, &Batch::first_row);
  if (after == batches_.begin()) return nullptr;
  const Batch& batch = *std::prev(after);
  const std::uint64_t index = number - batch.first_row;
  if (index >= batch.rows.size() || !batch.arrived || batch.failed) return nullptr;
  const Row& row = batch.rows[index];
  *values = batch.transfers[row.transfer].host.data_ptr<double>() + row.offset;
  return &row;
}

bool DeviceStatistics::keep(trace::TensorStats& stats, std::span<std::uint8_t> alive) {
  if (!is_promise(stats)) return true;
  const double* values = nullptr;
  const Row* row = find(stats.count, &values);
  if (row == nullptr) return false;
  stats = no_stats();
  if (row->finiteness) {
    stats.count = row->elements;
    stats.nan = std::isnan(*values);
    stats.positive_infinity = std::isinf(*values);
    return true;
  }
  finish(totals_of(values), row->elements, row->repeat, stats);
  if (row->length == kTotals) return true;
  unit_maxima_.assign(row->length - kTotals, 0);
  std::transform(values + kTotals, values + row->length, unit_maxima_.begin(), unit_float);
  finish_units(unit_maxima_, alive, stats);
  return true;
}

bool DeviceStatistics::keep_elements(const trace::TensorStats& promise, std::vector<double>& elements) const {
  const double* values = nullptr;
  const Row* row = is_promise(promise) ? find(promise.count, &values) : nullptr;
  if (row != nullptr) elements.assign(values, values + row->length);
  return row != nullptr;
}

}  // namespace sonde::probes
