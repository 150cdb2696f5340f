#!/usr/bin/env bash
# ./bench.sh [filter] [bench_losses arguments]: installs what is missing, builds bench_losses in the release preset, and prints a table.
#   ./bench.sh                       every loss in float32 on one thread
#   ./bench.sh focal_loss            what has this in its name: in both dtypes, for all numbers of threads
#   ./bench.sh '^mse_loss/forward/f32' --benchmark_out=mse.json --benchmark_repetitions=5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
filter='/f32/.*/threads:1/'
if [[ $# -gt 0 && $1 != --* ]]; then
  filter=$1
  shift
fi
tools/deps.sh required
# Quietly: what is worth looking at comes after it. Errors are shown.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Building bench_losses (some minutes the first time)" >&2
tools/build.sh release --target bench_losses >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
build/release/bench/bench_losses --benchmark_filter="$filter" --benchmark_min_time="${BENCH_MIN_TIME:-0.1}" "$@"
