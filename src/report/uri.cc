#include "report/uri.h"

#include <fmt/format.h>

namespace sonde::report {

std::string uri_path(std::string_view path) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string uri;
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return uri;
}

std::string file_uri(std::string_view path) { return "file://" + uri_path(path); }

std::string_view below(std::string_view path, std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  const bool inside = !root.empty() && path.starts_with(root) && path.substr(root.size()).starts_with('/');
  if (!inside) return {};
  path.remove_prefix(root.size());
  return path.substr(path.find_first_not_of('/') == std::string_view::npos ? path.size() : path.find_first_not_of('/'));
}

}  // namespace sonde::report
