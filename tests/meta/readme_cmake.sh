#!/usr/bin/env bash
# readme_cmake.sh README CMAKELISTS...: every line of the README's ```cmake blocks stands in one of these files, which tests build.
set -euo pipefail
readme=$1
shift
lines=$(awk '/^```cmake/ { inside = 1; next } /^```/ { inside = 0 } inside && NF' "$readme")
[[ -n $lines ]] || { echo "$readme has no cmake block"; exit 1; }
status=0
while IFS= read -r line; do
  grep -qxF -- "$line" "$@" || { echo "tested by none of $*: $line"; status=1; }
done <<<"$lines"
exit "$status"
