// Text as parts of an HTML page. Everything that a program put in goes through escaped() or script_json().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace sonde::report {

// Clean UTF-8 (see clean()) for text and for attribute values in double quotes.
[[nodiscard]] std::string escaped(std::string_view text);

// 1234567 as "1 234 567", with narrow no-break spaces.
[[nodiscard]] std::string grouped(std::uint64_t value);

// A JSON document for the inside of a <script> element: nothing in it can end the element or a line of it. Strings that
// are no UTF-8 have U+FFFD in place of the bytes.
[[nodiscard]] std::string script_json(const nlohmann::ordered_json& document);

// `page` with each {{name}} replaced. What is put in is not looked at again. REQUIRES: every name is in `parts`.
[[nodiscard]] std::string fill(std::string_view page, const std::map<std::string_view, std::string_view>& parts);

}  // namespace sonde::report
