#!/usr/bin/env bash
# ./test.sh [--full] [ctest arguments, e.g. -R regex]: installs what is missing, builds, and runs the tests; ctest's summary comes last.
# --full also runs them under the sanitizers and builds a project against an installed slope.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
full=0
if [[ ${1:-} == --full ]]; then
  full=1
  shift
fi
sections=(required)
((full)) && sections+=(full)
tools/deps.sh "${sections[@]}"

status=0
test_preset() {
  # What does not compile fails as a test that was not built; the others still run.
  tools/build.sh "$1" -- -k 0 || status=1
  ctest --preset "$1" -j "$(nproc)" "${@:2}" || status=1
}
if ((full)); then
  for preset in asan-ubsan tsan; do
    echo "== $preset"
    test_preset "$preset" "$@"
  done
  export SLOPE_FULL_TESTS=1
  echo "== dev"
fi
test_preset dev "$@"
exit "$status"
