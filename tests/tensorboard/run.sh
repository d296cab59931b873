#!/usr/bin/env bash
# TensorBoard's own readers against the file that Sonde writes.
#
#   bash tests/tensorboard/run.sh PROGRAM FOLDER
#
# PROGRAM is the built tensorboard_run; FOLDER is made anew. TensorBoard comes from PyPI into build/tensorboard-venv, once.
# Ends with 77 if it cannot be had.
set -euo pipefail
program=$1
folder=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../cmake/virtual_environment.sh"
virtual_environment_or_skip tensorboard tensorboard==2.21.0 numpy==2.4.6

rm -rf "$folder"
mkdir -p "$folder"
"$program" "$folder"
"$venv/bin/python" "$here/read_run.py" "$folder"
