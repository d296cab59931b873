#!/usr/bin/env bash
# ONNX's own node tests, and models that torch exports: our runner against the expected outputs and onnxruntime's.
#
#   bash tests/compare/onnx/run.sh PROGRAM FOLDER
#
# PROGRAM is the built run_onnx; FOLDER is made anew. The packages come from PyPI into build/onnx-venv, once. Ends with 77
# if they cannot be had.
set -euo pipefail
program=$1
folder=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/../../../build/onnx-venv
wanted="torch==2.13.0 numpy==2.4.6 ml_dtypes==0.6.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1"

if [ ! -f "$venv/complete" ]; then
  if ! python3 -m venv "$venv" || ! "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted; then
    echo "skipped: no virtual environment with $wanted (no network? on Debian: apt-get install python3-venv)"
    exit 77
  fi
  touch "$venv/complete"
fi

rm -rf "$folder"
mkdir -p "$folder"
"$venv/bin/python" "$here/node_tests.py" "$program" "$folder/nodes"
"$venv/bin/python" "$here/exported_models.py" "$program" "$folder/models"
