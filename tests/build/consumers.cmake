# What the scripts about packages have in common.

macro(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endmacro()

# Configures, builds and runs a project of tests/consumer.
function(build_and_run project work)
  run("${CMAKE_COMMAND}" -S "${project}" -B "${work}" -G Ninja ${ARGN})
  run("${CMAKE_COMMAND}" --build "${work}" --target train)
  run("${work}/train")
endfunction()

# Compiles train.cc without CMake, with what pkg-config says of the tree in `prefix`.
function(use_pkg_config prefix work)
  file(GLOB_RECURSE pc "${prefix}/*/sonde.pc")
  cmake_path(GET pc PARENT_PATH folder)
  set(pkg_config "${CMAKE_COMMAND}" -E env "PKG_CONFIG_PATH=${folder}" pkg-config)
  execute_process(COMMAND ${pkg_config} --cflags --libs "sonde >= ${version}" OUTPUT_VARIABLE flags
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${pkg_config} --variable=libdir sonde OUTPUT_VARIABLE libdir OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  file(MAKE_DIRECTORY "${work}")
  run("${compiler}" -std=c++20 "${consumers}/train.cc" -o "${work}/train" ${flags} "-Wl,-rpath,${libdir}")
  run("${work}/train")
endfunction()

# Fails unless find_package() takes the installed version and what is compatible with it, and refuses another.
function(check_versions prefix)
  file(GLOB_RECURSE file "${prefix}/*/sonde-config-version.cmake")
  foreach(wanted IN ITEMS 0.1 ${version} 0.2 1.0)
    string(REGEX MATCHALL "[0-9]+" parts "${wanted}")
    list(GET parts 0 PACKAGE_FIND_VERSION_MAJOR)
    list(GET parts 1 PACKAGE_FIND_VERSION_MINOR)
    set(PACKAGE_FIND_VERSION ${wanted})
    unset(PACKAGE_VERSION_COMPATIBLE)
    include("${file}")
    if(NOT PACKAGE_VERSION STREQUAL version)
      message(FATAL_ERROR "the package says version ${PACKAGE_VERSION}, the project ${version}")
    endif()
    set(compatible ${PACKAGE_VERSION_COMPATIBLE})
    if(wanted MATCHES "^0\\.1" AND NOT compatible OR NOT wanted MATCHES "^0\\.1" AND compatible)
      message(FATAL_ERROR "find_package(sonde ${wanted}) is answered with ${version}: '${compatible}'")
    endif()
  endforeach()
endfunction()
