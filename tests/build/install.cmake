# Installs a build of Sonde and uses it through find_package() and through pkg-config.
#
#   cmake -Dbuild=<folder> [-Dembeds=<project that embeds Sonde, to be built there and run first> -Dembeds_flags=<flag;...>]
#         -Dwork=<folder> -Dconsumers=<tests/consumer> -Dversion=<of the project> -Dcompiler=<c++> [-Dflags=<flag;...>]
#         -P install.cmake
include("${CMAKE_CURRENT_LIST_DIR}/consumers.cmake")
file(REMOVE_RECURSE "${work}")
if(embeds)
  build_and_run("${embeds}" "${build}" ${embeds_flags})
endif()
run("${CMAKE_COMMAND}" --install "${build}" --prefix "${work}/made")
# An installed tree may be moved.
file(RENAME "${work}/made" "${work}/prefix")
check_versions("${work}/prefix")
build_and_run("${consumers}/find_package" "${work}/find_package" "-Dsonde_ROOT=${work}/prefix" ${flags})
use_pkg_config("${work}/prefix" "${work}/pkg_config")
