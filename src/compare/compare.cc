#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <sonde/compare.h>

#include "compare/agreement.h"
#include "compare/arguments.h"
#include "compare/boxed_tensors.h"
#include "compare/dump_walk.h"
#include "compare/ground.h"
#include "compare/kept_model.h"
#include "compare/mends.h"
#include "compare/recorder.h"
#include "compare/walk.h"

namespace sonde::compare {
namespace {

std::string counted(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

// Draws random numbers on purpose, while it trains.
bool draws(const Tape& tape) {
  return std::ranges::any_of(tape.calls, [](const Call& call) {
    return call.kind.find("dropout") != std::string::npos && call.flag("train");
  });
}

class Comparison {
 public:
  Comparison(const Model& reference, const Model& target, const Options& options)
      : reference_(reference.subject()), target_(target.subject()), options_(options) {
    result_.reference = reference_.name();
    result_.target = target_.name();
    mends_ = std::make_shared<Mends>();
  }

  Result run(const std::vector<Inputs>& batches) {
    for (std::size_t i = 0; i < batches.size(); ++i)
      if (!batch(batches[i], i)) break;
    order();
    stages();
    if (!mends_->stored.empty() || !mends_->arguments.empty()) result_.mends = mends_;
    return std::move(result_);
  }

 private:
  // Returns whether it makes sense to go on.
  bool batch(const Inputs& inputs, std::size_t number) {
    if (!reference_.runs()) return dumps(inputs);
    const Inputs for_target = in_precision_of_target(inputs);
    Recording reference = record(reference_, inputs);
    Recording target = record(target_, for_target);
    if (!deterministic(reference_, reference, inputs) || !deterministic(target_, target, for_target)) return false;
    deterministic_ = true;
    Ground ground(std::move(reference), std::move(target), options_);
    WalkResult found = walk(ground);
    if (number == 0) take_mends(ground.target.tape, ground.target_items, found.mends);
    take(std::move(found), number);
    return !stopped_;
  }

  bool dumps(const Inputs& inputs) {
    const Recording target = record(target_, inputs);
    if (!deterministic(target_, target, inputs)) return false;
    deterministic_ = true;
    WalkResult found = walk_dumps(reference_.dumps(), target, options_);
    take_mends(target.tape, items_of(target.tape), found.mends);
    take(std::move(found), 0);
    return false;  // dumps are of one batch
  }

  void take(WalkResult found, std::size_t number) {
    pairs_ += found.pairs, unmatched_ += found.unmatched;
    parameters_ += found.parameters, equal_parameters_ += found.equal_parameters;
    stopped_ = found.stopped_at_input;
    add(result_.before, found.before);
    add(result_.after, found.after);
    for (NotCompared& one : found.not_compared)
      if (std::ranges::none_of(result_.not_compared, [&](const NotCompared& known) { return known.what == one.what; }))
        result_.not_compared.push_back(std::move(one));
    take_faults(found, number);
  }

  // A target in half or bfloat16 takes its inputs so, too.
  Inputs in_precision_of_target(const Inputs& inputs) const {
    const auto reduced = [](Subject& subject) {
      for (const StoredTensor& stored : subject.stored())
        if (stored.tensor.defined() && is_reduced(stored.tensor.scalar_type())) return stored.tensor.scalar_type();
      return at::ScalarType::Undefined;
    };
    const at::ScalarType precision = reduced(target_);
    if (precision == at::ScalarType::Undefined || reduced(reference_) == precision) return inputs;
    Inputs rounded;
    for (const at::Tensor& input : inputs) rounded.push_back(in_precision(input, precision));
    return rounded;
  }

  // Two runs from different random states. A model in training mode may draw, which is told as what it is.
  bool deterministic(Subject& subject, const Recording& first, const Inputs& inputs) {
    const at::NoGradGuard no_grad;
    const KeptModel kept(subject, 1);
    Inputs copies;
    for (const at::Tensor& input : inputs) copies.push_back(input.detach().clone());
    std::vector<at::Tensor> again;
    add_tensors(subject.run(copies), again);
    const double error = agreement(again, first.outputs).error;
    if (error == 0 || draws(first.tape)) return true;
    Fault fault;
    fault.stage = Stage::determinism;
    fault.cause = Cause::not_deterministic;
    fault.message = "the " + std::string(&subject == &target_ ? "target" : "reference") +
                    " gives another output when it is run again on the same input";
    fault.error = error;
    fault.repair.what = "look for tensors over memory that is gone (from_blob without clone), and for random numbers";
    result_.faults.push_back(std::move(fault));
    result_.first_divergence = 0;
    return false;
  }

  // The same fault on several batches is one, where it shows most.
  void take_faults(WalkResult& found, std::size_t number) {
    const bool clean = number > 0 && std::ranges::none_of(result_.faults, [](const Fault& f) { return f.visible; });
    for (std::size_t i = 0; i < found.faults.size(); ++i) {
      Fault& fault = found.faults[i];
      const bool first = static_cast<std::int64_t>(i) == found.first_divergence;
      const auto known = std::ranges::find_if(result_.faults, [&](const Fault& other) {
        return other.cause == fault.cause && other.target.index == fault.target.index &&
               other.target.name == fault.target.name;
      });
      if (known != result_.faults.end()) {
        if (fault.visible && (!known->visible || !(fault.error <= known->error))) *known = std::move(fault);
        continue;
      }
      if (clean && fault.visible && fault.stage != Stage::parameters && fault.stage != Stage::arguments) {
        fault.evidence.push_back(fault.message);
        fault.message =
            "on another input the models differ, though on the first one they are equal: control flow or a constant "
            "was baked in when the model was traced";
        fault.cause = Cause::frozen_in;
      }
      result_.faults.push_back(std::move(fault));
      if (first && diverging_ < 0) diverging_ = static_cast<std::int64_t>(result_.faults.size()) - 1;
    }
  }

  // What has no effect comes last.
  void order() {
    std::vector<Fault> ordered;
    for (const bool visible : {true, false})
      for (std::size_t i = 0; i < result_.faults.size(); ++i) {
        if (result_.faults[i].visible != visible) continue;
        if (static_cast<std::int64_t>(i) == diverging_)
          result_.first_divergence = static_cast<std::int64_t>(ordered.size());
        ordered.push_back(std::move(result_.faults[i]));
      }
    result_.faults = std::move(ordered);
  }

  void take_mends(const Tape& tape, const std::vector<Item>& items, const std::vector<Mend>& mends) {
    for (const Mend& mend : mends) {
      for (const auto& [stored, tensor] : mend.stored)
        mends_->stored.push_back({tape.stored[static_cast<std::size_t>(stored)].name, tensor.detach().clone()});
      for (const auto& [call, edits] : mend.substitution.arguments)
        for (const auto& [index, value] : edits)
          mends_->arguments.push_back(argument_mend(tape, items, call, index, value));
    }
  }

  static Mends::ArgumentMend argument_mend(const Tape& tape, const std::vector<Item>& items, std::size_t call,
                                           int index, const c10::IValue& value) {
    Mends::ArgumentMend mend;
    mend.name = tape.calls[call].schema().arguments()[static_cast<std::size_t>(index)].name();
    mend.value = value;
    for (const Item& item : items) {
      if (item.principal != call) continue;
      mend.layer = item.layer;
      mend.operation = item.kind;
      mend.owned = item.owned;
    }
    for (const Item& item : items) {
      if (item.kind != mend.operation) continue;
      ++mend.of;
      if (item.principal < call) ++mend.number;
    }
    mend.text =
        mend.name + " = " + text_of(value) + " of " + mend.operation + (mend.owned ? " " : " after ") + mend.layer;
    return mend;
  }

  void stages() {
    const auto count = [&](Stage stage) {
      return static_cast<std::size_t>(
          std::ranges::count_if(result_.faults, [&](const Fault& f) { return f.stage == stage; }));
    };
    const std::string why = !deterministic_     ? "a model is not deterministic"
                            : reference_.runs() ? "the inputs differ"
                                                : "of the reference only activations are known";
    const auto say = [&](Stage stage, bool done, std::string summary) {
      result_.stages.push_back({stage, done, done ? std::move(summary) : why});
    };
    const bool on = deterministic_ && !stopped_ && reference_.runs();
    say(Stage::determinism, true,
        deterministic_ ? "both models give the same output twice" : "one gives another output when it is run again");
    say(Stage::input, deterministic_ && reference_.runs(),
        stopped_ ? "the first layers get different tensors" : "the first layers get the same tensor");
    say(Stage::parameters, on,
        std::to_string(equal_parameters_) + " of " + counted(parameters_, "parameter") + " of operations equal");
    say(Stage::arguments, on, counted(count(Stage::arguments), "difference") + " that can matter");
    say(Stage::structure, on,
        counted(pairs_, "operation") + " correspond, " + std::to_string(unmatched_) + " stand alone");
    say(Stage::dynamic, deterministic_ && !stopped_,
        counted(pairs_, "operation") + " run on the reference's activations");
  }

  Subject& reference_;
  Subject& target_;
  const Options options_;
  Result result_;
  std::shared_ptr<Mends> mends_;
  bool deterministic_ = false, stopped_ = false;
  std::int64_t diverging_ = -1;
  std::size_t pairs_ = 0, unmatched_ = 0, parameters_ = 0, equal_parameters_ = 0;
};

}  // namespace

void Options::validate() const {
  const auto check = [](const char* name, double value) {
    if (!(value >= 1) || !std::isfinite(value))
      throw std::invalid_argument(std::string("sonde::compare::Options::") + name + " is " + std::to_string(value) +
                                  "; it has to be at least 1");
  };
  check("times_floor", times_floor);
  check("times_floor_reduced", times_floor_reduced);
}

Result run(const Model& reference, const Model& target, const std::vector<Inputs>& batches, const Options& options) {
  options.validate();
  if (batches.empty()) throw CompareError("no inputs were given; at least one batch is needed");
  if (!target.subject().runs())
    throw CompareError(target.subject().name() + " holds activations and cannot be run; give it as the reference");
  const RandomStateKept kept;
  return Comparison(reference, target, options).run(batches);
}

ChainResult chain(const std::vector<Model>& stages, const std::vector<Inputs>& batches, const Options& options) {
  if (stages.size() < 2)
    throw CompareError("a chain of " + std::to_string(stages.size()) + " stages was given; at least two are needed");
  ChainResult result;
  for (std::size_t i = 1; i < stages.size(); ++i) {
    result.steps.push_back(run(stages[i - 1], stages[i], batches, options));
    if (result.first_wrong < 0 && !result.steps.back().equal()) result.first_wrong = static_cast<std::int64_t>(i) - 1;
  }
  return result;
}

}  // namespace sonde::compare
