#!/usr/bin/env bash
# deps_test.sh ROOT: tools/deps.sh with everything there, and with packages missing and neither root nor sudo.
set -euo pipefail
root=$1
unset SKIP_DEPS
stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
fail() { echo "$*"; exit 1; }
stub() { printf '#!/bin/bash\n%s\n' "$2" >"$stubs/$1"; chmod +x "$stubs/$1"; }
for tool in bash awk dirname env; do ln -s "$(command -v $tool)" "$stubs/$tool"; done
run() { env -i PATH="$stubs" "$stubs/bash" "$root/tools/deps.sh" "$@" 2>"$stubs/stderr" </dev/null; }

stub id 'echo 1000'
stub dpkg-query 'shift 2; for p in "$@"; do echo "ii  $p"; done'
out=$(run) || fail "everything is installed, yet deps.sh fails"
[[ -z $out && ! -s $stubs/stderr ]] || fail "everything is installed, yet deps.sh prints: $out"

stub dpkg-query 'shift 2; for p in "$@"; do [[ $p == cmake ]] || echo "ii  $p"; done; exit 1'
code=0; out=$(run) || code=$?
[[ $code == 2 ]] || fail "one package is missing: expected exit code 2, got $code"
[[ $out == "apt-get install --no-install-recommends cmake" ]] || fail "wrong line: $out"

stub dpkg-query 'shift 2; for p in "$@"; do echo "rc  $p"; done'
code=0; out=$(run required full) || code=$?
[[ $code == 2 && $out == *" g++ "* && $out == *" clang-19 "* && $out != *torch* ]] || fail "removed packages count as missing: $code $out"

stub id 'echo 0'
stub apt-get 'echo "$*" >>"$(dirname "$0")/log"; [[ $1 == update || -e $(dirname "$0")/updated ]] && exit 0; : >"$(dirname "$0")/updated"; exit 100'
run >/dev/null || fail "root: installing failed: $(<"$stubs/stderr")"
mapfile -t log <"$stubs/log"
[[ ${#log[@]} == 3 && ${log[0]} == install* && ${log[1]} == update* && ${log[2]} == install*" g++ "* ]] || fail "root: ran ${log[*]}"
