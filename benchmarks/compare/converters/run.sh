#!/usr/bin/env bash
# Converts models with real converters, and makes of each file the one that a known bug of a converter makes.
#
#   bash benchmarks/compare/converters/run.sh FOLDER
#
# FOLDER gets a folder a pair: right.onnx and wrong.onnx, reference.pt (TorchScript) where the source is a torch model, and
# input.npz; pairs.json says what is wrong in each. torch's exporter always, Keras through tf2onnx where these can be had. The
# packages come from PyPI into build/onnx-venv and build/keras-venv, once. Ends with 77 if torch's cannot be had.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../../build
for_torch="torch==2.13.0 numpy==2.4.6 ml_dtypes==0.6.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1"
for_keras="tensorflow-cpu==2.19.1 tf2onnx==1.17.0"

# environment FOLDER PACKAGE...
environment() {
  local venv=$1
  shift
  [ -f "$venv/complete" ] && return
  python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" && touch "$venv/complete"
}

if ! environment "$build/onnx-venv" $for_torch; then
  echo "skipped: no virtual environment with $for_torch (no network? on Debian: apt-get install python3-venv)"
  exit 77
fi
rm -rf "$folder"
mkdir -p "$folder"
if environment "$build/keras-venv" $for_keras; then
  "$build/keras-venv/bin/python" "$here/keras_files.py" "$folder"
else
  echo "without Keras: no virtual environment with $for_keras"
fi
"$build/onnx-venv/bin/python" "$here/make_pairs.py" "$folder"
