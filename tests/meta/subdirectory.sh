#!/usr/bin/env bash
# subdirectory.sh SOURCE_DIR COMPILER: a project that adds slope by add_subdirectory configures, and gets the libraries alone.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake -G Ninja -S "$1/tests/consumer/subdirectory" -B "$scratch/app" -DSLOPE_SOURCE_DIR="$1" -DCMAKE_CXX_COMPILER="$2"

line=$(ninja -C "$scratch/app" -t commands app | grep -e ' -c [^ ]*consumer/main.cpp')
if grep -e ' -W[a-z]' -e ' -fno-' <<<"$line"; then
  echo "slope's own flags reach a user's sources"
  exit 1
fi
