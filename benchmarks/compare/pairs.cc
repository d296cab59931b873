#include "compare/pairs.h"

#include <algorithm>
#include <set>

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "compare/weights.h"

namespace sonde::pairs {
namespace {

// Sets kernels, and on the way out what was set before.
class KernelScope {
 public:
  explicit KernelScope(const Kernels& kernels)
      : threads_(at::get_num_threads()), mkldnn_(at::globalContext().userEnabledMkldnn()) {
    if (kernels.one_thread) at::set_num_threads(1);
    if (kernels.without_mkldnn) at::globalContext().setUserEnabledMkldnn(false);
  }
  ~KernelScope() {
    if (at::get_num_threads() != threads_) at::set_num_threads(threads_);
    at::globalContext().setUserEnabledMkldnn(mkldnn_);
  }
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  const int threads_;
  const bool mkldnn_;
};

std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 1469598103934665603ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return value;
}

void build_target(Pair& pair, const Architecture& architecture, Draft& draft) {
  pair.target = architecture.build(draft.config);
  pair.target->eval();
  copy_weights(*pair.reference, *pair.target);
  torch::manual_seed(pair.seed + 7);
  const torch::NoGradGuard no_gradients;
  for (const auto& edit : draft.edits) edit(*pair.target);
  if (pair.reduced) pair.target->to(torch::kBFloat16);
  pair.kernels = draft.kernels;
  const auto prepare = draft.prepare;
  const bool to_reduced = pair.reduced && architecture.tokens == 0;
  if (prepare || to_reduced) {
    pair.prepare = [=](at::Tensor x) {
      if (prepare) x = prepare(x);
      return to_reduced ? x.to(torch::kBFloat16) : x;
    };
  }
}

Pair start(const Architecture& architecture, const std::string& kind, const PairOptions& options) {
  Pair pair{.kind = kind, .architecture = architecture.name, .seed = options.seed, .reduced = options.reduced};
  pair.reference = architecture.build({});
  train_like(*pair.reference, architecture, options.seed);
  if (options.scripted) pair.script = to_script(*pair.reference, options.seed % 2 == 0);
  pair.input = make_input(architecture, options.seed * 1000 + 3);
  return pair;
}

}  // namespace

at::Tensor Pair::run_target(at::Tensor x) const {
  const KernelScope scope(kernels);
  return target->forward(prepare ? prepare(x) : x);
}

std::string Draft::pick_module(const std::function<bool(torch::nn::Module&)>& suits) {
  std::vector<std::string> paths;
  for (const auto& item : reference.named_modules()) {
    if (!item.key().empty() && suits(*item.value())) paths.push_back(item.key());
  }
  return paths.empty() ? "" : paths[random() % paths.size()];
}

const Site* Draft::pick_site(const std::function<bool(const Site&)>& suits) {
  std::vector<const Site*> found;
  for (const Site& site : reference.blueprint.sites) {
    if (suits(site)) found.push_back(&site);
  }
  return found.empty() ? nullptr : found[random() % found.size()];
}

void Draft::edit(const std::string& name, std::function<at::Tensor(at::Tensor)> change) {
  edits.push_back([name, change](Network& target) {
    at::Tensor tensor = stored(target, name);
    if (tensor.defined()) tensor.copy_(change(tensor.detach().clone()));
  });
}

std::vector<FaultKind> all_faults() {
  std::vector<FaultKind> all = parameter_faults();
  for (auto&& kinds : {argument_faults(), structure_faults()}) all.insert(all.end(), kinds.begin(), kinds.end());
  return all;
}

std::optional<Pair> faulty_pair(const Architecture& architecture, const std::vector<const FaultKind*>& kinds,
                                const PairOptions& options) {
  std::string name;
  for (const FaultKind* kind : kinds) name += (name.empty() ? "" : "+") + kind->name;
  Pair pair = start(architecture, name, options);
  Draft draft{.reference = *pair.reference, .random = std::mt19937_64(hash(name + architecture.name) + options.seed)};
  std::set<std::string> taken;
  for (const FaultKind* kind : kinds) {
    const std::optional<Truth> truth = kind->apply(draft);
    if (!truth) return std::nullopt;
    for (const std::string& layer : truth->layers) {
      if (!taken.insert(layer).second) return std::nullopt;
    }
    pair.truths.push_back(*truth);
  }
  build_target(pair, architecture, draft);
  return pair;
}

std::vector<CleanKind> clean_kinds() {
  using For = CleanKind::For;
  const auto spelled = [](std::string name, bool Spelling::*field, For networks = For::all) {
    return CleanKind{std::move(name), [field](Draft& draft) { draft.config.spelling.*field = true; }, networks};
  };
  const auto all_modules = [](Draft& draft, const std::function<bool(torch::nn::Module&)>& suits,
                              const std::function<void(Deviation&)>& deviate) {
    for (const auto& item : draft.reference.named_modules()) {
      if (!item.key().empty() && suits(*item.value())) deviate(draft.config.at[item.key()]);
    }
  };
  return {
      {"as_it_is", [](Draft&) {}, For::all, true},
      {"one_thread", [](Draft& draft) { draft.kernels.one_thread = true; }, For::all, true},
      {"without_mkldnn", [](Draft& draft) { draft.kernels.without_mkldnn = true; }, For::all, true},
      {"channels_last",
       [](Draft& draft) {
         draft.edits.push_back([](Network& target) {
           for (auto& parameter : target.parameters()) {
             if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
           }
         });
         draft.prepare = [](at::Tensor x) { return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x; };
       },
       For::images, true},
      {"other_dropout",
       [=](Draft& draft) {
         all_modules(
             draft, [](auto& m) { return m.template as<torch::nn::Dropout>() != nullptr; },
             [](Deviation& d) { d.probability = 0.5; });
       }},
      {"other_momentum",
       [=](Draft& draft) {
         all_modules(
             draft, [](auto& m) { return m.template as<torch::nn::BatchNorm2d>() != nullptr; },
             [](Deviation& d) { d.momentum = 0.01; });
       },
       For::images},
      spelled("in_place", &Spelling::in_place, For::images),
      spelled("view_for_flatten", &Spelling::view_for_flatten),
      spelled("contiguous", &Spelling::contiguous),
      spelled("linear_as_matmul", &Spelling::linear_as_matmul),
      spelled("activations_spelled_out", &Spelling::activations_spelled_out),
      spelled("pointwise_as_linear", &Spelling::pointwise_as_linear, For::images),
      spelled("norms_folded", &Spelling::norms_folded, For::images),
      spelled("attention_fused", &Spelling::attention_fused, For::attention),
      spelled("attention_batched", &Spelling::attention_batched, For::attention),
      spelled("split_rotation", &Spelling::split_rotation, For::attention),
  };
}

std::optional<Pair> clean_pair(const Architecture& architecture, const CleanKind& kind, const PairOptions& options) {
  const bool attention = architecture.name == "transformer";
  if (kind.networks == CleanKind::For::images && architecture.tokens > 0) return std::nullopt;
  if (kind.networks == CleanKind::For::attention && !attention) return std::nullopt;
  Pair pair = start(architecture, kind.name, options);
  Draft draft{.reference = *pair.reference, .random = std::mt19937_64(options.seed)};
  kind.plan(draft);
  build_target(pair, architecture, draft);
  return pair;
}

}  // namespace sonde::pairs
