#!/usr/bin/env bash
# tools/check_shared.sh: builds slope as one shared library (preset shared), and runs with it the examples and, from an installed copy,
# tests/consumer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/build.sh shared
build=$PWD/build/shared
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0
for example in "$build"/examples/example_*; do
  name=${example##*/}
  grep -q 'libslope\.so' <<<"$(ldd "$example")" || { echo "$name does not use the shared library"; exit 1; }
  arguments=()
  [[ $name == *benchmark* ]] && arguments=(--benchmark_min_time=0)
  mkdir "$scratch/$name"
  (cd "$scratch/$name" && "$example" "${arguments[@]}" >log 2>&1) || { cat "$scratch/$name/log"; echo "$name failed"; exit 1; }
  count=$((count + 1))
done
((count > 4)) || { echo "only $count examples were built"; exit 1; }
if find "$build" -maxdepth 1 -name '*.a' | grep .; then
  echo "these archives were built beside the shared library"
  exit 1
fi
bash tests/meta/consumer.sh "$build" "$PWD" "$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")" Release
echo "$count examples and tests/consumer run with the shared library"
