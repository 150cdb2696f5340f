#!/usr/bin/env bash
# subdirectory.sh SOURCE_DIR COMPILER: a project that adds slope by add_subdirectory, as it is or as a shared library, configures and gets
# the libraries alone; without a build type slope is optimised, says so, and leaves the user's own flags alone.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
configure() {
  cmake -G Ninja -S "$1/tests/consumer/subdirectory" -B "$scratch/$2" -DSLOPE_SOURCE_DIR="$1" -DCMAKE_CXX_COMPILER="$3" "${@:4}"
}
fail() { echo "$*"; exit 1; }
commands() { ninja -C "$scratch/$1" -t commands app | grep -e ' -c '; }

configure "$1" app "$2" | tee "$scratch/log"
line=$(commands app | grep -e ' -c [^ ]*consumer/main.cpp')
if grep -e ' -W[a-z]' -e ' -fno-' -e ' -O' <<<"$line"; then
  fail "slope's own flags reach a user's sources"
fi
without=$(commands app | grep -v consumer/main.cpp | grep -vce ' -O[23]' || true)
[[ $without == 0 ]] || fail "$without sources of slope are compiled without optimisation"
[[ $(commands app | grep -c -e ' -O2.* -O3') -gt 10 ]] || fail "the kernels are compiled without -O3"
grep -q 'slope: no build type is set; slope itself is optimised' "$scratch/log" || fail "slope does not say that it chose -O2"
[[ $(commands app | grep -v consumer/main.cpp | grep -vc -e ' -fPIC' || true) == 0 ]] || fail "slope is not position independent"

configure "$1" chosen "$2" -DCMAKE_BUILD_TYPE=Debug >"$scratch/log"
if commands chosen | grep -e ' -O'; then fail "slope overrides the build type Debug"; fi
if grep 'no build type' "$scratch/log"; then fail "slope speaks although a build type is set"; fi

configure "$1" shared "$2" -DBUILD_SHARED_LIBS=ON >/dev/null
ninja -C "$scratch/shared" -t commands app | grep -q -e '-shared .*libslope.so' || fail "BUILD_SHARED_LIBS gives no shared library"
