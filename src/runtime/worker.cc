#include "runtime/worker.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <signal.h>

namespace sonde::runtime {
namespace {

// How long records wait for the thread (less where a ring is half full): kPeriod at first and while something is suspected,
// later a hundredth of what has gone by, for on short steps waking up costs as much as all it does then.
constexpr std::chrono::milliseconds kPeriod{10}, kLongestPeriod{50};

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// The producer this thread used last. Without constructor or destructor, so that looking at it costs no guard.
struct Last {
  std::uint64_t worker = 0;
  Producer* producer = nullptr;
};
constinit thread_local Last last_used;

// Signals are for the user's threads: a new thread inherits the mask of its maker.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

// All producers of one thread, over all workers.
class Worker::ThreadLeases {
 public:
  ~ThreadLeases() {
    last_used = {};
    // Pairs with the acquire in drain(): whoever sees the end sees all that was pushed.
    for (const Held& held : held_) held.lease->ended.store(true, std::memory_order_release);
  }

  Producer& producer_of(Worker& worker) {
    const auto found =
        std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.worker == worker.id_; });
    if (found != held_.end()) return *found->producer;
    // Workers that have ended gave their side up.
    std::erase_if(held_, [](const Held& held) { return held.lease.use_count() == 1; });
    held_.reserve(held_.size() + 1);
    Producer* producer = nullptr;
    auto lease = worker.lease_slot(producer);
    held_.push_back({worker.id_, producer, std::move(lease)});
    return *producer;
  }

 private:
  struct Held {
    std::uint64_t worker;
    Producer* producer;
    std::shared_ptr<Lease> lease;
  };
  std::vector<Held> held_;
};

Worker::Worker(Sink& sink, Troubles& troubles, std::size_t ring_capacity, bool background, Extras extras)
    : sink_(sink),
      troubles_(troubles),
      ring_capacity_(ring_capacity),
      id_(next_id()),
      extras_(std::move(extras)),
      sequence_(extras_.sequence != nullptr ? *extras_.sequence : own_sequence_) {
  if (!background) return;
  const SignalsBlocked blocked;
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  } catch (const std::system_error& error) {
    troubles_.note("no analysis thread",
                   std::string(error.what()) + "; nothing is analysed until a report is asked for");
  }
}

Worker::~Worker() { stop(); }

void Worker::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  // With the lock, so that the thread is either asleep or has not looked yet.
  { const std::lock_guard lock(wake_mutex_); }
  wake_condition_.notify_one();
  thread_.join();
}

[[gnu::hot]] Producer& Worker::producer_for_this_thread() {
  if (last_used.worker != id_) {
    thread_local ThreadLeases leases;
    last_used = {id_, &leases.producer_of(*this)};
  }
  return *last_used.producer;
}

std::shared_ptr<Worker::Lease> Worker::lease_slot(Producer*& producer) {
  auto lease = std::make_shared<Lease>();
  const std::lock_guard lock(registry_mutex_);
  auto slot = std::find_if(slots_.begin(), slots_.end(), [](const Slot& candidate) { return !candidate.lease; });
  if (slot == slots_.end()) {
    const auto memory = extras_.ring_memory ? extras_.ring_memory() : std::nullopt;
    slots_.push_back({memory ? std::make_unique<Producer>(*memory, sequence_)
                             : std::make_unique<Producer>(ring_capacity_, sequence_),
                      nullptr});
    slot = slots_.end() - 1;
  }
  slot->lease = lease;
  producer = slot->producer.get();
  return lease;
}

[[gnu::hot]] void Worker::end_step(const Producer& producer) noexcept {
  if (producer.half_full()) wake();
}

void Worker::wake() noexcept {
  // No lock: a wake-up that falls between the thread's look at the flag and its sleep comes one period late.
  wanted_.store(true, std::memory_order_relaxed);
  wake_condition_.notify_one();
}

