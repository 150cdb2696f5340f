#!/usr/bin/env bash
# standard.sh COMPILER INCLUDE_DIR: in C++17 each header that programs include gives one error, which says what to do.
set -euo pipefail
compiler=$1 include=$2
status=0 count=0
for header in "$include"/slope/*.h; do
  name=slope/${header##*/}
  output=$(echo "#include \"$name\"" | "$compiler" -std=c++17 "-I$include" -fsyntax-only -x c++ - 2>&1) && { echo "$name compiles in C++17"; status=1; continue; }
  count=$((count + 1))
  [[ $(grep -c 'error:' <<<"$output") == 1 && $output == *"slope needs C++20: compile with -std=c++20"* ]] || { printf '%s: %s\n' "$name" "$output"; status=1; }
done
((count >= 10)) || { echo "only $count headers were tried"; status=1; }
exit "$status"
