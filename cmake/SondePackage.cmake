# cpack: a Debian package of the whole install tree where LibTorch is Debian's, else an archive of it.
set(CPACK_PACKAGE_NAME sonde)
set(CPACK_PACKAGE_VENDOR "The Sonde authors")
set(CPACK_PACKAGE_CONTACT "The Sonde authors <sonde@example.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "training monitor that lives inside LibTorch programs")
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ)

find_program(dpkg_query dpkg-query)
find_program(dpkg_shlibdeps dpkg-shlibdeps)
mark_as_advanced(dpkg_query dpkg_shlibdeps)
set(owner 1)  # of LibTorch: 0 if it is a package
if(dpkg_query AND dpkg_shlibdeps)
  execute_process(COMMAND "${dpkg_query}" --search "${TORCH_LIBRARY}" RESULT_VARIABLE owner OUTPUT_QUIET ERROR_QUIET)
endif()
if(owner EQUAL 0)
  set(SONDE_DEBIAN_PACKAGE ON)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                  WORLD_READ WORLD_EXECUTE)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
  # What the library needs to run is read off it; programs that use it are compiled with LibTorch's headers.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS libtorch-dev)
  set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
      "Watches activations, weights, gradients and updates while a network trains,
and says at which step, in which layer, in which operation and on which source
line training went wrong, why, and what to change.
.
This package has the library and what is needed to build programs with it.")

  # Which package others need that link with the library, and that the linker's cache is to be made anew: dpkg does it.
  set(version "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
  file(WRITE "${PROJECT_BINARY_DIR}/debian/shlibs" "libsonde ${version} sonde (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})\n")
  file(WRITE "${PROJECT_BINARY_DIR}/debian/triggers" "activate-noawait ldconfig\n")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/debian/shlibs" "${PROJECT_BINARY_DIR}/debian/triggers")

  # What Debian wants in a package and no other installation does.
  configure_file(cmake/debian/changelog.in "${PROJECT_BINARY_DIR}/debian/changelog" @ONLY)
  execute_process(COMMAND gzip -9nc changelog OUTPUT_FILE changelog.Debian.gz
                  WORKING_DIRECTORY "${PROJECT_BINARY_DIR}/debian" COMMAND_ERROR_IS_FATAL ANY)
  install(FILES cmake/debian/copyright "${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz"
          DESTINATION share/doc/sonde COMPONENT debian EXCLUDE_FROM_ALL)
  set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};sonde;ALL;/;${PROJECT_BINARY_DIR};sonde;debian;/")
endif()
include(CPack)
