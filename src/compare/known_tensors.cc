#include "compare/known_tensors.h"

#include <algorithm>
#include <utility>

#include "probes/torch_version.h"

namespace sonde::compare {
namespace {

// Constants are copied, because the model may write to them later, unless they are as large as only weights are.
constexpr std::int64_t kMostCopiedElements = std::int64_t{1} << 24;
constexpr std::int64_t kFingerprintElements = 64;

// Of a few elements spread over the tensor: whether memory was written in between.
std::uint64_t fingerprint(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.numel() == 0 || !tensor.device().is_cpu() || tensor.layout() != at::kStrided)
    return 0;
  const auto* bytes = static_cast<const unsigned char*>(tensor.data_ptr());
  const std::int64_t n = tensor.numel();
  const std::size_t size = tensor.element_size();
  std::uint64_t hash = 1469598103934665603ULL;
  for (std::int64_t k = 0; k < std::min(n, kFingerprintElements); ++k) {
    std::int64_t rest = n <= kFingerprintElements ? k : k * (n / kFingerprintElements);
    std::int64_t offset = 0;
    for (std::int64_t d = tensor.dim() - 1; d >= 0; --d) {
      offset += rest % tensor.size(d) * tensor.stride(d);
      rest /= tensor.size(d);
    }
    const unsigned char* element = bytes + static_cast<std::size_t>(offset) * size;
    for (std::size_t b = 0; b < size; ++b) hash = (hash ^ element[b]) * 1099511628211ULL;  // FNV-1a
  }
  return hash;
}

}  // namespace

Value described(const at::Tensor& tensor) {
  Value value;
  value.sizes = tensor.sizes().vec();
  value.dtype = tensor.scalar_type();
  return value;
}

int KnownTensors::add(const at::Tensor& tensor, Value value) {
  const int id = static_cast<int>(tape_.values.size());
  value.memory = memory_of(tensor);
  tape_.values.push_back(std::move(value));
  auto* impl = tensor.unsafeGetTensorImpl();
  known_.insert_or_assign(impl,
                          Known{id, probes::version_of(impl), fingerprint(tensor), Weak(tensor.getIntrusivePtr())});
  if (tensor.has_storage()) {
    const auto [same, first] = by_memory_.emplace(tensor.storage().unsafeGetStorageImpl(), impl);
    if (!first && known_.at(same->second).weak.expired()) same->second = impl;
  }
  return id;
}

int KnownTensors::memory_of(const at::Tensor& tensor) {
  if (!tensor.has_storage()) return next_memory_++;
  const auto* storage = tensor.storage().unsafeGetStorageImpl();
  const auto same = by_memory_.find(storage);
  if (same != by_memory_.end() && !known_.at(same->second).weak.expired())
    return tape_.values[static_cast<std::size_t>(known_.at(same->second).value)].memory;
  return next_memory_++;
}

int KnownTensors::value_of(const at::Tensor& tensor) {
  auto* impl = tensor.unsafeGetTensorImpl();
  auto found = known_.find(impl);
  if (found == known_.end() && tensor.has_storage()) {
    if (const auto same = by_memory_.find(tensor.storage().unsafeGetStorageImpl()); same != by_memory_.end()) {
      const auto alias = known_.find(same->second);
      const auto original = alias->second.weak.lock();
      if (original && original->sizes() == tensor.sizes() && original->strides() == tensor.strides() &&
          original->storage_offset() == tensor.storage_offset() && original->dtype() == tensor.dtype())
        found = alias;
    }
  }
  if (found != known_.end()) {
    const Known& known = found->second;
    const bool computed = tape_.values[static_cast<std::size_t>(known.value)].kind == Value::Kind::computed;
    if (!computed || known.version != probes::version_of(impl) || known.fingerprint == fingerprint(tensor))
      return known.value;
  }
  Value value = described(tensor);
  value.kind = Value::Kind::constant;
  value.tensor = tensor.numel() <= kMostCopiedElements ? tensor.detach().clone() : tensor.detach();
  return add(tensor, std::move(value));
}

}  // namespace sonde::compare
