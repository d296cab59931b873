#include "runtime/worker.h"

#include <atomic>
#include <latch>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sonde::runtime {
namespace {

using trace::Record;
using trace::RecordKind;

constexpr std::size_t kCapacity = 256;
constexpr bool kPolled = false;
constexpr bool kBackground = true;

class CollectingSink : public Sink {
 public:
  void consume(std::span<const Record> records) override {
    ++calls;
    if (throws) throw std::runtime_error("no idea");
    seen.insert(seen.end(), records.begin(), records.end());
    arrived.store(seen.size());
    arrived.notify_all();
  }
  [[nodiscard]] bool broken() const noexcept override { return is_broken; }
  [[nodiscard]] bool suspicious() const noexcept override { return is_suspicious; }

  void wait_for(std::size_t count) const {
    for (auto have = arrived.load(); have < count; have = arrived.load()) arrived.wait(have);
  }

  std::vector<Record> seen;
  std::atomic<std::size_t> arrived{0};
  int calls = 0;
  bool throws = false;
  bool is_broken = false;
  bool is_suspicious = false;
};

class WorkerTest : public testing::Test {
 protected:
  static Record step(std::uint64_t number, RecordKind kind = RecordKind::tensor) {
    Record record;
    record.kind = kind;
    record.step = number;
    return record;
  }
  [[nodiscard]] std::vector<std::uint64_t> steps() const {
    std::vector<std::uint64_t> result;
    for (const Record& record : sink.seen) result.push_back(record.step);
    return result;
  }

  CollectingSink sink;
  std::vector<std::string> messages;
  Troubles troubles{[this](std::string_view message) { messages.emplace_back(message); }};
};

using Steps = std::vector<std::uint64_t>;

TEST_F(WorkerTest, DeliversNothingBeforeItIsAsked) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  worker.producer_for_this_thread().push(step(1));
  EXPECT_EQ(sink.calls, 0);
  (void)worker.drained();
  EXPECT_EQ(steps(), Steps{1});
}

TEST_F(WorkerTest, DeliversWhatOneThreadPushedInOneCall) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  for (std::uint64_t i = 0; i < 10; ++i) worker.producer_for_this_thread().push(step(i));
  (void)worker.drained();
  EXPECT_EQ(sink.calls, 1);
  EXPECT_EQ(sink.seen.size(), 10U);
  EXPECT_EQ(worker.pushed(), 10U);
}

TEST_F(WorkerTest, DeliversNothingTwice) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  worker.producer_for_this_thread().push(step(1));
  (void)worker.drained();
  (void)worker.drained();
  EXPECT_EQ(steps(), Steps{1});
}

TEST_F(WorkerTest, GivesAThreadTheSameProducerEachTime) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  EXPECT_EQ(&worker.producer_for_this_thread(), &worker.producer_for_this_thread());
  EXPECT_EQ(worker.rings(), 1U);
}

TEST_F(WorkerTest, KeepsTheProducersOfTwoWorkersApart) {
  CollectingSink other_sink;
  Worker worker(sink, troubles, kCapacity, kPolled);
  Worker other(other_sink, troubles, kCapacity, kPolled);
  for (std::uint64_t i = 0; i < 3; ++i) {
    worker.producer_for_this_thread().push(step(i));
    other.producer_for_this_thread().push(step(100 + i));
  }
  (void)worker.drained();
  (void)other.drained();
  EXPECT_EQ(steps(), (Steps{0, 1, 2}));
  EXPECT_EQ(other_sink.seen.front().step, 100U);
  EXPECT_EQ(other_sink.seen.size(), 3U);
}

TEST_F(WorkerTest, DoesNotTakeAWorkerAtTheSameAddressForTheOneBefore) {
  alignas(Worker) std::byte memory[sizeof(Worker)];
  auto* worker = new (memory) Worker(sink, troubles, kCapacity, kPolled);
  worker->producer_for_this_thread().push(step(1));
  worker->~Worker();
  worker = new (memory) Worker(sink, troubles, kCapacity, kPolled);
  worker->producer_for_this_thread().push(step(2));
  (void)worker->drained();
  EXPECT_EQ(steps(), Steps{2});
  worker->~Worker();
}

TEST_F(WorkerTest, DeliversRecordsOfSeveralThreadsInTheOrderPushed) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  for (std::uint64_t i = 0; i < 8; ++i) {
    worker.producer_for_this_thread().push(step(2 * i));
    std::thread([&] { worker.producer_for_this_thread().push(step(2 * i + 1)); }).join();
  }
  (void)worker.drained();
  EXPECT_EQ(steps(), (Steps{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
}

TEST_F(WorkerTest, DeliversWhatADeadThreadLeftBehind) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  std::thread([&] { worker.producer_for_this_thread().push(step(7)); }).join();
  (void)worker.drained();
  EXPECT_EQ(steps(), Steps{7});
}

TEST_F(WorkerTest, GivesTheRingOfADeadThreadToTheNextOne) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  for (std::uint64_t i = 0; i < 20; ++i) {
    std::thread([&] { worker.producer_for_this_thread().push(step(i)); }).join();
    (void)worker.drained();
  }
  EXPECT_EQ(sink.seen.size(), 20U);
  EXPECT_EQ(worker.rings(), 1U);
}

TEST_F(WorkerTest, DoesNotShareTheRingOfALivingThread) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  worker.producer_for_this_thread().push(step(0));
  std::thread([&] { worker.producer_for_this_thread().push(step(1)); }).join();
  EXPECT_EQ(worker.rings(), 2U);
}

