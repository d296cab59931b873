#!/usr/bin/env bash
# The HTML report in headless Chromium: builds the pages, opens them, uses them. Screenshots are left in build/browser.
# SONDE_PRESET names another build than "release".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
preset=${SONDE_PRESET:-release}

bash cmake/bootstrap.sh --libtorch none --browser
bash cmake/build.sh "$preset" --target browser_pages >/dev/null
rm -rf build/browser
"build/$preset/tests/browser/browser_pages" build/browser
# Debian's Python, which has Debian's Selenium.
/usr/bin/python3 tests/browser/browser_test.py build/browser
