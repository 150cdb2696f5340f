#!/usr/bin/env bash
# tools/format.sh [--fix] [FILE...]: are these sources (default: all) written as .clang-format says? --fix rewrites those that are not.
# Ends with 77 where clang-format 19 is not installed; another version would format differently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(--dry-run -Werror)
if [[ ${1:-} == --fix ]]; then
  mode=(-i)
  shift
fi
tool=$(command -v clang-format-19) || { echo "skipped: clang-format-19 is not installed (Debian: clang-format-19)"; exit 77; }
files=("$@")
if [[ $# -eq 0 ]]; then
  mapfile -t files < <(find slope.h autograd nn optim data io train examples tests bench tools -name '*.h' -o -name '*.cpp' -o -name '*.inc' | sort)
  ((${#files[@]} > 300)) || { echo "only ${#files[@]} sources were found"; exit 1; }
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 20 -P "$(nproc)" "$tool" "${mode[@]}"
