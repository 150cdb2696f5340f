#!/usr/bin/env bash
# subdirectory.sh SOURCE_DIR COMPILER: a project that adds slope by add_subdirectory, as it is or as a shared library, configures and gets
# the libraries alone; without a build type slope is optimised, says so, and leaves the user's own flags alone.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# A copy: the project holds slope as its folder slope.
cp -r "$1/tests/consumer" "$scratch/consumer"
configure() {
  cmake -G Ninja -S "$scratch/consumer/subdirectory" -B "$scratch/$2" -DSLOPE_SOURCE_DIR="$1" -DCMAKE_CXX_COMPILER="$3" "${@:4}"
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
if commands chosen | grep -e ' -O[0-9s]'; then fail "slope overrides the build type Debug"; fi
if grep 'no build type' "$scratch/log"; then fail "slope speaks although a build type is set"; fi

configure "$1" shared "$2" -DBUILD_SHARED_LIBS=ON >/dev/null
[[ $(ninja -C "$scratch/shared" -t commands app | grep -c -e '-shared .*libslope.so') -gt 0 ]] || fail "BUILD_SHARED_LIBS gives no shared library"

# Fetched from a repository, which the sources need not be in here.
if command -v git >/dev/null; then
  mkdir "$scratch/repository"
  (cd "$1" && tar -c --exclude=./build --exclude=./out --exclude=./.git .) | tar -x -C "$scratch/repository"
  git -C "$scratch/repository" init -q -b main
  git -C "$scratch/repository" add -A
  git -C "$scratch/repository" -c user.name=a -c user.email=a@b commit -qm all
  configure "$1" fetched "$2" -Dslope_repository="$scratch/repository" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  [[ $(commands fetched | grep -c consumer/main.cpp) == 1 ]] || fail "FetchContent gives no program"
fi
