# The first section of the changelog is that of the version.
#
#   cmake -Dchangelog=<file> -Dversion=<of the project> -P changelog.cmake
file(STRINGS "${changelog}" sections REGEX "^## ")
list(GET sections 0 first)
string(REPLACE "." "\\." pattern "${version}")
if(NOT first MATCHES "^## ${pattern}(,| |$)")
  message(FATAL_ERROR "the changelog begins with '${first}', wanted '## ${version}'")
endif()
