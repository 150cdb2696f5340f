#!/usr/bin/env bash
# tools/cppcheck.sh [FILE...]: runs cppcheck on these files (default: all sources and headers of the libraries, examples and tools), each by
# its own text. tools/cppcheck.supp says what is not reported, and why. Ends with 77 where cppcheck is not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v cppcheck >/dev/null || { echo "skipped: cppcheck is not installed"; exit 77; }
check() {
  cppcheck --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr --quiet --template=gcc \
    --suppressions-list=tools/cppcheck.supp --error-exitcode=1 -D__cplusplus=202002L "$@"
}
planted=$(mktemp --suffix=.cpp)
trap 'rm -f "$planted"' EXIT
echo 'int beyond() { int two[2] = {1, 2}; return two[2]; }' >"$planted"
if check "$planted" 2>/dev/null; then
  echo "cppcheck does not notice a planted fault"
  exit 1
fi

files=("$@")
if [[ $# -eq 0 ]]; then
  mapfile -t files < <(find autograd nn optim data io train examples tools -name '*.cpp' -o -name '*.h' | sort)
  ((${#files[@]} > 250)) || { echo "only ${#files[@]} files were found"; exit 1; }
fi
check "${files[@]}"
