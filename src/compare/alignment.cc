#include "compare/alignment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_map>

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include "compare/arguments.h"
#include "compare/common_subsequence.h"

namespace sonde::compare {
namespace {

// How much a correspondence counts that what is taken speaks against.
constexpr float kContradicted = 0.1F;

// What is compared of a parameter: a few numbers that survive rounding to half precision.
struct Sketch {
  std::vector<std::int64_t> sizes;
  std::array<double, 8> samples{};
  std::size_t count = 0;
};

class Sketches {
 public:
  explicit Sketches(const Side& side) : side_(side) {}

  const Sketch& of(int value) {
    const auto [found, fresh] = known_.try_emplace(value);
    if (!fresh) return found->second;
    Sketch& sketch = found->second;
    const at::Tensor& tensor = side_.tape.values[static_cast<std::size_t>(value)].tensor;
    if (!tensor.defined()) return sketch;
    sketch.sizes = tensor.sizes().vec();
    std::sort(sketch.sizes.begin(), sketch.sizes.end());  // a transposed weight is still the same weight
    const std::int64_t n = tensor.numel();
    if (n == 0) return sketch;
    sketch.count =
        static_cast<std::size_t>(std::min<std::int64_t>(n, static_cast<std::int64_t>(sketch.samples.size())));
    const auto numbers =
        at::linspace(0, static_cast<double>(n - 1), static_cast<std::int64_t>(sketch.count)).to(at::kLong);
    const auto picked = tensor.reshape({-1}).index_select(0, numbers.to(tensor.device())).to(at::kCPU, at::kDouble);
    for (std::size_t i = 0; i < sketch.count; ++i)
      sketch.samples[i] = picked[static_cast<std::int64_t>(i)].item<double>();
    return sketch;
  }

 private:
  const Side& side_;
  std::unordered_map<int, Sketch> known_;
};

bool nearly_equal(const Sketch& a, const Sketch& b) {
  if (a.count != b.count || a.sizes != b.sizes) return false;
  for (std::size_t i = 0; i < a.count; ++i) {
    const double scale = std::max({std::abs(a.samples[i]), std::abs(b.samples[i]), 1e-12});
    if (!(std::abs(a.samples[i] - b.samples[i]) <= 0.01 * scale)) return false;
  }
  return true;
}

class Scores {
 public:
  Scores(const Side& reference, const Side& target)
      : reference_(reference), target_(target), of_reference_(reference), of_target_(target) {
    for (const Item& item : reference.items) reference_arguments_.push_back(signature(reference.tape, item));
    for (const Item& item : target.items) target_arguments_.push_back(signature(target.tape, item));
    for (std::size_t i = 0; i < reference.items.size(); ++i)
      for (const int output : reference.items[i].outputs) makers_in_reference_[output] = static_cast<int>(i);
    for (std::size_t i = 0; i < target.items.size(); ++i)
      for (const int output : target.items[i].outputs) makers_in_target_[output] = static_cast<int>(i);
    find_twins();
  }

  // Takes what is known so far of who corresponds to whom into account.
  void know(const Alignment& alignment) { known_ = &alignment; }

  // 0: they cannot correspond.
  float of(std::size_t r, std::size_t t) {
    const Item& a = reference_.items[r];
    const Item& b = target_.items[t];
    if (a.kind != b.kind) return 0;
    const float score = alone(r, t);
    return contradicted(a, b) ? kContradicted * score : score;
  }

 private:
  // They take different tensors, as far as that is known. Better than nothing: the wiring may be the fault.
  bool contradicted(const Item& a, const Item& b) {
    for (std::size_t k = 0; k < std::min(a.tables.size(), b.tables.size()); ++k)
      if (!nearly_equal(of_reference_.of(a.tables[k]), of_target_.of(b.tables[k]))) return true;
    // One of them has the very parameters of a third.
    const auto has_other_twin = [](const std::vector<int>& twins, int item) {
      return !twins.empty() && std::ranges::find(twins, item) == twins.end();
    };
    if (has_other_twin(twins_of_reference_[number(a, reference_)], static_cast<int>(number(b, target_))) ||
        has_other_twin(twins_of_target_[number(b, target_)], static_cast<int>(number(a, reference_))))
      return true;
    if (known_ == nullptr || a.inputs.size() != b.inputs.size() || a.inputs.size() > 2) return false;
    bool straight = false, crossed = a.inputs.size() < 2;
    for (std::size_t k = 0; k < a.inputs.size(); ++k) {
      straight = straight || others(a.inputs[k], b.inputs[k]);
      crossed = crossed || others(a.inputs[k], b.inputs[b.inputs.size() - 1 - k]);
    }
    return straight && crossed;
  }

  static std::size_t number(const Item& item, const Side& side) {
    return static_cast<std::size_t>(&item - side.items.data());
  }

