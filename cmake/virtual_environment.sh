# Python environments with packages from PyPI, for tests and benchmarks that need other programs' readers and writers.
# To be sourced; build/<name>-venv is made once.
#
#   virtual_environment <name> <package>...          false if it cannot be had; else $venv is its folder
#   virtual_environment_or_skip <name> <package>...  the same, but says so and ends the script with 77

# Of build/onnx-venv, which tests and benchmarks share.
onnx_packages="torch==2.13.0 numpy==2.4.6 ml_dtypes==0.6.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1"

virtual_environment() {
  venv=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/$1-venv
  shift
  [ -f "$venv/complete" ] && return
  python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" && touch "$venv/complete"
}

virtual_environment_or_skip() {
  virtual_environment "$@" && return
  shift
  echo "skipped: no virtual environment with $* (no network? on Debian: apt-get install python3-venv)"
  exit 77
}
