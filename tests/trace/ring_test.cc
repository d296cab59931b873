#include "trace/ring.h"

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trace/record.h"

namespace sonde::trace {
namespace {

template <typename T, typename Index>
std::vector<T> take_all(Ring<T, Index>& ring) {
  const auto batch = ring.read();
  std::vector<T> values(batch.first.begin(), batch.first.end());
  values.insert(values.end(), batch.second.begin(), batch.second.end());
  ring.release(batch.size());
  return values;
}

TEST(Ring, RefusesACapacityItsIndexCannotCount) {
  EXPECT_THROW((Ring<int, std::uint8_t>(0)), std::invalid_argument);
  EXPECT_THROW((Ring<int, std::uint8_t>(129)), std::invalid_argument);
  EXPECT_EQ((Ring<int, std::uint8_t>(128).capacity()), 128U);
}

TEST(Ring, RoundsTheCapacityUpToAPowerOfTwo) { EXPECT_EQ(Ring<int>(100).capacity(), 128U); }

TEST(Ring, IsEmptyAtFirst) {
  Ring<int> ring(4);
  EXPECT_TRUE(ring.read().empty());
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_EQ(ring.dropped(), 0U);
}

TEST(Ring, GivesBackWhatWasPushedInOrder) {
  Ring<int> ring(4);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ring.try_push(i));
  EXPECT_EQ(take_all(ring), (std::vector{0, 1, 2}));
  EXPECT_TRUE(ring.read().empty());
}

TEST(Ring, DropsTheNewestAndCountsItWhenFull) {
  Ring<int> ring(2);
  EXPECT_TRUE(ring.try_push(1));
  EXPECT_TRUE(ring.try_push(2));
  EXPECT_FALSE(ring.try_push(3));
  EXPECT_FALSE(ring.try_push(4));
  EXPECT_EQ(ring.dropped(), 2U);
  EXPECT_EQ(take_all(ring), (std::vector{1, 2}));
  EXPECT_TRUE(ring.try_push(5));
  EXPECT_EQ(take_all(ring), (std::vector{5}));
}

TEST(Ring, UsesItsLastSlot) {
  Ring<int> ring(1);
  EXPECT_TRUE(ring.try_push(1));
  EXPECT_FALSE(ring.try_push(2));
  EXPECT_EQ(take_all(ring), (std::vector{1}));
}

TEST(Ring, KeepsSlotsFreeForThoseWhoDoNotAskToKeepThem) {
  Ring<int> ring(4);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ring.try_push(i, 1));
  EXPECT_FALSE(ring.try_push(3, 1));
  EXPECT_TRUE(ring.try_push(4));
  EXPECT_FALSE(ring.try_push(5));
  EXPECT_EQ(take_all(ring), (std::vector{0, 1, 2, 4}));
}

TEST(Ring, GivesTwoPiecesWhereTheContentsGoRoundTheEnd) {
  Ring<int> ring(4);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ring.try_push(i));
  ring.release(3);
  for (int i = 3; i < 6; ++i) EXPECT_TRUE(ring.try_push(i));
  const auto batch = ring.read();
  EXPECT_EQ((std::vector(batch.first.begin(), batch.first.end())), (std::vector{3}));
  EXPECT_EQ((std::vector(batch.second.begin(), batch.second.end())), (std::vector{4, 5}));
}

TEST(Ring, KeepsWhatWasReadButNotReleased) {
  Ring<int> ring(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.try_push(i));
  ring.release(1);
  EXPECT_TRUE(ring.try_push(4));
  EXPECT_FALSE(ring.try_push(5));
  EXPECT_EQ(take_all(ring), (std::vector{1, 2, 3, 4}));
}

TEST(Ring, GoesOnWhenItsIndexWrapsAround) {
  Ring<int, std::uint8_t> ring(128);
  int next = 0;
  for (int round = 0; round < 100; ++round) {
    const int size = 1 + round % 128;
    for (int i = 0; i < size; ++i) ASSERT_TRUE(ring.try_push(next + i));
    ASSERT_EQ(ring.size(), static_cast<std::size_t>(size));
    for (const int value : take_all(ring)) ASSERT_EQ(value, next++);
  }
  EXPECT_GT(next, 10 * 256);
}

TEST(Ring, IsFullAtEveryPositionOfAWrappingIndex) {
  Ring<int, std::uint8_t> ring(128);
  for (int start = 0; start < 256; ++start) {
    for (int i = 0; i < 128; ++i) ASSERT_TRUE(ring.try_push(i));
    ASSERT_FALSE(ring.try_push(128));
    ring.release(128);
    ASSERT_TRUE(ring.try_push(0));
    ring.release(1);
  }
}

// Every field of a record carries the same number, so that a record torn between two pushes would show.
Record stamped(std::uint64_t number) {
  Record record;
  record.step = record.time_ns = record.tensor.count = record.tensor.zeros = number;
  record.tensor.aux = static_cast<double>(number);
  return record;
}

TEST(Ring, LosesAndTearsNothingBetweenTwoThreads) {
  Ring<Record, std::uint16_t> ring(64);
  constexpr std::uint64_t kCount = 200'000;  // the index wraps around three times
  std::uint64_t refused = 0;
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kCount;) {
      if (ring.try_push(stamped(i))) {
        ++i;
      } else {
        ++refused;
        std::this_thread::yield();
      }
    }
    done.store(true, std::memory_order_release);
  });
  std::uint64_t next = 0;
  bool torn = false;
  bool disordered = false;
  for (bool last = false; !last;) {
    last = done.load(std::memory_order_acquire);
    const auto batch = ring.read();
    for (const auto piece : {batch.first, batch.second}) {
      for (const Record& record : piece) {
        disordered |= record.step != next++;
        torn |= record.time_ns != record.step || record.tensor.count != record.step ||
                record.tensor.zeros != record.step || record.tensor.aux != static_cast<double>(record.step);
      }
    }
    ring.release(batch.size());
    if (batch.empty()) std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(next, kCount);
  EXPECT_FALSE(torn);
  EXPECT_FALSE(disordered);
  EXPECT_EQ(ring.dropped(), refused);
}

TEST(Ring, KeepsTheThreeSidesOnDifferentCacheLines) {
  static_assert(alignof(Ring<Record>) == kCacheLine);
  static_assert(sizeof(Ring<Record>) == 3 * kCacheLine);
}

TEST(Ring, AlignsRecordsWithCacheLines) {
  Ring<Record> ring(2);
  ASSERT_TRUE(ring.try_push(Record{}));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(ring.read().first.data()) % kCacheLine, 0U);
}

}  // namespace
}  // namespace sonde::trace
