#!/usr/bin/env bash
# tools/build.sh PRESET [cmake --build arguments...]: configures a preset and builds it with as many jobs as cores and memory allow.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
shift

# A compiler process may take 1.5 GB.
memory_kb=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
jobs=$((memory_kb / 1500000))
cores=$(nproc)
((jobs > cores)) && jobs=$cores
((jobs < 1)) && jobs=1

launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" "${launcher[@]}" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
cmake --build --preset "$preset" -j "$jobs" "$@"
