#include "report/json_write.h"

namespace sonde::report {

Json encode(const SourceLine& source) {
  if (!source.known() && source.function.empty()) return nullptr;
  return {{"file", source.file}, {"line", source.line}, {"function", source.function}};
}

std::string text(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

}  // namespace sonde::report
