#!/usr/bin/env bash
# leaked_macros.sh ALLOWED COMPILER...: macros that slope's headers leave defined must match the pattern ALLOWED, and the warnings
# of who includes them stay as they were.
set -euo pipefail
allowed=$1
shift
unit=$(mktemp --suffix=.cpp)
trap 'rm -f "$unit"' EXIT
for header in autograd nn optim data io train slope pointwise op gradcheck explain version; do
  echo "#include \"slope/$header.h\""
done > "$unit"
"$@" -E -dD "$unit" | awk -v allowed="^($allowed)\$" '
  /^# [0-9]+ "/ { ours = $3 ~ /\/slope\//; next }
  /^#define / { name = $2; sub(/\(.*/, "", name); seen += ours; if (ours) defined[name] = 1; else delete defined[name] }
  ours && /^#pragma GCC diagnostic push/ { depth++ }
  ours && /^#pragma GCC diagnostic pop/ { depth-- }
  ours && /^#pragma GCC diagnostic ignored/ && depth == 0 { print "for good, not between push and pop: " $0; bad = 1 }
  /^#undef / { delete defined[$2] }
  END {
    if (seen < 10) { print "only " seen + 0 " macros of slope were seen"; exit 1 }
    if (depth != 0) { print "a push without a pop of diagnostics"; bad = 1 }
    for (name in defined)
      if (name !~ allowed) { print name " is still defined behind the headers; #undef it or define it in an internal one"; bad = 1 }
    exit bad
  }'
