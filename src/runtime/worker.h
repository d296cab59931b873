// Worker: takes the records of all producing threads to one sink, in the order pushed.
//
// Each producing thread has a ring of its own, made on first use and given to another thread after it has died and its
// ring has been emptied. Records carry a number in the order pushed; the worker delivers them strictly by it, so that
// what happens before is delivered before, whichever thread pushed it, and stops where a number is still on its way.
// The sink is thus called as if there were one thread and one queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "runtime/producer.h"
#include "runtime/trouble.h"
#include "trace/record.h"
#include "trace/ring.h"

namespace sonde::runtime {

// Where records go. Called by one thread at a time, with everything in order and nothing twice. What consume() throws
// is counted as a trouble; the records of that call are not delivered again.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void consume(std::span<const trace::Record> records) = 0;
  [[nodiscard]] virtual bool broken() const noexcept = 0;
  [[nodiscard]] virtual bool suspicious() const noexcept = 0;
};

// Thread-safety: all members may be called from any thread, but the destructor: no thread may push any more, nor call
// another member, when it begins. Threads that once pushed may live on.
class Worker {
 public:
  struct Extras {
    trace::Sequence* sequence = nullptr;  // numbers the records; null: one of the worker's own
    // Memory for a thread's ring, or nothing: the worker's own then. Called on the thread's first push, under a lock.
    std::function<std::optional<trace::Ring<trace::Record>::Memory>()> ring_memory;
    std::function<void()> after_drain;  // called by the background thread, under no lock
  };

  // Sink and troubles must outlive the worker. `ring_capacity` is that of each thread's ring. With `background`, a thread
  // drains every 10 to 50 ms, and when woken; if it cannot be started, that is a trouble, and drained() has to be called.
  Worker(Sink& sink, Troubles& troubles, std::size_t ring_capacity, bool background)
      : Worker(sink, troubles, ring_capacity, background, Extras{}) {}
  Worker(Sink& sink, Troubles& troubles, std::size_t ring_capacity, bool background, Extras extras);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The calling thread's producer, valid until this thread or the worker ends. The first call of a thread takes a lock
  // and may allocate a ring (std::bad_alloc); later ones are a comparison. Not for destructors of thread_local objects.
  [[nodiscard]] Producer& producer_for_this_thread();

  // The calling thread has pushed the last record of a step. Costs a look at the ring's indices; only if the ring is half
  // full, the background thread is woken, at the price of a system call.
  void end_step(const Producer& producer) noexcept;

  // True while there is a background thread; stop() ends it. After that drained() has to be called. Not for several threads.
  [[nodiscard]] bool background() const noexcept { return thread_.joinable(); }
  void stop();

  // Lets the background thread drain now.
  void wake() noexcept;

  // Delivers, on the calling thread, all that was pushed before the call (but for records a thread is just pushing),
  // and returns the lock under which the sink may be read. Messages of troubles wait until Troubles::tell().
  [[nodiscard]] std::unique_lock<std::mutex> drained();

  // The sink's verdict after the last drain.
  [[nodiscard]] bool broken() const noexcept { return broken_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool suspicious() const noexcept { return suspicious_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t pushed() const noexcept { return sequence_.next.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const;
  [[nodiscard]] std::size_t rings() const;  // how many there are, in use or not

 private:
  // Shared by a producing thread and the worker, so that either may end first.
  struct Lease {
    std::atomic<bool> ended{false};
  };
  struct Slot {
    std::unique_ptr<Producer> producer;
    std::shared_ptr<Lease> lease;  // null: free for the next thread
  };
  class ThreadLeases;

  std::shared_ptr<Lease> lease_slot(Producer*& producer);
  void run(const std::stop_token& stop);
  void drain();
  std::uint64_t deliver_in_order(Producer& producer);
  void deliver(std::span<const trace::Record> records);

  Sink& sink_;
  Troubles& troubles_;
  const std::size_t ring_capacity_;
  const std::uint64_t id_;  // unique in the process, unlike an address
  const Extras extras_;
  Sequence own_sequence_;
  Sequence& sequence_;

  std::mutex drain_mutex_;  // the right to consume; taken before registry_mutex_
  std::uint64_t delivered_ = 0;
  bool told_drops_ = false;

  mutable std::mutex registry_mutex_;
  std::vector<Slot> slots_;

  std::atomic<bool> broken_{false};
  std::atomic<bool> suspicious_{false};

  std::mutex wake_mutex_;
  std::condition_variable wake_condition_;
  std::atomic<bool> wanted_{false};
  std::jthread thread_;  // last: it ends before the rest
};

}  // namespace sonde::runtime
