#!/usr/bin/env bash
# cmake/bootstrap.sh chooses the LibTorch it promises to, and installs what is missing and nothing else. The commands it
# calls are replaced by ones that only take notes.
#
#   bash bootstrap_test.sh <path of bootstrap.sh> <empty work folder>
set -uo pipefail
bootstrap=$1
work=$2
failures=0

rm -rf "$work"
mkdir -p "$work/bin" "$work/python/torch/share/cmake/Torch" "$work/libtorch/share/cmake/Torch"
touch "$work/python/torch/share/cmake/Torch/TorchConfig.cmake" "$work/libtorch/share/cmake/Torch/TorchConfig.cmake"
echo "cuda: Optional[str] = None" >"$work/python/torch/version.py"

command_that() {  # name, script
  printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
command_that apt-get "echo \"\$@\" >>'$work/apt'"
command_that dpkg-query 'case "$*" in *libhwy-dev*) echo -n "$HWY" ;; *) echo -n installed ;; esac'
command_that dpkg "echo /usr/lib/cmake/Torch/TorchConfig.cmake"
command_that python3 "echo \"\$PYTHON_TORCH\""
command_that id "echo 0"

# expect <what> <pattern of output> [<variable>=<value>]... -- [<argument>]...
expect() {
  local what=$1 pattern=$2 settings=() output
  shift 2
  while [ "$1" != -- ]; do settings+=("$1"); shift; done
  shift
  rm -f "$work/apt"
  output=$(env -u CMAKE_PREFIX_PATH -u Torch_DIR HWY=installed PYTHON_TORCH= "${settings[@]}" PATH="$work/bin:/usr/bin:/bin" \
    bash "$bootstrap" "$@" 2>&1; echo "exit $?"; [ ! -f "$work/apt" ] || sed 's/^/apt-get /' "$work/apt")
  if ! grep -Eqz -- "$pattern" <<<"$output"; then
    echo "FAILED: $what; wanted '$pattern', got:"
    echo "$output"
    failures=$((failures + 1))
  fi
}

expect "Torch_DIR comes first" "-DTorch_DIR=$work/libtorch/share/cmake/Torch" \
  Torch_DIR="$work/libtorch/share/cmake/Torch" PYTHON_TORCH="$work/python/torch" --
expect "a wrong Torch_DIR is an error" "no TorchConfig.cmake.*exit 1" Torch_DIR="$work/nothing" --
expect "CMAKE_PREFIX_PATH is searched" "-DTorch_DIR=$work/libtorch/share/cmake/Torch" CMAKE_PREFIX_PATH="$work:$work/libtorch" --
expect "then Python's is taken" "-DTorch_DIR=$work/python/torch/share/cmake/Torch" PYTHON_TORCH="$work/python/torch" --
expect "without either it is Debian's" "-DTorch_DIR=/usr/lib/cmake/Torch" --
expect "Debian's can be asked for" "-DTorch_DIR=/usr/lib/cmake/Torch" PYTHON_TORCH="$work/python/torch" -- --libtorch debian
expect "with everything there, apt-get is not called" "exit 0.$" --
expect "what is missing is installed, and nothing else" "apt-get [^\n]*install --no-install-recommends libhwy-dev.$" HWY= --
expect "an unknown argument is an error" "unknown argument '--help'.*exit 1" -- --help
expect "an unknown LibTorch is an error" "--libtorch is 'mine'.*exit 1" -- --libtorch mine

sed -i 's/None/"12.6"/' "$work/python/torch/version.py"
expect "a Python torch for CUDA needs a CUDA compiler" "passing over.*CUDA.*-DTorch_DIR=/usr/lib/cmake/Torch" \
  PYTHON_TORCH="$work/python/torch" --
echo 'set(TORCH_CXX_FLAGS "-D_GLIBCXX_USE_CXX11_ABI=0")' >"$work/python/torch/share/cmake/Torch/TorchConfig.cmake"
expect "a Python torch with the old ABI is passed over" "passing over.*old C\+\+ ABI.*-DTorch_DIR=/usr/lib/cmake/Torch" \
  PYTHON_TORCH="$work/python/torch" --

[ "$failures" -eq 0 ]
