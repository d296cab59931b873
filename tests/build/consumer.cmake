# Builds and runs a consumer project against Sonde, in a folder of its own.
#
#   cmake -Dsource=<project> -Dwork=<folder> [-Dinstalled=<build folder to install first>] [-Dflags=<flag;...>] -P ...
file(REMOVE_RECURSE "${work}")
if(installed)
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${installed}" --prefix "${work}/prefix" COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND flags "-Dsonde_ROOT=${work}/prefix")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${work}/build" -G Ninja ${flags} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${work}/build" --target train COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${work}/build/train" COMMAND_ERROR_IS_FATAL ANY)