TEST_F(WorkerTest, MayEndBeforeAThreadThatPushed) {
  auto worker = std::make_unique<Worker>(sink, troubles, kCapacity, kPolled);
  std::latch pushed(1);
  std::latch ended(1);
  std::thread thread([&] {
    worker->producer_for_this_thread().push(step(1));
    pushed.count_down();
    ended.wait();
  });
  pushed.wait();
  worker.reset();
  ended.count_down();
  thread.join();
}

TEST_F(WorkerTest, CountsDropsAndTellsThemOnce) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  for (std::uint64_t i = 0; i < 2 * kCapacity; ++i) worker.producer_for_this_thread().push(step(i));
  EXPECT_EQ(worker.dropped(), kCapacity + kCapacity / 16);
  (void)worker.drained();
  (void)worker.drained();
  troubles.tell();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages[0], testing::HasSubstr("records dropped"));
  EXPECT_EQ(worker.pushed(), sink.seen.size());
}

TEST_F(WorkerTest, SaysNothingWhenNothingWasDropped) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  worker.producer_for_this_thread().push(step(0));
  (void)worker.drained();
  troubles.tell();
  EXPECT_TRUE(messages.empty());
}

TEST_F(WorkerTest, HasRoomForTheEndOfAStepWhenTensorsAreDropped) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  Producer& producer = worker.producer_for_this_thread();
  for (std::uint64_t i = 0; i < 2 * kCapacity; ++i) producer.push(step(i));
  producer.push(step(9999, RecordKind::step_end));
  (void)worker.drained();
  EXPECT_EQ(sink.seen.back().step, 9999U);
}

TEST_F(WorkerTest, DeliversInOrderAfterDrops) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  Producer& producer = worker.producer_for_this_thread();
  for (std::uint64_t i = 0; i < 2 * kCapacity; ++i) producer.push(step(i));
  (void)worker.drained();
  producer.push(step(5000));
  (void)worker.drained();
  EXPECT_EQ(sink.seen.back().step, 5000U);
}

TEST_F(WorkerTest, PublishesTheVerdictAfterEachDrain) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  sink.is_broken = sink.is_suspicious = true;
  EXPECT_FALSE(worker.broken());
  (void)worker.drained();
  EXPECT_TRUE(worker.broken());
  EXPECT_TRUE(worker.suspicious());
  sink.is_suspicious = false;
  (void)worker.drained();
  EXPECT_FALSE(worker.suspicious());
}

TEST_F(WorkerTest, CountsWhatTheSinkThrowsAndTellsItOnce) {
  Worker worker(sink, troubles, kCapacity, kPolled);
  sink.throws = true;
  for (std::uint64_t i = 0; i < 3; ++i) {
    worker.producer_for_this_thread().push(step(i));
    (void)worker.drained();
    troubles.tell();
  }
  sink.throws = false;
  worker.producer_for_this_thread().push(step(3));
  (void)worker.drained();
  EXPECT_EQ(messages,
            std::vector<std::string>{"sonde: the analysis failed: no idea (at step 0); the training is not affected"});
  EXPECT_EQ(troubles.count("the analysis failed"), 3U);
  EXPECT_EQ(steps(), Steps{3});
}

TEST_F(WorkerTest, DrainsInTheBackgroundWithoutBeingAsked) {
  Worker worker(sink, troubles, kCapacity, kBackground);
  worker.producer_for_this_thread().push(step(1));
  sink.wait_for(1);
}

TEST_F(WorkerTest, DrainsInTheBackgroundWhenAStepLeavesTheRingHalfFull) {
  Worker worker(sink, troubles, kCapacity, kBackground);
  Producer& producer = worker.producer_for_this_thread();
  for (std::size_t i = 0; i < kCapacity / 2; ++i) producer.push(step(0));
  worker.end_step(producer);
  sink.wait_for(kCapacity / 2);
}

TEST_F(WorkerTest, LosesNothingBetweenManyThreadsAndManyDrainers) {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kEach = 5000;
  Worker worker(sink, troubles, 2 * kThreads * kEach, kBackground);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Producer& producer = worker.producer_for_this_thread();
      for (std::uint64_t i = 0; i < kEach; ++i) {
        Record record = step(i);
        record.site = static_cast<std::uint32_t>(t);
        producer.push(record);
        if (i % 1000 == 0) (void)worker.drained();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto lock = worker.drained();
  ASSERT_EQ(sink.seen.size(), kThreads * kEach);
  std::uint64_t next[kThreads] = {};
  for (std::size_t i = 0; i < sink.seen.size(); ++i) {
    ASSERT_EQ(sink.seen[i].sequence, i);
    ASSERT_EQ(sink.seen[i].step, next[sink.seen[i].site]++);
  }
}

TEST_F(WorkerTest, EndsWhileRecordsWait) {
  for (int i = 0; i < 20; ++i) {
    Worker worker(sink, troubles, kCapacity, kBackground);
    worker.producer_for_this_thread().push(step(0));
  }
}

TEST(Troubles, AreToldOncePerKind) {
  std::vector<std::string> messages;
  Troubles troubles([&](std::string_view message) { messages.emplace_back(message); });
  troubles.note("a", "first");
  troubles.note("a", "second");
  troubles.note("b", "third");
  EXPECT_TRUE(messages.empty());
  troubles.tell();
  troubles.tell();
  EXPECT_EQ(messages, (std::vector<std::string>{"sonde: a: first", "sonde: b: third"}));
}

TEST(Troubles, SwallowWhatTheCallbackThrows) {
  Troubles troubles([](std::string_view) { throw std::runtime_error("from the user"); });
  troubles.note("a", "first");
  EXPECT_NO_THROW(troubles.tell());
}

}  // namespace
}  // namespace sonde::runtime
