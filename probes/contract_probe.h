// ContractProbe: broken rules of the training loop, told from the healthy loops that look alike.
//
// Needs no statistics: pointers, flags, a few sampled values, and what the op probe saw. Each violation is reported when
// it has been seen on a few steps, again when it has been seen on so many that no healthy loop explains it (the look-alike
// that each rule excludes is named in docs/checks.md), and withdrawn if a later step disproves it. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "probes/attribution.h"
#include "probes/op_observer.h"
#include "probes/optimizer_view.h"
#include "probes/parameter_probe.h"
#include "trace/record.h"

namespace sonde::probes {

struct StepView {  // what a step looked like, after its backward pass
  bool observed = false;
  Between between;
  std::uint64_t batch_fingerprint = 0;
  bool root_training = true;  // model.is_training()
  bool skipped = false;       // the guard took the gradients away on the last step
  bool defaults_edited = false;
  double rate_in_defaults = 0, rate_in_groups = 0;
  bool all_rates_zero = false;
};

class ContractProbe {
 public:
  ContractProbe(ModuleMap& modules, OptimizerView& optimizers, ParameterProbe& parameters)
      : modules_(modules), optimizers_(optimizers), parameters_(parameters) {}

  // Forget what was counted: the model or the optimizers changed.
  void reset();

  // On observed steps, before step(): what the operations tell. `placed` are those of this pass.
  void look_at_operations(OpLog& log, const std::vector<PlacedOp>& placed, std::vector<trace::Record>& records);
  // On every step.
  void step(const StepView& view, Attribution& attribution, std::vector<trace::Record>& records);

 private:
  struct Counters {                      // of one parameter
    std::uint32_t with_gradient = 0;     // observed steps with a non-zero gradient, without being moved
    std::uint32_t without_gradient = 0;  // observed steps without any, while others had one
    std::uint32_t used = 0;              // observed steps on which an operation used it
    std::uint32_t cut = 0;               // ... in the graph, but the loss did not reach it
    bool ever_moved = false;
    bool ever_gradient = false;
  };
  struct Stranger {  // a leaf that requires grad and is no parameter of the model
    WeakTensor tensor{c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>()};
    std::uint64_t points = 0;
    std::uint32_t unchanged = 0;
    bool changed = false;
    bool is_data = false;        // an input that is derived by, not a parameter
    bool in_the_middle = false;  // layers of the model come after it on the way to the loss
    std::uint32_t site = 0;
  };

  void look_for_strangers(OpLog& log, const std::vector<PlacedOp>& placed);
  void look_for_broadcast(OpLog& log, const std::vector<PlacedOp>& placed, std::vector<trace::Record>& records);
  void count_parameters(const StepView& view);
  void judge_parameters(Attribution& attribution, std::vector<trace::Record>& records);
  void judge_loop(const StepView& view, std::vector<trace::Record>& records);
  // `seen` on too few steps: nothing yet. `disproved`: it is no violation, and if it was reported, that is taken back.
  void judge(trace::Contract what, std::uint32_t site, std::uint32_t seen, bool disproved,
             std::vector<trace::Record>& records, double got = 0, double wanted = 0);
  void report(trace::Contract what, std::uint32_t site, std::uint32_t seen, std::vector<trace::Record>& records,
              double got = 0, double wanted = 0);

  ModuleMap& modules_;
  OptimizerView& optimizers_;
  ParameterProbe& parameters_;

  struct Seen {  // all that reset() forgets
    std::vector<Counters> counters;
    std::unordered_map<const at::TensorImpl*, Stranger> strangers;
    std::map<std::pair<trace::Contract, std::uint32_t>, std::uint32_t> reported;  // on how many steps it was seen then

    std::uint32_t updates = 0;  // weight changes seen
    std::uint32_t observed = 0;
    std::uint32_t uncleared_updates = 0;  // consecutive, without a clear in between
    bool cleared_since_update = false;
    std::uint32_t clears_without_update = 0;
    std::uint32_t zero_rate = 0;
    bool ever_positive_rate = false;
    std::uint32_t eval_updates = 0;
    bool ever_training = false;
    bool cares_about_mode = false;  // operations that behave differently in eval() were seen, in eval()
    std::uint64_t last_fingerprint = 0;
    std::uint32_t same_batch = 0;
    bool other_batches = false;
  };
  Seen seen_;
};

}  // namespace sonde::probes
