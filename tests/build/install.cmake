# Installs a build of Sonde and uses it through find_package() and through pkg-config.
#
#   cmake -Dbuild=<folder> [-Dsource=<Sonde, to be built there first> -Dsonde_flags=<flag;...>] -Dwork=<folder>
#         -Dconsumers=<tests/consumer> -Dversion=<of the project> -Dcompiler=<c++> [-Dflags=<flag;...>] -P install.cmake
include("${CMAKE_CURRENT_LIST_DIR}/consumers.cmake")
file(REMOVE_RECURSE "${work}")
if(source)
  run("${CMAKE_COMMAND}" -S "${source}" -B "${build}" -G Ninja ${sonde_flags})
  run("${CMAKE_COMMAND}" --build "${build}")
endif()
run("${CMAKE_COMMAND}" --install "${build}" --prefix "${work}/made")
# An installed tree may be moved.
file(RENAME "${work}/made" "${work}/prefix")
check_versions("${work}/prefix")
build_and_run("${consumers}/find_package" "${work}/find_package" "-Dsonde_ROOT=${work}/prefix" ${flags})
use_pkg_config("${work}/prefix" "${work}/pkg_config")
