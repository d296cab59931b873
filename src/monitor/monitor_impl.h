// The implementation behind sonde::Monitor: one session, one watch, the guard.
#pragma once

#include <functional>

#include <sonde/monitor.h>

#include "monitor/governor.h"
#include "monitor/replay.h"
#include "monitor/training_watch.h"
#include "runtime/session.h"

namespace sonde {

class Monitor::Impl {
 public:
  Impl(monitor::Subject subject, Options options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Verdict backward(const at::Tensor& loss, bool retain_graph, bool create_graph,
                   const std::function<at::Tensor()>* forward);
  Verdict backward(const std::function<at::Tensor()>& forward);
  Verdict check(const at::Tensor& loss);
  Pause pause();
  void follow(std::vector<torch::optim::Optimizer*> optimizers);

  [[nodiscard]] Hooks& hooks() { return watch_.hooks(); }
  [[nodiscard]] runtime::Session& session() { return session_; }
  [[nodiscard]] Report report();
  [[nodiscard]] Report report_to_user();
  void metric(std::string_view name, double value, MetricOptions how);

 private:
  class Account;
  void enter();
  template <typename Look>
  bool safely(const Look& look);
  Verdict judge(monitor::TrainingWatch::StepState& state, Account& account, const std::function<at::Tensor()>* forward);
  [[nodiscard]] bool guarded() const { return options_.on_fault != OnFault::report; }
  bool begins_briskly(const at::Tensor& loss, monitor::TrainingWatch::StepState& state);
  Verdict go_briskly(const at::Tensor& loss, monitor::TrainingWatch::StepState& state, bool retain_graph,
                     bool create_graph, const std::function<at::Tensor()>* forward);
  void run_backward(const at::Tensor& loss, bool retain_graph, bool create_graph);
  bool explain(const std::function<at::Tensor()>& forward);
  [[noreturn]] void abort(const std::string& reason);

  const Options options_;
  runtime::Session session_;
  monitor::TrainingWatch watch_;
  monitor::Governor governor_;
  monitor::Replay replay_;
  std::atomic<std::uint64_t> judged_step_{0};  // the last one; read by metric(), on any thread
  std::atomic<bool> asked_{false};             // somebody has had the report
  bool first_step_ = true;                     // not judged yet
  std::uint64_t last_step_ns_;                 // when the last step decided on, or the construction, ended
  std::uint64_t last_tail_ns_ = 0;             // what the monitor did after that; part of the next step
  std::uint64_t brisk_ns_ = 0;                 // what a brisk step costs
  std::uint32_t may_be_brisk_ = 0;             // so many steps from now on
  std::uint32_t were_brisk_ = 0;               // of them, until now
};

}  // namespace sonde
