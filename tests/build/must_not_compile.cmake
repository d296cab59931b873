# Compiles a file twice: as it stands, which must work, and with -DWRONG, which must fail, and for the reason that the
# file gives in a line "// error: <regular expression>".
#
#   cmake -Dcompiler=<c++> -Dsource=<file> -Dincludes=<folder;...> -P must_not_compile.cmake
list(TRANSFORM includes PREPEND "-I")
set(compile "${compiler}" -std=c++20 -fsyntax-only -Werror=unused-result ${includes} "${source}")

execute_process(COMMAND ${compile} COMMAND_ERROR_IS_FATAL ANY)

execute_process(COMMAND ${compile} -DWRONG RESULT_VARIABLE result ERROR_VARIABLE errors)
file(STRINGS "${source}" expected REGEX "^// error: ")
string(REPLACE "// error: " "" expected "${expected}")
if(result EQUAL 0)
  message(FATAL_ERROR "compiles, but must not")
elseif(NOT errors MATCHES "${expected}")
  message(FATAL_ERROR "fails for another reason than '${expected}':\n${errors}")
endif()
