#!/usr/bin/env bash
# line_budget.sh LIMIT COMPILER FLAG... HEADER: preprocessing the header may give at most LIMIT lines: it is what each user compiles.
set -euo pipefail
limit=$1
shift
lines=$("$@" -E | wc -l)
echo "$lines preprocessed lines, $limit allowed"
((lines > 1000 && lines <= limit)) && exit
echo "What costs most, in lines:"
"$@" -E | awk '/^# [0-9]+ "/ { file = $3; next } { ++lines[file] } END { for (file in lines) print lines[file], file }' | sort -rn | sed 25q
exit 1
