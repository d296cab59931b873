// Pairs of a reference and a target with known differences.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sonde/comparison.h>
#include <torch/script.h>

#include "compare/networks.h"

namespace sonde::pairs {

// What was put into a target, and what may rightly be said of it.
struct Truth {
  std::vector<std::string> layers{};     // any of them
  std::string operation{};               // if not empty, the layer is that before it
  std::vector<compare::Cause> causes{};  // any of them
  bool structural = false;               // counts as located from one operation before to two behind
  bool input = false;                    // in what the first operation gets
  bool repairable = false;               // by what the target's program stores or its standard modules are set to
  bool silent = false;                   // may leave the outputs as they are
};

// How the target is run.
struct Kernels {
  bool one_thread = false;
  bool without_mkldnn = false;
};

struct Pair {
  std::string kind, architecture;
  std::uint64_t seed = 0;
  bool reduced = false;  // the target is in bfloat16
  std::shared_ptr<Network> reference{};
  std::optional<torch::jit::Module> script{};  // takes the place of `reference`
  std::shared_ptr<Network> target{};
  at::Tensor input{};
  std::function<at::Tensor(at::Tensor)> prepare{};  // what the target's program does with the input first; may be empty
  Kernels kernels{};
  std::vector<Truth> truths{};  // none: a clean pair

  [[nodiscard]] at::Tensor run_target(at::Tensor x) const;
};

// A target that is being planned.
struct Draft {
  const Network& reference;
  std::mt19937_64 random;
  Config config{};
  std::vector<std::function<void(Network&)>> edits{};  // of the network built, with the reference's weights
  std::function<at::Tensor(at::Tensor)> prepare{};
  Kernels kernels{};

  // The path of a module of the reference at random, among those that `suits`; empty if there is none.
  [[nodiscard]] std::string pick_module(const std::function<bool(torch::nn::Module&)>& suits);
  [[nodiscard]] const Site* pick_site(const std::function<bool(const Site&)>& suits);
  // Gives a stored tensor of the target the value that `change` makes of it.
  void edit(const std::string& name, std::function<at::Tensor(at::Tensor)> change);
};

struct FaultKind {
  std::string name;
  // Plans the fault; nothing if the reference has no place for it.
  std::function<std::optional<Truth>(Draft&)> apply;
  bool alone = false;    // hides others: not one of two at once
  bool precise = false;  // no fault in a target of half precision
};

[[nodiscard]] std::vector<FaultKind> parameter_faults();
[[nodiscard]] std::vector<FaultKind> argument_faults();
[[nodiscard]] std::vector<FaultKind> structure_faults();
[[nodiscard]] std::vector<FaultKind> all_faults();

// `scripted`: the reference as TorchScript; for even seeds its modules have other names than the target's.
struct PairOptions {
  std::uint64_t seed = 1;
  bool scripted = false;
  bool reduced = false;
};
[[nodiscard]] std::optional<Pair> faulty_pair(const Architecture& architecture,
                                              const std::vector<const FaultKind*>& kinds, const PairOptions& options);

// The same network run or written differently.
struct CleanKind {
  std::string name;
  std::function<void(Draft&)> plan;
  enum class For : std::uint8_t { all, images, attention } networks = For::all;
  bool reduced_too = false;  // also tried with a target in bfloat16
};
[[nodiscard]] std::vector<CleanKind> clean_kinds();
// Nothing if the architecture has nothing that could be written so.
[[nodiscard]] std::optional<Pair> clean_pair(const Architecture& architecture, const CleanKind& kind,
                                             const PairOptions& options);

}  // namespace sonde::pairs
