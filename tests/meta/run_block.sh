#!/usr/bin/env bash
# run_block.sh EXPECTED PROGRAM [ARGUMENT...]: the program must end with 0 and, if the file EXPECTED exists, print exactly that.
set -euo pipefail
expected=$1
shift
if [[ ! -e $expected ]]; then
  exec "$@"
fi
diff -u --label "printed in the document" "$expected" --label "printed by the program" <("$@" || echo "exit code $?")
