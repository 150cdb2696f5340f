#!/usr/bin/env bash
# line_budget.sh LIMIT COMPILER FLAG... HEADER: preprocessing the header may give at most LIMIT lines: it is what each user compiles.
set -euo pipefail
limit=$1
shift
lines=$("$@" -E | wc -l)
echo "$lines preprocessed lines, $limit allowed"
((lines > 1000 && lines <= limit))
