#!/usr/bin/env bash
# complete.sh ROOT BENCH_LOSSES: every loss of the headers is measured, forward and forward+backward, in both dtypes.
set -euo pipefail
headers=$(cat "$1"/nn/losses/*/*.h)
functions=$(sed -nE 's/^Tensor ([a-z0-9_]+)\(In.*/\1/p' <<<"$headers")
modules=$(tr '\n' ' ' <<<"$headers" | grep -oE 'class [A-Za-z0-9]+ *: public (LossModule|Module)' | awk '{ print $2 }' | grep -vx LossModule)
(($(wc -w <<<"$functions") > 35 && $(wc -w <<<"$modules") > 35)) || { echo "the headers are not read right"; exit 1; }
names=$("$2" --benchmark_list_tests)
status=0
measured() { grep -qE "^$1/$2/n:[0-9x]+/threads:1/slope$" <<<"$names"; }
for loss in $functions; do
  for what in forward/f32 forward/f64 'forward\+backward/f32' 'forward\+backward/f64'; do
    measured "$loss" "$what" || { echo "$loss/$what is not measured: add a row to bench/losses/list.cpp"; status=1; }
  done
done
# Classes are named after their functions; those without one are measured under their own name in small letters.
plain=$(sed -E 's|/.*||; s/_//g' <<<"$names" | sort -u)
declare -A other_names=([bceloss]=binarycrossentropy [bcewithlogitsloss]=binarycrossentropywithlogits [kldivloss]=kldiv
  [crossentropyloss]=crossentropy)
for module in $modules; do
  key=$(tr '[:upper:]' '[:lower:]' <<<"$module")
  grep -qxE "${other_names[$key]:-$key}" <<<"$plain" || { echo "$module is not measured: add a row to bench/losses/list.cpp"; status=1; }
done
exit "$status"
