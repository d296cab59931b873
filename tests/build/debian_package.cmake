# Makes a Debian package of a build of Sonde, installs it below a folder, uses it and removes it.
#
#   cmake -Dbuild=<folder> -Dwork=<folder> -Dconsumers=<tests/consumer> -Dversion=<of the project> -Dcompiler=<c++> -P ...
include("${CMAKE_CURRENT_LIST_DIR}/consumers.cmake")
file(REMOVE_RECURSE "${work}")
run("${CMAKE_CPACK_COMMAND}" --config "${build}/CPackConfig.cmake" -G DEB -B "${work}")
file(GLOB package "${work}/*.deb")

# field(<name> <regular expression>): what the package must say of itself.
function(field name wanted)
  execute_process(COMMAND dpkg-deb --field "${package}" ${name} OUTPUT_VARIABLE got COMMAND_ERROR_IS_FATAL ANY)
  if(NOT got MATCHES "${wanted}")
    message(FATAL_ERROR "the package's ${name} is '${got}', wanted '${wanted}'")
  endif()
endfunction()
field(Package "^sonde\n")
field(Version "^${version}-[0-9]+\n")
field(Depends "libtorch-dev, .*libc6 .*libtorch[0-9]")

# dpkg's own state for that folder. Nothing is unpacked outside of it; what the package depends on is on the machine.
set(root "${work}/root")
file(MAKE_DIRECTORY "${root}/var/lib/dpkg/info" "${root}/var/lib/dpkg/updates" "${root}/var/log")
file(WRITE "${root}/var/lib/dpkg/status" "")
set(dpkg dpkg "--root=${root}" --force-not-root --force-depends --force-script-chrootless)
run(${dpkg} --install "${package}")
use_pkg_config("${root}/usr" "${work}/pkg_config")
run(${dpkg} --purge sonde)
file(GLOB_RECURSE left "${root}/usr/*")
if(left)
  message(FATAL_ERROR "left behind by the package: ${left}")
endif()

find_program(lintian lintian)
if(lintian)
  # On purpose it is one package, library and headers, for one architecture; CPack writes scripts that call ldconfig; no
  # bug of Debian's is closed; and the command's manual is its --help.
  string(JOIN "," passed_over package-name-doesnt-match-sonames link-to-shared-library-in-wrong-package
         pkg-config-unavailable-for-cross-compilation maintscript-calls-ldconfig initial-upload-closes-no-bugs
         no-manual-page)
  run("${lintian}" --allow-root --fail-on error,warning --suppress-tags "${passed_over}" "${package}")
endif()
