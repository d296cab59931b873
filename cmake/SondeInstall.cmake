# cmake --install, and the packages that find_package(sonde) and pkg-config find.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sonde")
set_target_properties(sonde PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS sonde EXPORT sonde-targets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/sonde" "${SONDE_GENERATED_INCLUDE}/sonde"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(EXPORT sonde-targets NAMESPACE sonde:: DESTINATION "${package_dir}")

get_target_property(library_type sonde TYPE)
configure_package_config_file(cmake/sonde-config.cmake.in "${PROJECT_BINARY_DIR}/sonde-config.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sonde-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/sonde-config.cmake" "${PROJECT_BINARY_DIR}/sonde-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/SondeFindTorch.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindLibdw.cmake"
        DESTINATION "${package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
# Of what is inlined in HTML reports.
install(FILES third_party/uplot/LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME LICENSE.uPlot)

# sonde.pc says where it lies itself, so that an installed tree may be moved.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${pc_dir}" OUTPUT_VARIABLE pc_to_prefix)
set(pc_torch_cflags "${TORCH_CXX_FLAGS}")
foreach(folder IN LISTS TORCH_INCLUDE_DIRS)
  cmake_path(NORMAL_PATH folder)
  if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    string(APPEND pc_torch_cflags " -I${folder}")
  endif()
endforeach()
set(pc_torch_libs "-ltorch -ltorch_cpu -lc10")
cmake_path(GET TORCH_LIBRARY PARENT_PATH folder)
if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
  string(PREPEND pc_torch_libs "-L${folder} -Wl,-rpath,${folder} ")
endif()
set(pc_private_libs "")
if(library_type STREQUAL "STATIC_LIBRARY")
  set(pc_private_libs "-lspdlog -lfmt -lhwy -ldw -lz -pthread ${OpenMP_CXX_FLAGS}")
endif()
configure_file(cmake/sonde.pc.in "${PROJECT_BINARY_DIR}/sonde.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/sonde.pc" DESTINATION "${pc_dir}")
