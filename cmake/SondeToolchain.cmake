# How everything is compiled: build type, compiler cache, sanitizers. Only when Sonde is the top-level project; embedded,
# the host project decides.
if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# A cached precompiled header is found again only if ccache may overlook time stamps and unused macros.
find_program(SONDE_CCACHE ccache)
if(SONDE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${SONDE_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()

if(SONDE_SANITIZE)
  # vptr is left out: LibTorch is not instrumented, and its type information is spread over several shared objects.
  add_compile_options(-fsanitize=${SONDE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(SONDE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_link_options(-fsanitize=${SONDE_SANITIZE})
endif()

if(SONDE_FUZZ)
  # The macro is libFuzzer's convention: checksums, which a fuzzer cannot guess, are not looked at.
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_compile_definitions(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
