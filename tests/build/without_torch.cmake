# Configures and builds the layers without LibTorch where it cannot be found.
#
#   cmake -Dsource=<folder> -Dwork=<folder> [-Dflags=<flag;...>] -P without_torch.cmake
file(REMOVE_RECURSE "${work}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${work}" -G Ninja -DSONDE_WITH_TORCH=OFF -DSONDE_BUILD_TESTS=OFF
                        -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON ${flags}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${work}" --target sonde_core sonde_command COMMAND_ERROR_IS_FATAL ANY)
