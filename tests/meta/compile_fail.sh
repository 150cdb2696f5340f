#!/usr/bin/env bash
# compile_fail.sh FILE COMPILER FLAG...: FILE must compile with -DSLOPE_MAKE_VALID (so it fails for the right reason), must not compile
# without, and the compiler's output must then match every `// expect: <extended regex>` line of the file.
set -uo pipefail
file=$1
shift
mapfile -t expected < <(sed -n 's,^ *// expect: *,,p' "$file")
if [[ ${#expected[@]} -eq 0 ]]; then
  echo "$file has no '// expect: regex' line"
  exit 1
fi
if ! "$@" -DSLOPE_MAKE_VALID -fsyntax-only "$file"; then
  echo "$file does not compile with SLOPE_MAKE_VALID either"
  exit 1
fi
if output=$("$@" -fsyntax-only "$file" 2>&1); then
  echo "$file compiles, but must not"
  exit 1
fi
for regex in "${expected[@]}"; do
  if ! grep -Eq -- "$regex" <<<"$output"; then
    printf '%s\nthe output of the compiler does not match: %s\n' "$output" "$regex"
    exit 1
  fi
done
