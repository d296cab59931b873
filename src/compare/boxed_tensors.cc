#include "compare/boxed_tensors.h"

#include <utility>

namespace sonde::compare {

void add_tensors(const c10::IValue& value, std::vector<at::Tensor>& tensors) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) tensors.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) add_tensors(element, tensors);
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) add_tensors(element, tensors);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) add_tensors(entry.value(), tensors);
  }
}

c10::IValue with_emptied_list(const c10::IValue& value) {
  if (value.isTensorList()) return c10::IValue(std::vector<at::Tensor>(value.toListRef().size()));
  if (!value.isOptionalTensorList()) return value;
  c10::List<c10::optional<at::Tensor>> empty;
  for (std::size_t k = 0; k < value.toListRef().size(); ++k) empty.push_back(c10::nullopt);
  return c10::IValue(std::move(empty));
}

}  // namespace sonde::compare