void Worker::run(const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const auto asked = [&] { return stop.stop_requested() || wanted_.exchange(false, std::memory_order_relaxed); };
  while (!stop.stop_requested()) {
    {
      const Clock::duration period =
          suspicious() ? kPeriod : std::clamp<Clock::duration>((Clock::now() - began) / 100, kPeriod, kLongestPeriod);
      std::unique_lock lock(wake_mutex_);
      wake_condition_.wait_for(lock, period, asked);
    }
    try {
      (void)drained();
      if (extras_.after_drain) extras_.after_drain();
    } catch (const std::exception& error) {  // for want of memory; the records stay in their rings
      troubles_.note("the analysis failed", error.what());
    }
    troubles_.tell();
  }
}

std::unique_lock<std::mutex> Worker::drained() {
  std::unique_lock lock(drain_mutex_);
  drain();
  // Relaxed: the flags stand for themselves; whoever wants to know more asks for a report, which locks.
  broken_.store(sink_.broken(), std::memory_order_relaxed);
  suspicious_.store(sink_.suspicious(), std::memory_order_relaxed);
  const std::uint64_t lost = dropped();
  if (lost > 0 && std::exchange(told_drops_, true) == false) {
    troubles_.note("records dropped",
                   "the analysis is behind by more than Options::ring_capacity = " + std::to_string(ring_capacity_) +
                       " records; the report says how many are lost");
  }
  return lock;
}

// REQUIRES: drain_mutex_ is held.
void Worker::drain() {
  const std::uint64_t until = pushed();  // not what is pushed meanwhile, or a fast producer would hold us for ever
  std::vector<Producer*> producers;
  std::vector<bool> ended;
  {
    const std::lock_guard lock(registry_mutex_);
    for (const Slot& slot : slots_) {
      producers.push_back(slot.producer.get());
      // Pairs with the release in ~ThreadLeases(); before the ring is read, so that an ended thread's ring is complete.
      ended.push_back(slot.lease && slot.lease->ended.load(std::memory_order_acquire));
    }
  }
  for (bool progress = true; progress && delivered_ < until;) {
    progress = false;
    for (Producer* producer : producers) {
      if (deliver_in_order(*producer) > 0) progress = true;
    }
  }
  if (std::find(ended.begin(), ended.end(), true) == ended.end()) return;
  const std::lock_guard lock(registry_mutex_);
  for (std::size_t i = 0; i < producers.size(); ++i) {
    if (ended[i] && producers[i]->ring().read().empty()) slots_[i].lease = nullptr;
  }
}

// Delivers the records of one ring as far as they are next. Returns how many.
std::uint64_t Worker::deliver_in_order(Producer& producer) {
  const auto batch = producer.ring().read();
  std::uint64_t count = 0;
  for (const auto piece : {batch.first, batch.second}) {
    std::size_t run = 0;
    while (run < piece.size() && piece[run].sequence == static_cast<std::uint32_t>(delivered_ + run)) ++run;
    if (run > 0) deliver(piece.first(run));
    delivered_ += run;
    count += run;
    if (run < piece.size()) break;
  }
  producer.ring().release(count);
  return count;
}

void Worker::deliver(std::span<const trace::Record> records) {
  try {
    sink_.consume(records);
  } catch (const std::exception& error) {
    troubles_.note("the analysis failed", std::string(error.what()) + " (at step " +
                                              std::to_string(records.front().step) + "); the training is not affected");
  } catch (...) { troubles_.note("the analysis failed", "an unknown exception; the training is not affected"); }
}

std::uint64_t Worker::dropped() const {
  const std::lock_guard lock(registry_mutex_);
  std::uint64_t sum = 0;
  for (const Slot& slot : slots_) sum += slot.producer->dropped();
  return sum;
}

std::size_t Worker::rings() const {
  const std::lock_guard lock(registry_mutex_);
  return slots_.size();
}

}  // namespace sonde::runtime
