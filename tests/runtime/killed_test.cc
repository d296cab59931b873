// What is left of a program that is killed: everything it had pushed.
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/session.h"
#include "small_run.h"
#include "trace/trace_file.h"
#include "trace/trace_writer.h"

namespace sonde::runtime {
namespace {

using trace::Record;

constexpr int kKills = 100;
constexpr std::uint64_t kThreads = 2;

// How many records each thread has pushed, in memory that outlives the child.
struct Published {
  std::atomic<std::uint64_t> count[kThreads];
};

class Killed : public testing::Test {
 protected:
  Killed()
      : published_(new (mmap(nullptr, sizeof(Published), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                       Published{}) {}
  ~Killed() override {
    munmap(published_, sizeof(Published));
    std::filesystem::remove(path_);
  }

  // Runs `program`, which must not end, in a child until its first thread has pushed `count` records, and kills it.
  void kill_after(std::uint64_t count, const std::function<void()>& program) {
    for (auto& thread : published_->count) thread = 0;
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      program();
      _exit(1);
    }
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && published_->count[0] < count) ended = waitpid(child, &status, WNOHANG);
    kill(child, SIGKILL);
    if (ended == 0) waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  }

  Published* const published_;
  const std::string path_ = testing::TempDir() + "/sonde_killed_" + std::to_string(getpid()) + ".trace";
};

// The record that a thread pushes as its `i`th, recognisable in each part.
Record record_of(std::uint64_t thread, std::uint64_t i, std::uint32_t site) {
  Record record;
  record.step = i / 8;
  record.time_ns = i;
  record.site = site;
  record.position = static_cast<std::uint32_t>(thread);
  record.tensor.count = i + 1;
  record.tensor.max = record.tensor.aux = static_cast<double>(i);
  return record;
}

bool is_record_of(const Record& record, std::uint64_t thread, std::uint64_t i) {
  return record.step == i / 8 && record.time_ns == i && record.position == thread && record.tensor.count == i + 1 &&
         record.tensor.max == static_cast<double>(i) && record.tensor.aux == static_cast<double>(i);
}

// Two threads push, and find sites, while the session analyses; each lane goes round several times.
TEST_F(Killed, LosesNoRecordThatWasPushed) {
  constexpr std::uint64_t kSlots = 8192;
  Options options = polled();
  options.background = true;
  options.trace_file = path_;
  options.trace_records = kSlots;
  const auto push_for_ever = [&](Session& session, std::uint64_t thread) {
    Producer& producer = session.producer_for_this_thread();
    std::uint32_t site = 0;
    for (std::uint64_t i = 0;; ++i) {
      if (i < 20'000 && i % 500 == 0) site = session.catalog().add(layer("thread " + std::to_string(thread)));
      // What is behind by more than the ring is dropped; here nothing shall be.
      while (producer.half_full()) session.poll();
      producer.push(record_of(thread, i, site));
      published_->count[thread].store(i + 1, std::memory_order_release);
    }
  };
  std::mt19937 random(1);
  std::uint64_t published = 0, lost = 0;
  for (int round = 0; round < kKills; ++round) {
    kill_after(1 + random() % 20'000, [&] {
      Session session(options);
      std::thread other([&] { push_for_ever(session, 1); });
      push_for_ever(session, 0);
    });
    const trace::Trace trace = trace::load_trace(path_);
    std::vector<Record> found[kThreads];
    for (const Record& record : trace.records) {
      ASSERT_LT(record.position, kThreads);
      ASSERT_EQ(trace.sites.at(record.site).layer, "thread " + std::to_string(record.position));
      found[record.position].push_back(record);
    }
    for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
      const std::uint64_t wanted = published_->count[thread];
      const std::uint64_t last = found[thread].empty() ? 0 : found[thread].back().time_ns + 1;
      published += wanted;
      lost += wanted - std::min(wanted, last);
      ASSERT_EQ(found[thread].size(), std::min(last, kSlots - 1));
      for (std::uint64_t i = 0; i < found[thread].size(); ++i)
        ASSERT_TRUE(is_record_of(found[thread][i], thread, last - found[thread].size() + i));
    }
    EXPECT_TRUE(trace.lost.empty());
    EXPECT_EQ(trace.dropped, 0U);
    EXPECT_FALSE(trace.closed);
  }
  std::cout << kKills << " kills, " << published << " records pushed, " << lost << " of them lost\n";
  EXPECT_EQ(lost, 0U);
}

TEST_F(Killed, HasTheLastRecordsOfALaneThatWentRound) {
  constexpr std::size_t kSlots = 1024;
  std::mt19937 random(2);
  for (int round = 0; round < kKills; ++round) {
    kill_after(1 + random() % 50'000, [&] {
      trace::TraceWriter writer(path_, kSlots, {});
      trace::Ring<Record> ring(writer.add_lane());
      for (std::uint64_t i = 0;; ++i) {
        Record record = record_of(0, i, 0);
        record.sequence = static_cast<std::uint32_t>(writer.sequence().next++);
        if (!ring.try_push(record)) _exit(2);
        ring.release(1);
        published_->count[0].store(i + 1, std::memory_order_release);
      }
    });
    const trace::Trace trace = trace::load_trace(path_);
    const std::uint64_t pushed = trace.overwritten + trace.records.size();
    ASSERT_GE(pushed, published_->count[0]);
    ASSERT_EQ(trace.records.size(), std::min<std::uint64_t>(pushed, kSlots - 1));
    for (std::uint64_t i = 0; i < trace.records.size(); ++i)
      ASSERT_TRUE(is_record_of(trace.records[i], 0, trace.overwritten + i));
    ASSERT_TRUE(trace.lost.empty());
  }
}

}  // namespace
}  // namespace sonde::runtime
