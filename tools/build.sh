#!/usr/bin/env bash
# tools/build.sh PRESET [cmake --build arguments...]: configures a preset and builds it with as many jobs as cores and memory allow.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
shift

jobs=$(nproc)
if [[ -r /proc/meminfo ]]; then  # a compiler process may take 1.5 GB
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  jobs=$((by_memory < 1 ? 1 : by_memory < jobs ? by_memory : jobs))
fi

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
