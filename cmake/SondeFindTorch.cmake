# find_package(Torch), with all parts from one place. LibTorch's own package looks for its other half, Caffe2, and for
# libc10 in the system's folders first: pointed to by Torch_DIR alone, a LibTorch elsewhere would be built against with
# its headers and linked with Debian's libraries.
if(NOT Torch_DIR AND DEFINED ENV{Torch_DIR})
  set(Torch_DIR "$ENV{Torch_DIR}" CACHE PATH "Folder of TorchConfig.cmake")
endif()
set(sonde_prefix_path "${CMAKE_PREFIX_PATH}")
if(Torch_DIR)
  cmake_path(SET torch_prefix NORMALIZE "${Torch_DIR}/../../..")
  list(PREPEND CMAKE_PREFIX_PATH "${torch_prefix}")
endif()
find_package(Torch REQUIRED)
set(CMAKE_PREFIX_PATH "${sonde_prefix_path}")
