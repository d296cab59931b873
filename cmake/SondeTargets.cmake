# The kinds of targets there are. The folders' CMakeLists.txt list sources; how these are compiled is said here.
include(GoogleTest)

set(SONDE_GENERATED_INCLUDE "${PROJECT_BINARY_DIR}/include")
configure_file("${PROJECT_SOURCE_DIR}/cmake/version.h.in" "${SONDE_GENERATED_INCLUDE}/sonde/version.h" @ONLY)

function(sonde_compile_options target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra>)
endfunction()

# sonde_layer(<name> [TORCH] SOURCES <file>... [LINK <target>...])
#
# One folder of the library, as an object library sonde_<name>. Without TORCH it is part of sonde_core, and cannot see
# LibTorch's headers.
function(sonde_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINK")
  if(NOT arg_SOURCES)
    return()
  endif()
  set(target sonde_${name})
  add_library(${target} OBJECT ${arg_SOURCES})
  sonde_layer_options(${target})
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  if(arg_TORCH)
    sonde_torch_layer_options(${target})
    # ATen's headers are most of what the files of these layers include, and 60 % of the time that they compile. A file
    # includes what it needs all the same: CMAKE_DISABLE_PRECOMPILE_HEADERS is the user's to set.
    if(NOT TARGET sonde_aten_header)
      sonde_header_library(sonde_aten_header <ATen/ATen.h>)
      sonde_layer_options(sonde_aten_header)
      sonde_torch_layer_options(sonde_aten_header)
    endif()
    target_precompile_headers(${target} REUSE_FROM sonde_aten_header)
    set_property(GLOBAL APPEND PROPERTY SONDE_TORCH_LAYERS ${target})
  else()
    set_property(GLOBAL APPEND PROPERTY SONDE_CORE_LAYERS ${target})
  endif()
endfunction()

function(sonde_layer_options target)
  sonde_compile_options(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${SONDE_GENERATED_INCLUDE}"
                                               "${PROJECT_SOURCE_DIR}/src")
endfunction()

function(sonde_torch_layer_options target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE torch)
  # Against a release LibTorch, RecordFunction::inputs() compiled without NDEBUG throws inside the callback, where
  # the exception is swallowed: the probe would see nothing. The copy of it that a user's debug build may bring must
  # not be taken for ours either: inline functions are hidden, and optimised away as far as the compiler can.
  target_compile_definitions(${target} PRIVATE NDEBUG)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden $<$<CONFIG:Debug>:-O1>>)
endfunction()

# <target>: nothing but a precompiled header, to be shared by targets of the same flags.
function(sonde_header_library target header)
  file(WRITE "${PROJECT_BINARY_DIR}/${target}.cc" "")
  add_library(${target} OBJECT EXCLUDE_FROM_ALL "${PROJECT_BINARY_DIR}/${target}.cc")
  target_precompile_headers(${target} PRIVATE ${header})
endfunction()

# sonde_core: the layers without LibTorch, for their tests. Not installed.
function(sonde_core_library)
  get_property(layers GLOBAL PROPERTY SONDE_CORE_LAYERS)
  if(NOT layers)
    return()
  endif()
  list(TRANSFORM layers REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  add_library(sonde_core STATIC EXCLUDE_FROM_ALL ${objects})
  set_target_properties(sonde_core PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(sonde_core INTERFACE "${PROJECT_SOURCE_DIR}/include" "${SONDE_GENERATED_INCLUDE}")
  target_link_libraries(sonde_core PUBLIC fmt::fmt spdlog::spdlog ZLIB::ZLIB Threads::Threads)
endfunction()

# sonde::sonde, the library.
function(sonde_library)
  get_property(core GLOBAL PROPERTY SONDE_CORE_LAYERS)
  get_property(probes GLOBAL PROPERTY SONDE_TORCH_LAYERS)
  set(layers ${core} ${probes})
  list(TRANSFORM layers REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  if(NOT layers)
    return()
  endif()
  add_library(sonde ${objects})
  add_library(sonde::sonde ALIAS sonde)
  set_target_properties(sonde PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                                         SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(sonde PUBLIC cxx_std_20)
  target_include_directories(sonde PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                                          "$<BUILD_INTERFACE:${SONDE_GENERATED_INCLUDE}>"
                                          "$<INSTALL_INTERFACE:include>")
  target_link_libraries(sonde PUBLIC torch PRIVATE fmt::fmt spdlog::spdlog hwy::hwy Libdw::Libdw ZLIB::ZLIB Threads::Threads)
  if(SONDE_WITH_CUDA)
    target_link_libraries(sonde PRIVATE CUDA::cudart)
  endif()
  if(OpenMP_CXX_FOUND)
    target_link_libraries(sonde PRIVATE OpenMP::OpenMP_CXX)
  endif()
  if(BUILD_SHARED_LIBS)
    target_link_options(sonde PRIVATE "LINKER:-Bsymbolic-functions"
                                      "LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map")
    if(NOT SONDE_SANITIZE)  # whose symbols come with the program
      target_link_options(sonde PRIVATE "LINKER:-z,defs")
    endif()
  endif()
endfunction()

# The program options of tests, examples and benchmarks: line numbers, so that findings can name source lines.
function(sonde_program target)
  sonde_compile_options(${target})
  target_compile_options(${target} PRIVATE -g1)
endfunction()

# The same for programs with LibTorch. torch/torch.h takes half a minute to compile, so all of them share one
# precompiled copy; they must therefore have the same flags. Beyond the first level, optimising takes as long again for
# what they instantiate of it, and gains nothing: their time passes in the libraries.
function(sonde_torch_program target)
  sonde_torch_program_options(${target})
  if(NOT TARGET sonde_torch_header)
    sonde_header_library(sonde_torch_header <torch/torch.h>)
    sonde_torch_program_options(sonde_torch_header)
  endif()
  target_precompile_headers(${target} REUSE_FROM sonde_torch_header)
endfunction()

function(sonde_torch_program_options target)
  sonde_program(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${target} PRIVATE sonde::sonde)
endfunction()

# A file that includes torch/torch.h takes four seconds even if it is empty. <target> compiles several as one: their names
# must differ, also those in unnamed namespaces.
function(sonde_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
endfunction()

# sonde_test(<name> [TORCH] SOURCES <file>... [LINK <target>...])
#
# A GoogleTest program test_<name>. It sees the insides of the library: "trace/ring.h", and with TORCH "probes/x.h".
function(sonde_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINK")
  if(NOT arg_SOURCES)
    return()
  endif()
  set(target test_${name})
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${target} PRIVATE GTest::gtest_main GTest::gmock ${arg_LINK})
  sonde_compile_together(${target})
  if(arg_TORCH)
    sonde_torch_program(${target})
    # One process for all tests, because it takes half a second to load LibTorch.
    add_test(NAME ${name} COMMAND ${target})
  else()
    sonde_program(${target})
    target_link_libraries(${target} PRIVATE sonde_core)
    gtest_discover_tests(${target} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 120)
  endif()
endfunction()
