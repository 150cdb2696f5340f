#!/usr/bin/env bash
# tools/tidy.sh [-j JOBS] [FILE.cpp...]: runs clang-tidy 19 on these sources (default: all of the libraries, examples and tools that
# build/dev compiles), JOBS at a time (default: as many as cores). A source whose text after preprocessing passed before is not looked at again
# (build/dev/tidy). Ends with 77 where clang-tidy 19 is not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for tool in clang-tidy-19 clang++-19; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (Debian: clang-tidy-19 clang-19)"; exit 77; }
done
jobs=$(nproc)
if [[ ${1:-} == -j ]]; then
  jobs=$2
  shift 2
fi
database=build/dev/compile_commands.json
[[ -e $database ]] || cmake --preset dev >/dev/null
export cache=build/dev/tidy
mkdir -p "$cache"
rules=$({ grep -v '^ *#' .clang-tidy; clang-tidy-19 --version; } | sha256sum)
export rules

check() {
  local source=$1 flags key output
  # -D, -I, -std and -isystem decide what the text is; comments count, since NOLINT stands in one.
  flags=$(awk -v source="/$source" '
    /"command":/ { command = $0 }
    /"file":/ { if (index($0, source "\"")) { print command; exit } }' build/dev/compile_commands.json |
    grep -oE ' (-D|-I|-std=|-isystem )[^ ]+' | sed 's/\\\\*"/"/g' | tr -d '\n')
  [[ -n $flags ]] || { echo "$source: build/dev does not compile it"; return 1; }
  # shellcheck disable=SC2086
  key=$({ echo "$rules"; eval clang++-19 -E -C -w $flags '"$source"'; } 2>&1 | sha256sum | cut -d' ' -f1)
  [[ -e $cache/$key ]] && return 0
  if output=$(clang-tidy-19 --quiet -p build/dev --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-deprecated-declarations "$source" 2>/dev/null); then
    : >"$cache/$key"
  else
    printf '%s\n' "$output"
    return 1
  fi
}
export -f check

files=("$@")
if [[ $# -eq 0 ]]; then
  mapfile -t files < <(find autograd nn optim data io train examples tools -name '*.cpp' | sort)
  ((${#files[@]} > 100)) || { echo "only ${#files[@]} sources were found"; exit 1; }
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'check "$0"'
