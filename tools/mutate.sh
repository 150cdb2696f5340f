#!/usr/bin/env bash
# tools/mutate.sh [list]: plants faults, one at a time, and reports which of them the named tests catch.
#
# A line of the list (default tools/mutations.txt) is
#     file | sed expression | tests
# where tests are executables, each with an optional Boost.Test filter: "test_core test_ops:reduce*". The expression must change exactly one
# line. All happens in a worktree of its own (build/mutate), from the last commit. Ends with 1 when a fault survives or a line is stale.
# MUTATE_ONLY=regex takes only the lines that match.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
list=$(realpath "${1:-tools/mutations.txt}")
tree=$root/build/mutate
if [[ -e $tree/.git ]]; then
  git -C "$tree" checkout -q --force --detach "$(git rev-parse HEAD)"
else
  git worktree add -q --detach "$tree" HEAD
fi
cd "$tree"
export CCACHE_BASEDIR=$tree CCACHE_NOHASHDIR=1
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset dev "${launcher[@]}" >build.log 2>&1 || { cat build.log; exit 2; }

# Runs a test up to its first error: most faults are caught long before the end.
passes() {
  : >run.log  # here and not only by the test, or the errors of the one before might be read
  timeout 300 "$@" >>run.log 2>&1 &
  local run=$!
  while kill -0 "$run" 2>/dev/null; do
    if grep -q 'error: in "' run.log; then
      kill "$run" 2>/dev/null
      wait "$run"
      return 1
    fi
    sleep 0.2
  done
  wait "$run"
}

trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }
status=0 caught=0 total=0
while IFS='|' read -r file expression tests; do
  file=$(trim "$file") expression=$(trim "$expression") tests=$(trim "$tests")
  [[ -z $file || $file == \#* ]] && continue
  [[ -n ${MUTATE_ONLY:-} && ! "$file" =~ $MUTATE_ONLY ]] && continue
  expression=${expression//\\p/\\|}  # a vertical bar is written \p
  ((++total))
  sed -E -i "$expression" "$file"
  verdict=""
  if [[ $(git diff --numstat -- "$file" | cut -f1,2) != $'1\t1' ]]; then
    verdict="STALE: changes other than one line"
  else
    targets=()
    for test in $tests; do targets+=("${test%%:*}"); done
    if ! cmake --build build/dev --target "${targets[@]}" >build.log 2>&1; then
      verdict="STALE: does not compile"
    else
      for test in $tests; do
        filter=()
        [[ $test == *:* ]] && filter=("--run_test=${test#*:}")
        if ! passes "build/dev/tests/${test%%:*}" "${filter[@]}"; then
          verdict="caught by $test"
          break
        fi
      done
    fi
  fi
  case $verdict in
    caught*) ((++caught)) ;;
    *) status=1 ;;
  esac
  printf '%-46s %-58s %s\n' "$file" "$expression" "${verdict:-SURVIVED}"
  git checkout -q -- "$file"
done <"$list"
echo "$caught of $total caught"
exit "$status"
