#include "faults/fields.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sonde::faults {

CaseError::CaseError(const std::string& path, const std::string& expected, const std::string& got)
    : std::runtime_error(fmt::format("{}: expected {}, got {}", path.empty() ? "/" : path, expected, got)) {}

std::string describe(const json& value) {
  if (value.is_object()) return "an object";
  std::string text = value.dump();
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

double as_number(const json& value, const std::string& path) {
  if (!value.is_number()) throw CaseError(path, "a number", describe(value));
  return value.get<double>();
}

std::int64_t as_whole(const json& value, const std::string& path, std::int64_t at_least) {
  const bool fits = value.is_number() && std::floor(value.get<double>()) == value.get<double>() &&
                    std::abs(value.get<double>()) < 9e15 && value.get<double>() >= static_cast<double>(at_least);
  if (!fits) throw CaseError(path, fmt::format("a whole number, at least {}", at_least), describe(value));
  return static_cast<std::int64_t>(value.get<double>());
}

namespace {

template <typename Element>
auto as_list(const json& value, const std::string& path, const char* expected, Element element) {
  if (!value.is_array()) throw CaseError(path, expected, describe(value));
  std::vector<decltype(element(value, path))> list;
  for (std::size_t i = 0; i < value.size(); ++i) list.push_back(element(value[i], path + "/" + std::to_string(i)));
  return list;
}

}  // namespace

std::vector<double> as_numbers(const json& value, const std::string& path) {
  return as_list(value, path, "a list of numbers", as_number);
}

std::vector<std::int64_t> as_sizes(const json& value, const std::string& path, std::int64_t at_least) {
  return as_list(value, path, "a list of whole numbers",
                 [&](const json& item, const std::string& where) { return as_whole(item, where, at_least); });
}

std::vector<std::string> as_names(const json& value, const std::string& path) {
  return as_list(value, path, "a list of names", [](const json& item, const std::string& where) {
    if (!item.is_string()) throw CaseError(where, "a name", describe(item));
    return item.get<std::string>();
  });
}

Fields::Fields(const json& value, std::string path) : value_(value), path_(std::move(path)) {
  if (!value_.is_object()) throw CaseError(path_, "an object", describe(value_));
}

const json* Fields::find(std::string_view key) {
  asked_.emplace(key);
  const auto found = value_.find(std::string(key));
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

const json& Fields::need(std::string_view key, const std::string& expected) {
  if (const json* found = find(key)) return *found;
  throw CaseError(path(key), expected, value_.contains(std::string(key)) ? "null" : "nothing");
}

double Fields::number(std::string_view key, double at_least, double at_most) {
  const double number = as_number(need(key, "a number"), path(key));
  if (number >= at_least && number <= at_most) return number;
  throw CaseError(path(key), fmt::format("a number in [{}, {}]", at_least, at_most), fmt::format("{}", number));
}

double Fields::number_or(std::string_view key, double fallback, double at_least, double at_most) {
  return find(key) != nullptr ? number(key, at_least, at_most) : fallback;
}

std::int64_t Fields::whole(std::string_view key, std::int64_t at_least) {
  return as_whole(need(key, "a whole number"), path(key), at_least);
}

std::int64_t Fields::whole_or(std::string_view key, std::int64_t fallback, std::int64_t at_least) {
  return find(key) != nullptr ? whole(key, at_least) : fallback;
}

bool Fields::boolean(std::string_view key) {
  const json& value = need(key, "true or false");
  if (!value.is_boolean()) throw CaseError(path(key), "true or false", describe(value));
  return value.get<bool>();
}

bool Fields::boolean_or(std::string_view key, bool fallback) { return find(key) != nullptr ? boolean(key) : fallback; }

std::string Fields::text(std::string_view key) {
  const json& value = need(key, "text");
  if (!value.is_string()) throw CaseError(path(key), "text", describe(value));
  return value.get<std::string>();
}

std::string Fields::choice(std::string_view key, std::initializer_list<std::string_view> choices) {
  const json& value = need(key, fmt::format("one of {}", fmt::join(choices, ", ")));
  for (std::string_view choice : choices) {
    if (value.is_string() && value.get_ref<const std::string&>() == choice) return std::string(choice);
  }
  throw CaseError(path(key), fmt::format("one of {}", fmt::join(choices, ", ")), describe(value));
}

std::string Fields::choice_or(std::string_view key, std::string_view fallback,
                              std::initializer_list<std::string_view> choices) {
  return find(key) != nullptr ? choice(key, choices) : std::string(fallback);
}

std::vector<std::string> Fields::names_or_empty(std::string_view key) {
  const json* found = find(key);
  return found != nullptr ? as_names(*found, path(key)) : std::vector<std::string>{};
}

void Fields::allow(std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys) asked_.emplace(key);
}

void Fields::done() const {
  for (const auto& item : value_.items()) {
    if (asked_.contains(item.key())) continue;
    throw CaseError(path(item.key()), fmt::format("no such field; known here are {}", fmt::join(asked_, ", ")),
                    describe(item.value()));
  }
}

}  // namespace sonde::faults
