#!/usr/bin/env bash
# at_most.sh MEGABYTES PROGRAM CASE: the case must take no more memory than that.
set -euo pipefail
megabytes=$("$2" "$3")
awk -v took="$megabytes" -v bound="$1" 'BEGIN { exit !(took > 0 && took <= bound) }' ||
  { echo "$3 takes $megabytes MB, more than $1"; exit 1; }
