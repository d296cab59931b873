# cmake --install, and the package that find_package(sonde) finds.
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
