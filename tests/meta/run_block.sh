#!/usr/bin/env bash
# run_block.sh PROGRAM [EXPECTED]: the program must end with 0 and, given a file, print exactly that.
set -euo pipefail
if [[ $# -eq 1 ]]; then
  exec "$1"
fi
diff -u --label "printed in the document" "$2" --label "printed by the program" <("$1" || echo "exit code $?")
