// DeviceStatistics: statistics of tensors that are not in the memory of the CPU, without ever waiting for their device.
//
// A tensor is enqueued: reductions are put on the current stream of its device, and the statistics are a promise. At
// the end of a step send() gathers what was enqueued into one buffer a device and has it copied to the host behind the
// reductions; arrived() asks an event. The promises are kept when it has come, one step later as a rule.
//
// Invisible to the program: below autograd and autocast, not seen by RecordFunction, no random numbers, memory from
// LibTorch's caching allocator, work only on streams that are current. Streams other than that of send() are waited for
// by it, on the device. Not thread-safe: belongs to one thread, and to those of the backward pass while that thread
// waits for them. Nothing throws but for want of memory on the host.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include "probes/promise.h"
#include "probes/statistics.h"

namespace sonde::probes {

class DeviceStatistics {
 public:
  // What is enqueued here. `all` is for tests: tensors of the CPU then go the same way.
  enum class Devices : std::uint8_t { others, all };
  explicit DeviceStatistics(Devices devices = Devices::others) : devices_(devices) {}
  DeviceStatistics(const DeviceStatistics&) = delete;
  DeviceStatistics& operator=(const DeviceStatistics&) = delete;

  void take(Devices devices) { devices_ = devices; }

  // False: it is for others to look at, or its device has been found to lack an operator.
  [[nodiscard]] bool takes(const at::TensorImpl& impl) const noexcept {
    return impl.is_cpu() ? devices_ == Devices::all : takes_device(impl);
  }

  // Null if `stats` is now a promise, or already all there is to know (a tensor without elements); else why not.
  // `unit_dimension` is one of the tensor's or -1. REQUIRES: takes(impl).
  const char* enqueue(const at::TensorImpl& impl, const Tails* tails, int unit_dimension, trace::TensorStats& stats);

  // Promises of which only finiteness() means something, cheaply for many tensors at once. False: not enqueued.
  // REQUIRES: takes() each of them.
  bool enqueue_finiteness(const std::vector<at::Tensor>& tensors, std::vector<trace::TensorStats>& stats);

  // The promise of up to `limit` elements, evenly spread; kept with keep_elements(). Not a promise: there are none.
  [[nodiscard]] trace::TensorStats enqueue_elements(const at::TensorImpl& impl, std::size_t limit);

  // True once something was enqueued.
  [[nodiscard]] bool used() const noexcept { return next_row_ > 0; }

  // Sends what was enqueued since the last call. Returns a mark: all rows so far.
  std::uint64_t send();
  [[nodiscard]] bool arrived(std::uint64_t mark);
  void wait(std::uint64_t mark);  // the only member that waits for a device

  // Turns a promise that has arrived into what it promised, and marks the units that are alive (see MeasureOptions) if
  // `alive` is long enough. False if it cannot be kept: not arrived, failed, or too long ago.
  [[nodiscard]] bool keep(trace::TensorStats& stats, std::span<std::uint8_t> alive = {});
  [[nodiscard]] bool keep_elements(const trace::TensorStats& promise, std::vector<double>& values) const;

 private:
  [[nodiscard]] bool takes_device(const at::TensorImpl& impl) const noexcept;
  struct Row {
    at::Tensor values;  // on the device, doubles; gone once sent
    std::optional<c10::Stream> stream;
    std::size_t transfer = 0;  // index in its batch
    std::size_t offset = 0;    // in the transfer
    std::size_t length = 0;
    std::uint64_t elements = 0;  // of the tensor
    std::uint64_t repeat = 1;
    bool finiteness = false;  // one number that is finite if all elements are
  };
  struct Transfer {  // of one device
    at::Tensor device, host;
    std::optional<c10::Event> event;
    bool arrived = false;
  };
  struct Batch {
    std::uint64_t first_row = 0;
    std::vector<Row> rows;
    std::vector<Transfer> transfers;
    std::vector<at::Tensor> kept;  // what streams may still read
    bool arrived = false;
    bool failed = false;
  };

  trace::TensorStats add(at::Tensor values, std::uint64_t elements, std::uint64_t repeat, bool finiteness);
  void gather(Batch& batch);
  static void copy_to_host(Transfer& transfer);
  [[nodiscard]] const Row* find(std::uint64_t number, const double** values) const;
  template <class Enqueue>
  const char* safely(c10::DeviceType type, const Enqueue& enqueue);

  Devices devices_;
  std::uint64_t next_row_ = 0;
  std::vector<Row> rows_;  // since the last send()
  std::deque<Batch> batches_;
  std::vector<c10::DeviceType> able_, unable_;  // to compute what is needed
  std::vector<float> unit_maxima_;
};

}  // namespace sonde::probes
