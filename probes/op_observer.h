// OpObserver: sees the forward operations of one thread through at::RecordFunction and writes them into an OpLog.
//
// There is one observer a thread, shared by all monitors that train on it, so that an operation is measured once. Only
// outermost operations are seen; while one runs, nested ones are switched off and cost nothing. Callbacks are
// thread-local: other threads (data loaders, actors) pay nothing.
//
// In one call order: start callback (inputs are valid only here) -> the operation -> end callback (outputs). Nothing in
// here throws: RecordFunction would swallow it. at::RecordFunction's inputs() asserts without NDEBUG against a release
// build of LibTorch and the data would be silently lost; the build defines it for this folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>

#include "probes/call_stacks.h"
#include "probes/device_statistics.h"
#include "probes/op_log.h"

namespace at {
struct RecordFunction;
struct ObserverContext;
}  // namespace at

namespace sonde::probes {

// One monitor's interest in a thread's operations. Called on that thread only.
class OpSubscriber {
 public:
  virtual ~OpSubscriber() = default;
  // Parameters and buffers: not to be measured as inputs.
  virtual bool is_state(const c10::StorageImpl* storage) const = 0;
  // For hooks: the operation with its tensors, while it runs. Called if Subscription::calls is set.
  virtual void before(const OpInfo& info, std::span<const c10::IValue> inputs) = 0;
  virtual void after(const OpInfo& info, std::span<const c10::IValue> outputs) = 0;
};

class OpObserver {
 public:
  // The calling thread's observer. Lives until the thread ends.
  static OpObserver& of_this_thread();
  // Its id(), without a call; 0 if it has none yet.
  [[nodiscard]] static std::uint64_t id_of_this_thread() { return id_here; }

  // Tells observers apart, even after a thread has ended and another got its place.
  [[nodiscard]] std::uint64_t id() const { return id_; }

  OpObserver(const OpObserver&) = delete;
  OpObserver& operator=(const OpObserver&) = delete;

  // What one subscriber wants of this thread. `alive` may be cleared from any thread; all else belongs to this one.
  struct Subscription {
    OpSubscriber* subscriber = nullptr;
    std::atomic<bool> alive{true};
    bool measure = false;           // the next operations are to be measured
    bool calls = false;             // the subscriber wants before() and after()
    unsigned slot = 0;              // bit of Operation::taken
    std::uint64_t needed_from = 0;  // operations before this serial number are of no interest to it
  };
  std::shared_ptr<Subscription> subscribe(OpSubscriber& subscriber);

  // To be called when a subscription's `measure` or `calls` changed: switches the callback on or off.
  void update();

  // Switches observation off on this thread while it lives (the backward pass, a pause).
  class Silence {
   public:
    explicit Silence(OpObserver& observer) : observer_(observer) {
      ++observer_.silences_;
      if (observer_.callback_) observer_.update();
    }
    ~Silence() {
      --observer_.silences_;
      if (observer_.wanted_ != observer_.callback_.has_value()) observer_.update();
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

   private:
    OpObserver& observer_;
  };

  // Switches it on again inside a Silence.
  class Speech {
   public:
    explicit Speech(OpObserver& observer) : observer_(observer), silences_(std::exchange(observer.silences_, 0)) {
      observer_.update();
    }
    ~Speech() { observer_.silences_ = silences_, observer_.update(); }
    Speech(const Speech&) = delete;
    Speech& operator=(const Speech&) = delete;

   private:
    OpObserver& observer_;
    int silences_;
  };

  // A backward pass has ended: an optimizer may follow.
  void expect_update() { updating_ = true; }

  [[nodiscard]] OpLog& log() { return log_; }
  // Starts a new segment and forgets what no subscriber needs.
  void trim();

  // Measures an output that was not yet, if its tensor still lives and was not written since. True if measured.
  bool ensure_measured(Output& output);
  // Where this thread's tensors of devices are measured, for all monitors of the thread.
  [[nodiscard]] DeviceStatistics& device() { return device_; }

  // Nanoseconds that callbacks cost since the last call, LibTorch's share estimated; operations that could not be logged.
  [[nodiscard]] std::uint64_t take_spent();
  [[nodiscard]] std::uint64_t take_overflow();
  void set_capture_frames(bool capture) { capture_frames_ = capture; }
  // Look at identical units too; only of interest while weights are fresh.
  void set_measure_unit_spread(bool measure) { unit_spread_ = measure; }

 private:
  OpObserver();
  static std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& function);
  static void on_end(const at::RecordFunction& function, at::ObserverContext*);

  OpInfo& info_of(const at::RecordFunction& function);
  [[nodiscard]] bool belongs_to_update(const OpTraits& traits, bool grad_mode) const;
  void start(const OpInfo& info, const at::RecordFunction& function, bool grad_mode);
  void end(const at::RecordFunction& function);
  void add_operand(const at::Tensor& tensor);
  void add_input(const c10::IValue& value);
  std::uint64_t add_external(const at::Tensor& tensor);
  void measure_entering_operands();
  void look_again(Output& output);
  void add_output(Operation& op, const at::Tensor& tensor);
  int unit_dimension_of(const Operation& op, const at::TensorImpl& impl);
  bool is_state(const c10::StorageImpl* storage) const;

  [[gnu::tls_model("initial-exec")]] static thread_local std::uint64_t id_here;
  [[gnu::tls_model("initial-exec")]] static thread_local OpObserver* here;  // null until it is asked for

  const std::uint64_t id_;
  OpLog log_;
  DeviceStatistics device_;
  TensorMeter meter_;
  std::vector<std::shared_ptr<Subscription>> subscriptions_;
  std::optional<std::uint64_t> callback_;  // while it is registered
  bool wanted_ = false;                    // by a subscriber, when last asked
  int silences_ = 0;
  unsigned next_slot_ = 0;

  // The operation that is running.
  const at::RecordFunction* running_ = nullptr;
  OpInfo* running_info_ = nullptr;
  bool recording_ = false;    // it is written into the log
  bool passed_over_ = false;  // nobody wants to know of it
  bool nested_off_ = false;   // operations inside it are not seen
  std::uint32_t nested_ = 0;  // ... and else so many were
  Operation pending_;
  std::vector<Operand> operands_;
  std::vector<double> scalars_;

  CallStacks call_stacks_;
  bool capture_frames_ = true;
  bool unit_spread_ = true;
  bool updating_ = false;            // since a backward pass, nothing but an optimizer can have run
  std::uint32_t without_graph_ = 0;  // consecutive operations outside the graph
  std::uint64_t spent_ns_ = 0;
  std::uint64_t events_ = 0;  // callbacks
  std::uint64_t overflow_ = 0;

  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  ska::flat_hash_map<const char*, OpInfo*> by_pointer_;
  std::unordered_map<std::string, std::unique_ptr<OpInfo>, NameHash, std::equal_to<>> by_name_;
};

}  // namespace sonde::probes
