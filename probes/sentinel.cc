#include "probes/sentinel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "probes/torch_version.h"

namespace sonde::probes {
namespace {

// Elements of the kind nearly all tensors have, dense floats on the CPU in order; null for others.
[[gnu::hot]] inline const float* plain_floats(const at::TensorImpl& impl) {
  using c10::DispatchKey;
  constexpr c10::DispatchKeySet kUsual(
      {DispatchKey::ADInplaceOrView, DispatchKey::AutogradCPU, DispatchKey::AutocastCPU});
  constexpr c10::DispatchKeySet kDense(DispatchKey::CPU);
  if (impl.key_set() - kUsual != kDense || impl.dtype() != caffe2::TypeMeta::Make<float>() || !impl.is_contiguous())
    return nullptr;
  return static_cast<const float*>(impl.unsafe_storage().unsafeGetStorageImpl()->data()) + impl.storage_offset();
}

[[gnu::hot]] inline bool is_finite(float x) {
  constexpr std::uint32_t kExponent = 0x7f800000;  // all ones: infinite or NaN
  return (std::bit_cast<std::uint32_t>(x) & kExponent) != kExponent;
}

[[gnu::cold]] bool each_finite(const float* data, std::int64_t n, std::uint32_t first) {
  if (n <= kFewElements) return std::all_of(data, data + n, is_finite);
  for (std::uint32_t k = 0; k < kProbePoints; ++k)
    if (!is_finite(data[spread_position(first + k, n)])) return false;
  return true;
}

}  // namespace

void Sentinel::watch_gradients(const ModuleMap& modules) {
  on_every_step_.clear();
  in_turns_.clear();
  bool first_layer = false;
  for (std::size_t i = 0; i < modules.parameter_count(); ++i) {
    const auto& parameter = modules.parameters()[i];
    const auto impl = parameter.lock();
    if (!impl) continue;
    const bool small = impl->numel() <= (impl->is_cpu() ? kFewElements : kSmallOnDevice);
    (small ? on_every_step_ : in_turns_).push_back({static_cast<int>(i), parameter.tensor});
    first_layer = first_layer || (small && parameter.layer == modules.parameters()[0].layer);
  }
  if (!first_layer && modules.parameter_count() > 0) on_every_step_.push_back({0, modules.parameters()[0].tensor});
}

void Sentinel::watch_weight(const Parameter& parameter) {
  witness_ = parameter.tensor;
  element_ = -1;
  brisk_ = false;
  const auto impl = witness_.lock();
  weight_points_ = impl ? probe_hash(*impl) : 0;
}

[[gnu::hot]] std::optional<float> Sentinel::value_of(const at::TensorImpl& loss) {
  const auto* const data = loss.numel() == 1 ? plain_floats(loss) : nullptr;
  return data ? std::optional(*data) : std::nullopt;
}

Between Sentinel::glance() {
  Between between;
  if (weight_points_ == 0) return between;
  const auto impl = witness_.lock();
  if (!impl) return between;
  const auto points = probe_hash(*impl);
  if (std::exchange(brisk_, false)) {
    if (const auto* weight = element_of(*impl)) between.weights_changed = *weight != weight_ ? Answer::yes : Answer::no;
  } else if (points != 0) {
    between.weights_changed = points != weight_points_ ? Answer::yes : Answer::no;
  }
  weight_points_ = points;
  if (!had_gradient_) return between;
  const auto* gradient = gradient_of(*impl);
  bool zero = true;
  if (!gradient || probe_hash(*gradient->unsafeGetTensorImpl(), &zero) != 0)
    between.gradients_cleared = zero ? Answer::yes : Answer::no;
  return between;
}

void Sentinel::note_gradient() {
  element_ = -1;
  had_gradient_ = false;
  if (weight_points_ == 0) return;
  const auto impl = witness_.lock();
  const auto* gradient = impl ? gradient_of(*impl) : nullptr;
  if (!gradient) return;
  const auto& values = *gradient->unsafeGetTensorImpl();
  bool zero = true;
  had_gradient_ = probe_hash(values, &zero) != 0 && !zero;
  if (!had_gradient_) return;
  const auto* const data = plain_floats(values);
  float largest = 0;
  for (std::uint32_t k = 0; data && k < kProbePoints; ++k) {
    const auto i = spread_position(k, values.numel());
    if (std::abs(data[i]) > largest) largest = std::abs(data[i]), element_ = i;
  }
  if (const auto* weight = element_of(*impl)) weight_ = *weight;
}

[[gnu::hot]] const float* Sentinel::element_of(const at::TensorImpl& tensor) const {
  const auto* const data = plain_floats(tensor);
  return data && element_ >= 0 && element_ < tensor.numel() ? data + element_ : nullptr;
}

[[gnu::hot]] bool Sentinel::glance_briskly() {
  const auto impl = had_gradient_ && weight_points_ != 0
                        ? witness_.lock()
                        : c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>();
  if (!impl) return false;
  const auto* weight = element_of(*impl);
  if (!weight || *weight == weight_) return false;
  if (const auto* gradient = gradient_of(*impl)) {
    const auto* left = element_of(*gradient->unsafeGetTensorImpl());
    if (!left || *left != 0) return false;
  }
  weight_ = *weight;
  brisk_ = true;
  return true;
}

[[gnu::hot]] void Sentinel::note_gradient_briskly() {
  const auto impl = witness_.lock();
  const auto* gradient = impl ? gradient_of(*impl) : nullptr;
  const auto* value = gradient ? element_of(*gradient->unsafeGetTensorImpl()) : nullptr;
  had_gradient_ = value && *value != 0;
}

[[gnu::hot]] Answer Sentinel::finite(const at::TensorImpl& gradient, std::uint32_t turn) {
  const auto* const data = plain_floats(gradient);
  if (data == nullptr) [[unlikely]]
    return Answer::unknown;
  const auto n = gradient.numel();
  const auto first = turn * static_cast<std::uint32_t>(kProbePoints);
  // A sum is finite if all elements are; if it is not, it may only have grown too large.
  std::array<float, 4> sums{};
  if (n <= kFewElements) {
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      for (std::int64_t k = 0; k < 4; ++k) sums[static_cast<std::size_t>(k)] += data[i + k];
    for (; i < n; ++i) sums[0] += data[i];
  } else {
    for (std::uint32_t k = 0; k < kProbePoints; ++k) sums[0] += data[spread_position(first + k, n)];
  }
  if (is_finite(sums[0] + sums[1] + sums[2] + sums[3])) return Answer::yes;
  return each_finite(data, n, first) ? Answer::yes : Answer::no;
}

[[gnu::hot]] bool Sentinel::gradients_finite(std::uint32_t turn) const {
  bool finite = true;
  const auto count = on_every_step_.size() + !in_turns_.empty();
  for (std::size_t i = 0; i < count; ++i) {  // one copy of the look
    const auto& watched = i < on_every_step_.size() ? on_every_step_[i] : in_turns_[turn % in_turns_.size()];
    const auto impl = watched.tensor.lock();
    const auto* gradient = impl ? gradient_of(*impl) : nullptr;
    finite &= !gradient || Sentinel::finite(*gradient->unsafeGetTensorImpl(), turn) == Answer::yes;
  }
  return finite;
}

}  // namespace sonde::probes
