# Configures a project that embeds Sonde, and only lists what would be built: embedding by FetchContent is add_subdirectory()
# with another beginning.
#
#   cmake -Dsource=<project> -Dwork=<folder> [-Dflags=<flag;...>] -P dry_run.cmake
file(REMOVE_RECURSE "${work}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${work}" -G Ninja ${flags} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${work}" --target train -- -n COMMAND_ERROR_IS_FATAL ANY)
