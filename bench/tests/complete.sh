#!/usr/bin/env bash
# complete.sh ROOT BENCH_LOSSES: every loss of the headers is measured, forward and forward+backward, in both dtypes.
set -euo pipefail
functions=$(cat "$1"/nn/losses/*/*.h | sed -nE 's/^Tensor ([a-z0-9_]+)\(In.*/\1/p' | sort -u)  # not words of formulas, which are templates
modules=$(cat "$1"/nn/losses/*/*.h | tr '\n' ' ' | grep -oE 'class [A-Za-z0-9]+ : public Module' | awk '{ print $2 }')
(($(wc -l <<<"$functions") > 35)) || { echo "the headers are not read right"; exit 1; }
# A loss that is a module and no function is measured by a name of the same words.
for module in $modules; do
  words=$(sed -E 's/([a-z])([A-Z])/\1_\2/g' <<<"$module" | tr '[:upper:]' '[:lower:]')
  functions+=$'\n'$words
done
names=$("$2" --benchmark_list_tests)
status=0
for loss in $functions; do
  for what in forward/f32 forward/f64 forward+backward/f32 forward+backward/f64; do
    grep -qE "^$loss/${what/+/\\+}/n:[0-9x]+/threads:1/slope$" <<<"$names" || { echo "$loss/$what is not measured: add a row to bench/losses/list.cpp"; status=1; }
  done
done
exit "$status"
