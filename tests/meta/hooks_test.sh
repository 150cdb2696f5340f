#!/usr/bin/env bash
# hooks_test.sh ROOT: the hooks accept and refuse what they should.
set -euo pipefail
root=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "$*"; exit 1; }
message() { printf '%b' "$1" >"$scratch/message"; bash "$root/tools/hooks/commit-msg" "$scratch/message" 2>"$scratch/stderr"; }

long=$(printf 'x%.0s' {1..72})
message 'Add the hyperbolic tangent\n\nWhy it matters.\n# a comment\n' || fail "a good message is refused"
message "$long" || fail "72 characters are refused"
message "Merge branch 'a name that is very long indeed and was not chosen by anybody who writes messages'" || fail "a merge is refused"
message "x$long" && fail "73 characters are accepted"
[[ $(<"$scratch/stderr") == "not committed: the subject has 73 characters, 72 are allowed" ]] || fail "wrong words: $(<"$scratch/stderr")"
message 'Add a thing.\n' && fail "a full stop is accepted"
message 'Add a thing\nand another\n' && fail "a second line that is not empty is accepted"

command -v clang-format-19 >/dev/null && command -v git >/dev/null || exit 0
git -c init.defaultBranch=main init -q "$scratch/repo"
mkdir "$scratch/repo/tools"
cp "$root/tools/format.sh" "$scratch/repo/tools"
cp "$root/.clang-format" "$scratch/repo"
cd "$scratch/repo"
echo 'int f();' >good.h
git add good.h
bash "$root/tools/hooks/pre-commit" || fail "a formatted file is refused"
echo 'int  g( );' >bad.h
git add bad.h
bash "$root/tools/hooks/pre-commit" 2>"$scratch/stderr" >/dev/null && fail "a file that is not formatted is accepted"
[[ $(<"$scratch/stderr") == *"tools/format.sh --fix"*bad.h* ]] || fail "wrong words: $(<"$scratch/stderr")"
