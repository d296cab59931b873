#!/usr/bin/env bash
# Sees to it that everything Sonde is built from is there, and prints the flags for CMake that find LibTorch, one a line.
#
#   bash cmake/bootstrap.sh [--libtorch auto|debian|venv|none] [--developer] [--browser]
#
# --libtorch auto    the LibTorch that CMAKE_PREFIX_PATH or Torch_DIR points to, else that of an installed Python torch,
#                    else Debian's libtorch-dev (the default)
#            debian  Debian's libtorch-dev, whatever else there is
#            venv    torch 2.13.0 in a virtual environment of its own, build/venv
#            none    none: for the layers that do without
# --developer        clang, clang-format, clang-tidy, lintian and Python's venv too
# --browser          Chromium and Selenium, for tests/browser
#
# Safe to run again; when nothing is missing it takes a fraction of a second and asks nothing of the network. Installs
# with apt-get, as root or through sudo. Messages go to stderr.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/build/venv
venv_torch=2.13.0

say() { echo "bootstrap: $*" >&2; }
fail() { say "$@"; exit 1; }

libtorch=auto
packages=(g++ cmake ninja-build ccache libfmt-dev libspdlog-dev nlohmann-json3-dev libeigen3-dev libhwy-dev libdw-dev zlib1g-dev
          libboost-dev libprotozero-dev libgtest-dev libgmock-dev libbenchmark-dev libcli11-dev pkgconf dpkg-dev
          python3-jsonschema)
while [ $# -gt 0 ]; do
  case $1 in
    --libtorch) libtorch=${2-}; shift 2 ;;
    --developer) packages+=(clang libclang-rt-14-dev clang-format clang-tidy lintian python3-venv); shift ;;
    --browser) packages+=(chromium chromium-driver python3-selenium fonts-dejavu-core); shift ;;
    *) fail "unknown argument '$1'; known are --libtorch auto|debian|venv|none, --developer and --browser" ;;
  esac
done

# The LibTorch that the environment points to, as a folder with TorchConfig.cmake.
torch_of_environment() {
  local prefix folder
  if [ -n "${Torch_DIR-}" ]; then
    [ -f "$Torch_DIR/TorchConfig.cmake" ] || fail "Torch_DIR is '$Torch_DIR', where there is no TorchConfig.cmake"
    echo "$Torch_DIR"
    return
  fi
  while IFS= read -r prefix; do
    for folder in "$prefix"/share/cmake/Torch "$prefix"/lib/*/cmake/Torch "$prefix"/lib/cmake/Torch "$prefix"/Torch; do
      if [ -n "$prefix" ] && [ -f "$folder/TorchConfig.cmake" ]; then
        echo "$folder"
        return
      fi
    done
  done < <(tr ':;' '\n\n' <<<"${CMAKE_PREFIX_PATH-}")
}

# The LibTorch inside a Python's torch package, if it can be built against with what Debian has: the C++11 ABI of
# libstdc++, and no CUDA without a CUDA compiler. torch itself is not imported, which would take seconds.
torch_of_python() {
  local package folder
  package=$("$1" -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")' \
    2>/dev/null) || return 0
  folder=$package/share/cmake/Torch
  if [ -z "$package" ] || [ ! -f "$folder/TorchConfig.cmake" ]; then
    return 0
  fi
  if grep -q '_GLIBCXX_USE_CXX11_ABI=0' "$folder/TorchConfig.cmake"; then
    say "passing over $package: it was built with the old C++ ABI"
  elif grep -Eq "^cuda[^=]*= *['\"]" "$package/version.py" && ! command -v nvcc >/dev/null; then
    say "passing over $package: it was built for CUDA, and there is no CUDA compiler"
  else
    echo "$folder"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

install_packages() {
  local missing log sudo=()
  if [ "$(. /etc/os-release 2>/dev/null && echo "${ID-} ${VERSION_ID-}")" != "debian 12" ]; then
    say "this script installs packages on Debian 12 only. Elsewhere, install what corresponds to"
    say "  $*"
    fail "point CMAKE_PREFIX_PATH to a LibTorch of version 1.13 or later, and run: cmake --preset release"
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "not root, and no sudo: run as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${missing[*]}; this can take some minutes"
  log=$(mktemp)
  apt_get() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" >"$log" 2>&1 </dev/null; }
  if ! apt_get update || ! apt_get install --no-install-recommends "${missing[@]}"; then
    tail -n 30 "$log" >&2
    fail "apt-get failed; all it said is in $log"
  fi
  rm -f "$log"
}

torch_dir=
case $libtorch in
  auto)
    torch_dir=$(torch_of_environment)
    if [ -z "$torch_dir" ] && command -v python3 >/dev/null; then
      torch_dir=$(torch_of_python python3)
    fi
    [ -n "$torch_dir" ] || libtorch=debian
    ;;
  debian | none) ;;
  venv) packages+=(python3-venv) ;;
  *) fail "--libtorch is '$libtorch'; it can be auto, debian, venv or none" ;;
esac
if [ "$libtorch" = debian ]; then
  # Without OpenBLAS, Debian's LibTorch multiplies matrices with the reference BLAS, some twenty times slower.
  packages+=(libtorch-dev libopenblas0-pthread)
fi
install_packages "${packages[@]}"

case $libtorch in
  debian) torch_dir=$(dirname "$(dpkg -L libtorch-dev | grep '/TorchConfig.cmake$')") ;;
  venv)
    if ! "$venv/bin/python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$venv_torch')" \
      2>/dev/null; then
      say "installing torch $venv_torch into $venv"
      python3 -m venv "$venv" >&2
      # The package alone: what it depends on is Python's.
      "$venv/bin/python" -m pip install --quiet --no-deps "torch==$venv_torch" >&2
    fi
    torch_dir=$(torch_of_python "$venv/bin/python")
    [ -n "$torch_dir" ] || fail "the torch that pip installed is no CPU build: set PIP_EXTRA_INDEX_URL to PyTorch's index of these"
    ;;
esac
if [ -n "$torch_dir" ]; then
  say "LibTorch: $torch_dir"
  echo "-DTorch_DIR=$torch_dir"
fi
