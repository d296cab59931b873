# Turns the files of the HTML report into a C++ source: the page, its style, its script, and the hashes that its
# Content-Security-Policy names. Scripts and styles are joined in the order given.
#
#   cmake -DOUTPUT=<source> "-DFILES=<file>;..." -P embed_page.cmake
cmake_minimum_required(VERSION 3.25)

# sha256_source(<variable> <text>): 'sha256-<base64>', as a Content-Security-Policy spells it.
function(sha256_source variable text)
  set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 hash "${text}")
  set(result "")
  foreach(begin RANGE 0 62 6)  # 32 bytes are ten groups of three and two more
    string(SUBSTRING "${hash}00" ${begin} 6 group)
    foreach(shift IN ITEMS 18 12 6 0)
      math(EXPR index "(0x${group} >> ${shift}) & 63")
      string(SUBSTRING "${digits}" ${index} 1 digit)
      string(APPEND result "${digit}")
    endforeach()
  endforeach()
  string(REGEX REPLACE ".$" "=" result "${result}")
  set(${variable} "sha256-${result}" PARENT_SCOPE)
endfunction()

set(page "")
set(script "")
set(style "")
foreach(file IN LISTS FILES)
  file(READ "${file}" text)
  if(file MATCHES "\\.html$")
    set(page "${text}")
  elseif(file MATCHES "\\.css$")
    string(APPEND style "${text}\n")
  elseif(file MATCHES "\\.js$")
    string(APPEND script "${text}\n")
  elseif(file MATCHES "/LICENSE$")
    string(APPEND script "/*\n${text}*/\n")
  endif()
endforeach()
sha256_source(style_hash "${style}")
sha256_source(script_hash "${script}")

file(WRITE "${OUTPUT}" "// Made by cmake/embed_page.cmake.
#include \"report/html_assets.h\"

namespace sonde::report {

const std::string_view kPage = R\"sonde_asset(${page})sonde_asset\";
const std::string_view kStyle = R\"sonde_asset(${style})sonde_asset\";
const std::string_view kScript = R\"sonde_asset(${script})sonde_asset\";
const std::string_view kStyleHash = \"${style_hash}\";
const std::string_view kScriptHash = \"${script_hash}\";

}  // namespace sonde::report
")
