#!/usr/bin/env bash
# Builds what is missing and compares models with known faults to their references; the arguments are those of the
# runner (--help lists them).
#
#   bash benchmarks/compare.sh [--json FILE] [--kinds a,b] [--architectures a,b] [--seeds N] [--self-check] [--verbose]
#   bash benchmarks/compare.sh --large
#
# --large compares models of the size of InceptionV3, MobileNetV2 and ResNet101, each in a process of its own.
# SONDE_PRESET names another build than "release".
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/..
preset=${SONDE_PRESET:-release}
build=$root/build/$preset/benchmarks/compare

if [ "${1-}" = --large ]; then
  bash "$root/cmake/build.sh" "$preset" --target compare_large >&2
  for model in inception_v3 mobilenet_v2 resnet101; do
    "$build/compare_large" "$model"
  done
  exit
fi
bash "$root/cmake/build.sh" "$preset" --target compare_suite >&2
exec "$build/compare_suite" "$@"
