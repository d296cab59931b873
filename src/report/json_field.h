// A value of a JSON document that knows where it stands, so that what is wrong with it can be said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sonde::report {

// Thread-safety: a view; the document and the fields above it must outlive it. All members throw ReportError, with the
// path of the field ("findings[2].origin.step"), what was got and what is wanted, if the value is not of the kind asked for.
class Field {
 public:
  using Json = nlohmann::json;

  explicit Field(const Json& document) : json_(document) {}
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;

  // A field of an object, which must be there.
  [[nodiscard]] Field operator[](const char* name) const;

  [[nodiscard]] bool is_null() const noexcept { return json_.is_null(); }
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] double number() const;  // null is NaN
  [[nodiscard]] std::uint64_t count(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const;

  // `one(field)` for each element of a list.
  template <typename One>
  void each(const One& one) const {
    require(json_.is_array(), "a list");
    for (std::size_t i = 0; i < json_.size(); ++i) one(Field(json_[i], this, nullptr, i));
  }

  // `named(text)` gives an optional; what it does not know is refused as no name of `what`.
  template <typename Named>
  [[nodiscard]] auto name_of(const char* what, const Named& named) const {
    const auto value = named(text());
    if (!value) fail(what);
    return *value;
  }

  [[noreturn]] void fail(std::string_view wanted) const;

 private:
  Field(const Json& json, const Field* parent, const char* name, std::size_t index)
      : json_(json), parent_(parent), name_(name), index_(index) {}

  void require(bool holds, std::string_view wanted) const {
    if (!holds) fail(wanted);
  }
  [[nodiscard]] std::string path() const;

  const Json& json_;
  const Field* parent_ = nullptr;
  const char* name_ = nullptr;  // nullptr: an element of a list
  std::size_t index_ = 0;
};

}  // namespace sonde::report
