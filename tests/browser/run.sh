#!/usr/bin/env bash
# The HTML report in headless Chromium: builds the pages without LibTorch, opens them, uses them. Screenshots are left in
# build/browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bash cmake/bootstrap.sh --libtorch none --browser
cmake -S . -B build/core -G Ninja -DCMAKE_BUILD_TYPE=Release -DSONDE_WITH_TORCH=OFF >/dev/null
cmake --build build/core --target browser_pages >/dev/null
rm -rf build/browser
build/core/tests/browser/browser_pages build/browser
# Debian's Python, which has Debian's Selenium.
/usr/bin/python3 tests/browser/browser_test.py build/browser
