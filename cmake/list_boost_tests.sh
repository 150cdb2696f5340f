#!/usr/bin/env bash
# list_boost_tests.sh EXECUTABLE AREA OUTPUT: writes one add_test() per test case of a Boost.Test executable.
set -euo pipefail
executable=$1 area=$2 output=$3

# The list is an indented tree on standard error: suites and cases, enabled ones marked with '*', descriptions after a ':'.
if ! tree=$("$executable" --list_content --color_output=no 2>&1); then
  printf '%s\n' "$tree" >&2
  echo "$executable --list_content failed: its cases run as one test" >&2
  tree=""
fi

printf '%s\n' "$tree" | awk -v executable="$executable" -v area="$area" '
  function quote(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\$/, "\\$", text); return "\"" text "\"" }
  function add(name, filter) {
    if (name in seen) return
    seen[name] = 1; count++
    printf "add_test(%s %s %s --log_level=test_suite --color_output=no)\n", quote(name), quote(executable), quote("--run_test=" filter)
    printf "set_tests_properties(%s PROPERTIES LABELS %s SKIP_RETURN_CODE 77 SKIP_REGULAR_EXPRESSION %s)\n", quote(name), quote(area), quote("is skipped because precondition failed")
  }
  function flush(depth,   i, path, dotted, name) {  # adds the last line read when it was a leaf
    if (last < 0 || depth > last || disabled) return
    path = ""; dotted = area
    for (i = 0; i <= last; i++) {
      if (node[i] ~ /^_[0-9]+$/) break
      name = node[i]; sub(/[^A-Za-z0-9_].*/, "", name)
      path = path (i ? "/" : "") name (name == node[i] ? "" : "*"); dotted = dotted "." name
      if (name != node[i]) break
    }
    add(dotted, path)
  }
  BEGIN { last = -1 }
  /^ *[A-Za-z_]/ {
    match($0, /^ */); depth = RLENGTH / 4
    text = substr($0, RLENGTH + 1)
    flush(depth)
    disabled = text !~ /^[^: ]*\*/
    sub(/\*?(:.*)?$/, "", text)
    node[depth] = text; last = depth
    next
  }
  END {
    flush(0)
    if (!count) {
      printf "add_test(%s %s --log_level=test_suite)\n", quote(area ".all"), quote(executable)
      printf "set_tests_properties(%s PROPERTIES LABELS %s SKIP_RETURN_CODE 77)\n", quote(area ".all"), quote(area)
    }
  }' >"$output"
