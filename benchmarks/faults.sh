#!/usr/bin/env bash
# Builds what is missing and runs the fault suite; the arguments are those of the runner (--help lists them).
#
#   bash benchmarks/faults.sh [--cases DIR]... [--only ID]... [--seeds 1,2,3] [--json FILE]
#
# SONDE_PRESET names another build than "release".
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/..
preset=${SONDE_PRESET:-release}

bash "$root/cmake/build.sh" "$preset" --target faults >&2
exec "$root/build/$preset/benchmarks/faults/faults" "$@"
