// OpTap: sees the outermost operations that the calling thread runs while it lives, with the tensors themselves.
//
// `before` gets the inputs, `after` the outputs. What they run is not observed. Exceptions they throw are kept and
// thrown by rethrow(), because LibTorch swallows them. One tap a thread at a time.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace at {
struct RecordFunction;
struct ObserverContext;
}  // namespace at

namespace sonde::preflights {

class OpTap {
 public:
  using Tensors = std::vector<at::Tensor>;  // defined ones, those in lists included
  using Before = std::function<void(std::string_view operation, const Tensors& inputs)>;
  using After = std::function<void(const Tensors& outputs)>;

  OpTap(Before before, After after);
  ~OpTap();
  OpTap(const OpTap&) = delete;
  OpTap& operator=(const OpTap&) = delete;

  void rethrow();

 private:
  static std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& function);
  static void on_end(const at::RecordFunction& function, at::ObserverContext*);
  template <typename Call>
  void guarded(const Call& call);

  Before before_;
  After after_;
  std::uint64_t callback_ = 0;
  const at::RecordFunction* outermost_ = nullptr;
  bool busy_ = false;
  std::exception_ptr error_;
};

}  // namespace sonde::preflights
