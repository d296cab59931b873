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
. "$here/../../../cmake/virtual_environment.sh"
for_keras="tensorflow-cpu==2.19.1 tf2onnx==1.17.0"

virtual_environment_or_skip onnx $onnx_packages
onnx_venv=$venv
rm -rf "$folder"
mkdir -p "$folder"
if virtual_environment keras $for_keras; then
  "$venv/bin/python" "$here/keras_files.py" "$folder"
else
  echo "without Keras: no virtual environment with $for_keras"
fi
"$onnx_venv/bin/python" "$here/make_pairs.py" "$folder"
