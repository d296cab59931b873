#!/usr/bin/env bash
# Builds what is missing and measures how cost and memory grow with layers, elements and steps; the arguments are those
# of the program (--help lists them).
#
#   bash benchmarks/scale.sh [--layers N] [--elements N] [--steps N] [--json FILE]
#
# SONDE_PRESET names another build than "release".
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/..
preset=${SONDE_PRESET:-release}

bash "$root/cmake/build.sh" "$preset" --target scale >&2
exec "$root/build/$preset/benchmarks/scale" "$@"
