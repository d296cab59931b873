#include "compare/tape.h"

namespace sonde::compare {

int Call::argument(std::string_view name) const {
  const auto& known = schema().arguments();
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i].name() == name) return static_cast<int>(i);
  return kNone;
}

int Call::operand(int argument) const {
  for (const Operand& operand : operands)
    if (operand.argument == argument && operand.element == kNone) return operand.value;
  return kNone;
}

int Call::operand(std::string_view name) const {
  const int index = argument(name);
  return index == kNone ? kNone : operand(index);
}

bool Call::flag(std::string_view name, bool otherwise) const {
  const int index = argument(name);
  if (index == kNone) return otherwise;
  const c10::IValue& value = arguments[static_cast<std::size_t>(index)];
  return value.isBool() ? value.toBool() : otherwise;
}

std::string Tape::layer_of(int index) const {
  const std::string& name = stored[static_cast<std::size_t>(index)].name;
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(0, dot);
}

}  // namespace sonde::compare
