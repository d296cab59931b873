#include "compare/fingerprint.h"

#include <bit>

namespace sonde::compare {
namespace {

// The finaliser of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
std::uint64_t mixed(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

template <typename T>
std::uint64_t hash(T value) {
  if constexpr (std::is_integral_v<T>) {
    return mixed(static_cast<std::uint64_t>(value));
  } else {
    return mixed(std::bit_cast<std::uint64_t>(static_cast<double>(value) + 0.0));
  }
}

template <typename T>
Fingerprint print(const at::Tensor& tensor) {
  Fingerprint result;
  const auto dimensions = static_cast<std::size_t>(tensor.dim());
  for (const auto size : tensor.sizes()) result.slices.emplace_back(size, 0);
  const T* value = tensor.data_ptr<T>();
  if (dimensions == 0) {
    result.all = hash(*value);
    return result;
  }
  if (tensor.numel() == 0) return result;
  auto& last = result.slices.back();
  std::vector<std::size_t> index(dimensions, 0);
  for (std::int64_t done = 0; done < tensor.numel(); done += static_cast<std::int64_t>(last.size())) {
    std::uint64_t row = 0;
    for (auto& slot : last) {
      const auto h = hash(*value++);
      slot += h;
      row += h;
    }
    result.all += row;
    for (std::size_t d = 0; d + 1 < dimensions; ++d) result.slices[d][index[d]] += row;
    for (std::size_t d = dimensions - 1; d-- > 0;) {
      if (++index[d] < result.slices[d].size()) break;
      index[d] = 0;
    }
  }
  return result;
}

}  // namespace

Fingerprint fingerprint_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return print<float>(tensor);
  if (tensor.scalar_type() == at::kDouble) return print<double>(tensor);
  return print<std::int64_t>(tensor);
}

}  // namespace sonde::compare
