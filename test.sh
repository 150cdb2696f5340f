#!/usr/bin/env bash
# ./test.sh [--full] [ctest arguments, e.g. -R regex]: installs what is missing, builds, and runs the tests; ctest's summary comes last.
# --full also runs them under the sanitizers, runs clang-tidy and cppcheck, makes the reference, builds the shared
# library, and installs the package in a bare system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
full=0
if [[ ${1:-} == --full ]]; then
  full=1
  shift
fi
sections=(required test)
((full)) && sections+=(full)
tools/deps.sh "${sections[@]}"

status=0
test_preset() {
  # What does not compile fails as a test that was not built; the others still run.
  tools/build.sh "$1" -- -k 0 || status=1
  ctest --preset "$1" -j "$(nproc)" "${@:2}" || status=1
}
step() {
  local code=0
  echo "== $1"
  "${@:2}" || code=$?
  if ((code == 77)); then
    echo "skipped: $1"
  elif ((code)); then
    echo "FAILED: $1"
    status=1
  fi
}
if ((full)); then
  for preset in asan-ubsan tsan; do
    echo "== $preset"
    test_preset "$preset" "$@"
  done
  step clang-tidy tools/tidy.sh
  step cppcheck tools/cppcheck.sh
  step reference tools/docs.sh
  step "shared library" tools/check_shared.sh
  step package tools/check_package.sh
  echo "== dev"
fi
test_preset dev "$@"
((status == 0)) || echo "something failed: see above"
exit "$status"
