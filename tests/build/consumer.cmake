# Builds and runs a project that embeds Sonde, in a folder of its own. With dry_run it is configured, and what would be
# built is only listed: embedding by FetchContent is add_subdirectory() with another beginning.
#
#   cmake -Dsource=<project> -Dwork=<folder> [-Dflags=<flag;...>] [-Ddry_run=ON] -P consumer.cmake
include("${CMAKE_CURRENT_LIST_DIR}/consumers.cmake")
file(REMOVE_RECURSE "${work}")
if(dry_run)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${work}" -G Ninja ${flags} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${work}" --target train -- -n COMMAND_ERROR_IS_FATAL ANY)
else()
  build_and_run("${source}" "${work}" ${flags})
endif()
