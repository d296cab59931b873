#!/usr/bin/env bash
# Installs what is missing, configures and builds a preset.
#
#   bash cmake/build.sh <preset> [argument of cmake --build]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
shift

case $preset in
  release-venv) libtorch=venv ;;
  tsan | fuzz) libtorch=none ;;
  *) libtorch=auto ;;
esac
found=$(bash cmake/bootstrap.sh --libtorch "$libtorch")
flags=()
[ -z "$found" ] || mapfile -t flags <<<"$found"

# Another LibTorch than last time: CMake would mix the two.
cache=build/$preset/CMakeCache.txt
for flag in "${flags[@]}"; do
  name=${flag#-D}
  if [ -f "$cache" ] && ! grep -q "^${name%%=*}:[A-Z]*=${name#*=}\$" "$cache"; then
    flags+=(--fresh)
  fi
done

cmake --preset "$preset" "${flags[@]}"
cmake --build --preset "$preset" --parallel "$(nproc)" "$@"
