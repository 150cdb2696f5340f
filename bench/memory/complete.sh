#!/usr/bin/env bash
# complete.sh PROGRAM...: each runs every case of the list.
set -euo pipefail
for program in "$@"; do
  "$program" --list | while IFS='|' read -r name what; do
    megabytes=$("$program" "$name") || { echo "$program does not run $name ($what)"; exit 1; }
    [[ $megabytes =~ ^[0-9.]+$ ]] || { echo "$name: $megabytes"; exit 1; }
  done
done
