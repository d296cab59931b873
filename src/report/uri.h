// Paths as URIs (RFC 3986), so that any name a file system allows can stand in SARIF.
#pragma once

#include <string>
#include <string_view>

namespace sonde::report {

// The path percent-encoded byte by byte: letters, digits and "-._~/" stay.
[[nodiscard]] std::string uri_path(std::string_view path);

// "file:///home/x/y.cpp". REQUIRES: `path` begins with a slash.
[[nodiscard]] std::string file_uri(std::string_view path);

// What is left of `path` below the directory `root`; empty if it does not lie there, or `root` is empty.
[[nodiscard]] std::string_view below(std::string_view path, std::string_view root);

}  // namespace sonde::report
