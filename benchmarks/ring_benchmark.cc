// What a push costs the training thread: a burst of 500 records, then a pause in which a consumer on another thread
// empties the queue; and the same without pauses. Beside two well-known queues.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>
#include <readerwriterqueue/readerwriterqueue.h>
#include <boost/lockfree/spsc_queue.hpp>

#include "runtime/producer.h"
#include "trace/record.h"
#include "trace/ring.h"
#include "trace/trace_writer.h"

namespace {

using sonde::trace::Record;
constexpr std::size_t kCapacity = std::size_t{1} << 15;
constexpr int kBurst = 500;

template <typename Sink>
std::size_t drain_ring(sonde::trace::Ring<Record>& ring, Sink&& sink) {
  const auto batch = ring.read();
  for (const Record& record : batch.first) sink(record);
  for (const Record& record : batch.second) sink(record);
  ring.release(batch.size());
  return batch.size();
}

bool push_counted(sonde::runtime::Producer& producer, const Record& record) {
  const std::uint64_t before = producer.dropped();
  producer.push(record);
  return producer.dropped() == before;
}

struct Own {
  static constexpr const char* name = "sonde::trace::Ring";
  sonde::trace::Ring<Record> queue{kCapacity};
  bool push(const Record& record) { return queue.try_push(record); }
  template <typename Sink>
  std::size_t drain(Sink&& sink) {
    return drain_ring(queue, sink);
  }
};

// The ring as the probes use it: each record gets its number in the order of all threads.
struct OwnProducer {
  static constexpr const char* name = "sonde::runtime::Producer";
  sonde::runtime::Sequence sequence;
  sonde::runtime::Producer producer{kCapacity, sequence};
  bool push(const Record& record) { return push_counted(producer, record); }
  template <typename Sink>
  std::size_t drain(Sink&& sink) {
    return drain_ring(producer.ring(), sink);
  }
};

// The same with the ring in a trace file, as Options::trace_file has it by default.
struct OwnProducerInFile {
  static constexpr const char* name = "sonde::runtime::Producer, trace file";
  const std::string path = std::filesystem::temp_directory_path() / "sonde_ring_benchmark.trace";
  sonde::trace::TraceWriter writer{path, sonde::Options{}.trace_records, {}};
  sonde::runtime::Producer producer{writer.add_lane(), writer.sequence()};
  ~OwnProducerInFile() { std::filesystem::remove(path); }
  bool push(const Record& record) { return push_counted(producer, record); }
  template <typename Sink>
  std::size_t drain(Sink&& sink) {
    return drain_ring(producer.ring(), sink);
  }
};

struct Moodycamel {
  static constexpr const char* name = "moodycamel::ReaderWriterQueue";
  moodycamel::ReaderWriterQueue<Record> queue{kCapacity};
  bool push(const Record& record) { return queue.try_enqueue(record); }
  template <typename Sink>
  std::size_t drain(Sink&& sink) {
    std::size_t count = 0;
    for (Record record; queue.try_dequeue(record); ++count) sink(record);
    return count;
  }
};

struct Boost {
  static constexpr const char* name = "boost::lockfree::spsc_queue";
  boost::lockfree::spsc_queue<Record> queue{kCapacity};
  bool push(const Record& record) { return queue.push(record); }
  template <typename Sink>
  std::size_t drain(Sink&& sink) {
    return queue.consume_all(sink);
  }
};

// One iteration is one burst; the time is that of a push. /burst: the consumer, on another thread, sleeps meanwhile and
// then reads all, as the analysis does. /saturated: it reads all the time, and the bursts follow each other at once; a
// push that is dropped costs next to nothing, so compare these times only where few are.
template <typename Queue>
void push_burst(benchmark::State& state, bool saturated) {
  Queue queue;
  std::atomic<std::uint32_t> asked{0};
  std::atomic<std::uint32_t> served{0};
  std::atomic<bool> done{false};
  std::thread consumer([&] {
    std::uint64_t sum = 0;
    for (std::uint32_t turn = 0; !done.load(); ++turn) {
      if (!saturated) asked.wait(turn);
      queue.drain([&](const Record& record) { sum += record.step; });
      served.store(turn + 1);
      served.notify_one();
    }
    benchmark::DoNotOptimize(sum);
  });
  Record record;
  double dropped = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kBurst; ++i) {
      record.step = static_cast<std::uint64_t>(i);
      if (!queue.push(record)) ++dropped;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    state.SetIterationTime(seconds.count() / kBurst);
    if (!saturated) {
      const std::uint32_t turn = asked.fetch_add(1);
      asked.notify_one();
      served.wait(turn);
    }
  }
  done = true;
  asked.fetch_add(1);
  asked.notify_one();
  consumer.join();
  state.counters["dropped"] = dropped;
}

template <typename Queue>
void add() {
  for (const bool saturated : {false, true}) {
    benchmark::RegisterBenchmark((std::string(Queue::name) + (saturated ? "/saturated" : "/burst")).c_str(),
                                 push_burst<Queue>, saturated)
        ->UseManualTime()
        ->Iterations(20000)
        ->Repetitions(5)
        ->ReportAggregatesOnly()
        ->Unit(benchmark::kNanosecond);
  }
}

}  // namespace

int main(int argc, char** argv) {
  add<Own>();
  add<OwnProducer>();
  add<OwnProducerInFile>();
  add<Moodycamel>();
  add<Boost>();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
