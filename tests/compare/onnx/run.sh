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
. "$here/../../../cmake/virtual_environment.sh"
virtual_environment_or_skip onnx $onnx_packages

rm -rf "$folder"
mkdir -p "$folder"
"$venv/bin/python" "$here/node_tests.py" "$program" "$folder/nodes"
"$venv/bin/python" "$here/exported_models.py" "$program" "$folder/models"