  // Items of one kind whose parameters are all alike, and not merely alike because all are zero or one.
  void find_twins() {
    twins_of_reference_.resize(reference_.items.size());
    twins_of_target_.resize(target_.items.size());
    for (std::size_t r = 0; r < reference_.items.size(); ++r)
      for (std::size_t t = 0; t < target_.items.size(); ++t)
        if (are_twins(reference_.items[r], target_.items[t])) {
          twins_of_reference_[r].push_back(static_cast<int>(t));
          twins_of_target_[t].push_back(static_cast<int>(r));
        }
  }
  bool are_twins(const Item& a, const Item& b) {
    if (a.kind != b.kind || a.parameters.empty() || a.parameters.size() != b.parameters.size()) return false;
    bool telling = false;
    for (std::size_t k = 0; k < a.parameters.size(); ++k) {
      const Sketch& x = of_reference_.of(a.parameters[k].value);
      if (a.parameters[k].role != b.parameters[k].role || !nearly_equal(x, of_target_.of(b.parameters[k].value)))
        return false;
      telling = telling || (x.count > 1 &&
                            !std::equal(x.samples.begin() + 1, x.samples.begin() + static_cast<std::ptrdiff_t>(x.count),
                                        x.samples.begin()));
    }
    return telling;
  }

  // Both were made by operations that correspond to something, but not to each other.
  [[nodiscard]] bool others(int reference_value, int target_value) const {
    const auto r = makers_in_reference_.find(reference_value);
    const auto t = makers_in_target_.find(target_value);
    if (r == makers_in_reference_.end() || t == makers_in_target_.end()) return false;
    const int expected = known_->reference_of[static_cast<std::size_t>(t->second)];
    // What takes from an idle dropout takes from what is before it.
    if (expected != kNone && reference_.items[static_cast<std::size_t>(expected)].optional) return false;
    return expected != kNone && expected != r->second &&
           known_->target_of[static_cast<std::size_t>(r->second)] != kNone;
  }

  float alone(std::size_t r, std::size_t t) {
    const Item& a = reference_.items[r];
    const Item& b = target_.items[t];
    float score = a.optional || b.optional ? 0.25F : 1;
    if (sizes(reference_, a) == sizes(target_, b)) score += 1;
    if (a.inputs.size() == b.inputs.size()) score += 0.25F;
    if (reference_arguments_[r] == target_arguments_[t]) score += 0.5F;
    if (a.parameters.empty() || b.parameters.empty()) return score;
    for (const ItemParameter& p : a.parameters)
      for (const ItemParameter& q : b.parameters) {
        if (p.role != q.role) continue;
        const Sketch& x = of_reference_.of(p.value);
        const Sketch& y = of_target_.of(q.value);
        if (x.sizes == y.sizes) score += 0.5F;
        if (nearly_equal(x, y)) score += 1;
      }
    return score;
  }

  static const std::vector<std::int64_t>& sizes(const Side& side, const Item& item) {
    static const std::vector<std::int64_t> none;
    return item.outputs.empty() ? none : side.tape.values[static_cast<std::size_t>(item.outputs.front())].sizes;
  }
  const Side& reference_;
  const Side& target_;
  Sketches of_reference_, of_target_;
  std::vector<std::string> reference_arguments_, target_arguments_;
  std::unordered_map<int, int> makers_in_reference_, makers_in_target_;
  std::vector<std::vector<int>> twins_of_reference_, twins_of_target_;  // by item
  const Alignment* known_ = nullptr;
};

constexpr int kRounds = 3;

struct Orders {
  std::vector<int> reference, target;  // items
};

struct Aligned {
  Alignment alignment;
  float score = 0;
};

// The common subsequence of the items in these orders that counts most.
Aligned best_subsequence(Scores& scores, const Orders& orders) {
  const auto number = [](int item) { return static_cast<std::size_t>(item); };
  const std::size_t n = orders.reference.size(), m = orders.target.size();
  const auto best = best_common_subsequence(n, m, [&](std::size_t r, std::size_t t) {
    return scores.of(number(orders.reference[r]), number(orders.target[t]));
  });
  Aligned result{{std::vector<int>(m, kNone), std::vector<int>(n, kNone)}, best.score};
  for (const auto& [r, t] : best.pairs) {
    result.alignment.reference_of[number(orders.target[t])] = orders.reference[r];
    result.alignment.target_of[number(orders.reference[r])] = orders.target[t];
  }
  return result;
}

Aligned refined(const Side& reference, const Side& target, const Orders& orders) {
  Scores scores(reference, target);
  Aligned best = best_subsequence(scores, orders);
  // Operations of one kind in another order are told apart by what they take.
  for (int round = 1; round < kRounds; ++round) {
    scores.know(best.alignment);
    Aligned next = best_subsequence(scores, orders);
    const bool same = next.alignment.reference_of == best.alignment.reference_of;
    best = std::move(next);
    if (same) break;
  }
  return best;
}

}  // namespace

Alignment align(const Side& reference, const Side& target) {
  const at::NoGradGuard no_grad;
  Orders executed{std::vector<int>(reference.items.size()), std::vector<int>(target.items.size())};
  std::iota(executed.reference.begin(), executed.reference.end(), 0);
  std::iota(executed.target.begin(), executed.target.end(), 0);
  Aligned best = refined(reference, target, executed);
  // Branches may be run in another order.
  const Orders flow{data_flow_order(reference), data_flow_order(target)};
  if (flow.reference != executed.reference || flow.target != executed.target)
    if (Aligned other = refined(reference, target, flow); other.score > best.score) best = std::move(other);
  return std::move(best.alignment);
}

}  // namespace sonde::compare
