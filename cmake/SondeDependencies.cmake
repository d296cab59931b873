# What Sonde is built from. All of it is private to a shared libsonde but LibTorch.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)

if(SONDE_WITH_TORCH)
  # A program that embeds Sonde links with LibTorch through it, from outside this folder.
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  include(SondeFindTorch)
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL OFF)
  find_package(hwy REQUIRED)
  find_package(Libdw REQUIRED)
  # The C++ ABI must be LibTorch's in every file, also in those that do not include it.
  set(CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS} ${TORCH_CXX_FLAGS}")
endif()
if(SONDE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(SONDE_WITH_TORCH AND SONDE_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
  find_package(CLI11 REQUIRED)
endif()
