#!/usr/bin/env bash
# readme_cmake.sh README CMAKELISTS: every line of the README's ```cmake blocks stands in the CMakeLists.txt that the consumer test builds.
set -euo pipefail
lines=$(awk '/^```cmake/ { inside = 1; next } /^```/ { inside = 0 } inside && NF' "$1")
[[ -n $lines ]] || { echo "$1 has no cmake block"; exit 1; }
status=0
while IFS= read -r line; do
  grep -qxF -- "$line" "$2" || { echo "not tested by $2: $line"; status=1; }
done <<<"$lines"
exit "$status"
