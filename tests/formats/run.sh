#!/usr/bin/env bash
# Files by the formats' own writers against our readers.
#
#   bash tests/formats/run.sh PROGRAM FOLDER
#
# PROGRAM is the built list_arrays; FOLDER is made anew. The writers come from PyPI into build/formats-venv, once. Ends with
# 77 if they cannot be had.
set -euo pipefail
program=$1
folder=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../cmake/virtual_environment.sh"
virtual_environment_or_skip formats numpy==2.4.6 ml_dtypes==0.6.0 safetensors==0.8.0 onnx==1.23.2

rm -rf "$folder"
mkdir -p "$folder"
"$venv/bin/python" "$here/written_and_read.py" "$program" "$folder"
