#include "preflight/tape.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "probes/call_site.h"

namespace sonde::preflights {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
constexpr double kRounding = 1e-6;

}  // namespace

const c10::StorageImpl* storage_of(const at::Tensor& tensor) {
  return tensor.defined() && tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
}

Location TapedOp::where(Phase phase) const {
  Location where;
  where.layer = layer;
  if (layer.empty()) where.part = "model";
  where.operation = operation;
  where.phase = phase;
  where.source = probes::resolve({frames.data(), frame_count});
  return where;
}

std::size_t Tape::end_of_layers() const {
  const auto last = std::find_if(operations.rbegin(), operations.rend(), [](const TapedOp& op) { return op.owned; });
  return static_cast<std::size_t>(operations.rend() - last);
}

Recorder::Recorder(const LayersByStorage& layers, Tape& tape)
    : layers_(layers),
      tape_(tape),
      tap_([this](std::string_view operation, const OpTap::Tensors& inputs) { before(operation, inputs); },
           [this](const OpTap::Tensors& outputs) { after(outputs); }) {}

void Recorder::before(std::string_view operation, const OpTap::Tensors& inputs) {
  current_ = {};
  current_.operation = operation;
  for (const auto& input : inputs) {
    const auto* storage = storage_of(input);
    tape_.read.insert(storage);
    const auto layer = layers_.find(storage);
    if (layer == layers_.end() || current_.owned) continue;
    current_.owned = true;
    last_layer_ = layer->second;
  }
  current_.layer = last_layer_;
  current_.frame_count = probes::capture_user_frames(current_.frames);
}

void Recorder::after(const OpTap::Tensors& outputs) {
  for (const auto& output : outputs) {
    if (output.layout() != at::kStrided || tape_.full) continue;
    bytes_ += static_cast<std::size_t>(output.numel()) * output.element_size();
    tape_.full = bytes_ > kMostBytes;
    if (!tape_.full) current_.outputs.push_back(output.detach().clone());
  }
  if (!tape_.full) tape_.operations.push_back(std::move(current_));
}

std::size_t common_length(const Tape& a, const Tape& b) {
  const auto same = [](const TapedOp& x, const TapedOp& y) {
    return x.operation == y.operation &&
           std::equal(x.outputs.begin(), x.outputs.end(), y.outputs.begin(), y.outputs.end(),
                      [](const at::Tensor& s, const at::Tensor& t) { return s.sizes() == t.sizes(); });
  };
  const auto [end, ignored] =
      std::mismatch(a.operations.begin(), a.operations.end(), b.operations.begin(), b.operations.end(), same);
  return static_cast<std::size_t>(end - a.operations.begin());
}

at::Tensor difference(const at::Tensor& a, const at::Tensor& b) {
  const auto x = a.to(at::kDouble), y = b.to(at::kDouble);
  const auto same = x.eq(y).logical_or(x.isnan().logical_and(y.isnan()));
  const double infinity = std::numeric_limits<double>::infinity();
  return (x - y).abs().nan_to_num(infinity, infinity).masked_fill(same, 0);
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.numel() == 0 || a.equal(b)) return 0;
  const auto size = a.to(at::kDouble).abs().nan_to_num(0, 0, 0).max().item<double>();
  return difference(a, b).max().item<double>() / std::max(size, 1e-30);
}

bool differs(const TapedOp& a, const TapedOp& b) {
  for (std::size_t i = 0; i < a.outputs.size(); ++i)
    if (!a.outputs[i].is_complex() && relative_difference(a.outputs[i], b.outputs[i]) > kRounding) return true;
  return false;
}

}  // namespace sonde::preflights
