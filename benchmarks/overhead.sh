#!/usr/bin/env bash
# Builds what is missing and measures what watching costs; the arguments are those of the program (--help lists them).
#
#   bash benchmarks/overhead.sh [--models a,b] [--repeats N] [--threads N] [--json FILE]
#
# SONDE_PRESET names another build than "release".
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/..
preset=${SONDE_PRESET:-release}

bash "$root/cmake/build.sh" "$preset" --target overhead >&2
exec "$root/build/$preset/benchmarks/overhead" "$@"
