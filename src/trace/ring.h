// Ring: a wait-free bounded queue for one producing and one consuming thread.
//
// Invariants: head <= tail <= head + capacity, counted modulo the index type; slots in [head, tail) belong to the
// consumer, all others to the producer. Both indices run freely and are masked only to address a slot, so that a full
// ring differs from an empty one without a spare slot. Each side keeps a copy of the other's index and looks at the
// real one only when the copy no longer suffices: the cache lines of the indices rarely travel.
//
// Knows nothing of what it carries. All memory is allocated and touched in the constructor, or comes from outside: a
// trace file, where it outlives the process. Slots that were released stay as they are until they are overwritten.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "trace/sequence.h"

namespace sonde::trace {

// What the producing side of a ring writes beside the slots.
template <std::unsigned_integral Index = std::size_t>
struct alignas(kCacheLine) RingEnd {
  std::atomic<Index> tail{0};
  Index head = 0;  // what the consumer's index was when last looked at
  std::atomic<std::uint64_t> dropped{0};
};

// `Index` is a parameter so that a test can wrap it around with uint8_t.
//
// Thread-safety: try_push() and try_write() belong to one thread at a time, read() and release() to one thread at a
// time; a hand-over to another thread needs a synchronisation of the caller's. dropped(), capacity() and size() may be
// called from any thread.
template <typename T, std::unsigned_integral Index = std::size_t>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>, "slots are overwritten without being destroyed");
  static_assert(std::atomic<Index>::is_always_lock_free);

 public:
  // The filled slots, oldest first: in two pieces where they go round the end of the memory, else `second` is empty.
  struct Batch {
    std::span<const T> first;
    std::span<const T> second;
    [[nodiscard]] std::size_t size() const noexcept { return first.size() + second.size(); }
    [[nodiscard]] bool empty() const noexcept { return first.empty(); }
  };

  // Memory from outside, which must outlive the ring: its end as it was made, and a power of two of slots.
  struct Memory {
    RingEnd<Index>* end;
    std::span<T> slots;
  };

  // At least `capacity` slots, rounded up to a power of two. Throws std::invalid_argument if that is 0 or more than
  // half of what Index can count, and std::bad_alloc.
  explicit Ring(std::size_t capacity)
      : mask_(checked(capacity) - 1),
        own_slots_(new (std::align_val_t{kAlign}) T[mask_ + std::size_t{1}]()),
        slots_(own_slots_.get()),
        producer_(&own_end_) {}

  // Throws std::invalid_argument if there is no power of two of slots.
  explicit Ring(Memory memory)
      : mask_(checked(memory.slots.size()) - 1), slots_(memory.slots.data()), producer_(memory.end) {
    if (capacity() != memory.slots.size())
      throw std::invalid_argument("ring memory of " + std::to_string(memory.slots.size()) +
                                  " slots, wanted a power of two");
  }

  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Producer. Lets `fill(T& slot)` write the next slot; the slot holds old contents before. False, and the drop is
  // counted, if fewer than `keep_free` + 1 slots are free.
  template <typename Fill>
  [[nodiscard]] bool try_write(Fill&& fill, std::size_t keep_free = 0) noexcept {
    static_assert(std::is_nothrow_invocable_v<Fill, T&>);
    RingEnd<Index>& end = *producer_;
    const Index tail = end.tail.load(std::memory_order_relaxed);  // own index
    if (used(tail, end.head) + keep_free > mask_) {
      // Pairs with the release in release(): the consumer has done reading the slots we are about to overwrite.
      end.head = consumer_.head.load(std::memory_order_acquire);
      if (used(tail, end.head) + keep_free > mask_) {
        // Single writer, so no read-modify-write; relaxed because nothing else is read by way of it.
        end.dropped.store(end.dropped.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return false;
      }
    }
    T* const slot = &slots_[tail & mask_];
    __builtin_prefetch(slot + kPrefetch, 1);
    fill(*slot);
    // Pairs with the acquire in read(): whoever sees the new tail sees the slot.
    end.tail.store(static_cast<Index>(tail + 1), std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool try_push(const T& value, std::size_t keep_free = 0) noexcept {
    return try_write([&](T& slot) noexcept { slot = value; }, keep_free);
  }

  // Consumer. Everything pushed until now; valid until released.
  [[nodiscard]] Batch read() noexcept {
    const Index head = consumer_.head.load(std::memory_order_relaxed);  // own index
    // Pairs with the release in try_write(). The batch reaches up to here, so there is no use for a cached copy.
    const std::size_t filled = used(producer_->tail.load(std::memory_order_acquire), head);
    const std::size_t start = head & mask_;
    const std::size_t straight = std::min(filled, mask_ + std::size_t{1} - start);
    return {{&slots_[start], straight}, {&slots_[0], filled - straight}};
  }

  // Consumer. Gives the oldest `count` slots back. REQUIRES: count <= read().size().
  void release(std::size_t count) noexcept {
    const Index head = consumer_.head.load(std::memory_order_relaxed);  // own index
    // Pairs with the acquire in try_write(): our reads are done before the slots are overwritten.
    consumer_.head.store(static_cast<Index>(head + count), std::memory_order_release);
  }

  // How many values were refused because the ring was full.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return producer_->dropped.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + std::size_t{1}; }

  // How many slots are filled: exact for the producer until the consumer moves, and the reverse; from elsewhere a
  // value of the recent past.
  [[nodiscard]] std::size_t size() const noexcept {
    // Head first, so that the tail cannot be behind it; acquire keeps the order of the two loads.
    const Index head = consumer_.head.load(std::memory_order_acquire);
    return std::min(used(producer_->tail.load(std::memory_order_relaxed), head), capacity());
  }

 private:
  static constexpr std::size_t kAlign = std::max(kCacheLine, alignof(T));
  static constexpr std::size_t kPrefetch = std::max<std::size_t>(1, 8 * kCacheLine / sizeof(T));

  struct Free {
    void operator()(T* memory) const noexcept { ::operator delete[](memory, std::align_val_t{kAlign}); }
  };

  static std::size_t checked(std::size_t capacity) {
    constexpr std::size_t most = std::numeric_limits<Index>::max() / 2 + std::size_t{1};
    if (capacity == 0 || capacity > most) {
      throw std::invalid_argument("ring capacity " + std::to_string(capacity) + " is not in [1, " +
                                  std::to_string(most) + "]");
    }
    return std::bit_ceil(capacity);
  }

  static std::size_t used(Index tail, Index head) noexcept { return static_cast<Index>(tail - head); }

  // Three groups of cache lines: what both sides only read, what the producer writes, what the consumer writes.
  alignas(kCacheLine) const std::size_t mask_;
  const std::unique_ptr<T[], Free> own_slots_;
  T* const slots_;
  RingEnd<Index>* const producer_;
  RingEnd<Index> own_end_;
  struct alignas(kCacheLine) {
    std::atomic<Index> head{0};
  } consumer_;
};

}  // namespace sonde::trace
