#!/usr/bin/env bash
# Installs what is missing, builds, and trains a small network on handwritten digits in four variants: one healthy, three
# with a fault. Each prints what the monitor has to say, and leaves its reports in build/demo/<variant>.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash cmake/build.sh release --target demo >&2
demo=build/release/examples/demo

run() {
  printf '\n=== %s: %s\n\n' "$1" "$2"
  rm -rf "build/demo/$1"
  "$demo" "$1" "build/demo/$1"
}
run healthy "nothing is wrong, and nothing is said"
run deep-sigmoid "a deep stack of sigmoids, whose first layers get no gradient"
run exploding "a learning rate that is too high; the monitor stops it before the weights are lost"
run log-of-zero "a hand-written log of a probability that reaches zero; stopped likewise"
