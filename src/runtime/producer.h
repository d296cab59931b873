// Producer: the training thread's end. What it costs there: about 13 ns a record.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "trace/record.h"
#include "trace/ring.h"
#include "trace/sequence.h"

namespace sonde::runtime {

using trace::Sequence;

// Thread-safety: push() and end_step() belong to the one thread that got the producer; dropped() to any.
class Producer {
 public:
  Producer(std::size_t capacity, Sequence& sequence) : sequence_(sequence), ring_(capacity) {}
  // With a ring in memory from outside, which must outlive the producer.
  Producer(trace::Ring<trace::Record>::Memory memory, Sequence& sequence) : sequence_(sequence), ring_(memory) {}

  // Wait-free: no lock, no allocation, no system call. A record that finds the ring full is dropped and counted. The last
  // sixteenth is kept for the few records that hold a step together, which matter more than one tensor of many.
  void push(const trace::Record& record) noexcept {
    const std::size_t keep_free = record.kind == trace::RecordKind::tensor ? ring_.capacity() / 16 : 0;
    (void)ring_.try_write(
        [&](trace::Record& slot) noexcept {
          // Relaxed: if one push happens before another, coherence of this one counter gives it the smaller number.
          // First: the processor lets it wait for all stores before it, and those to the slot may miss the cache.
          const auto number = static_cast<std::uint32_t>(sequence_.next.fetch_add(1, std::memory_order_relaxed));
          slot = record;
          slot.sequence = number;
        },
        keep_free);
  }

  [[nodiscard]] std::uint64_t dropped() const noexcept { return ring_.dropped(); }

  [[nodiscard]] bool half_full() const noexcept { return ring_.size() >= ring_.capacity() / 2; }

  // The consuming side, for the worker alone.
  [[nodiscard]] trace::Ring<trace::Record>& ring() noexcept { return ring_; }

 private:
  Sequence& sequence_;
  trace::Ring<trace::Record> ring_;
};

}  // namespace sonde::runtime
