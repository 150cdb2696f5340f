#!/usr/bin/env bash
# no_match.sh MESSAGE COMMAND...: the command must fail and say so.
set -uo pipefail
message=$1
shift
if output=$("$@" 2>&1); then
  echo "succeeded: $*"
  exit 1
fi
grep -qF "$message" <<<"$output" || { echo "$output"; exit 1; }
