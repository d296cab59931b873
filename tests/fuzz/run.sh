#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each of them.
#
#   bash tests/fuzz/run.sh [runs] [target]...      10000 runs of each target, if nothing else is said
#
# Prints a line for each target. A crash, a leak, a hang of more than 10 s or more than 1 GB of memory ends it with an
# error; the input that did it is then in build/fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
runs=${1-10000}
shift $(($# > 0))

command -v clang++ >/dev/null || { echo "fuzz: clang++ is needed; cmake/bootstrap.sh --developer installs it" >&2; exit 1; }
bash cmake/build.sh fuzz >/dev/null
cd build/fuzz
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cd tests/fuzz && ls ./*_fuzz | sed 's,^\./,,')
fi
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
tests/fuzz/make_seeds "$seeds"
for target in "${targets[@]}"; do
  log=$target.log
  if ! UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "tests/fuzz/$target" "$seeds" -runs="$runs" -max_len=4096 \
    -timeout=10 -rss_limit_mb=1024 -seed=1 -print_final_stats=1 -verbosity=1 >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "fuzz: $target failed; its output is in build/fuzz/$log" >&2
    exit 1
  fi
  awk -v target="$target" '/^stat::number_of_executed_units/ { runs = $2 } /^stat::peak_rss_mb/ { memory = $2 }
    END { printf "fuzz: %s: %d runs, no failure, at most %d MiB of memory\n", target, runs, memory }' "$log"
done
