#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests.
#
#   bash tests/run.sh [preset [argument of ctest]...]      release (the default), release-venv, debug, asan-ubsan, tsan
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1-release}
shift $(($# > 0))

bash cmake/build.sh "$preset"
ctest --preset "$preset" --parallel "$(nproc)" "$@"
