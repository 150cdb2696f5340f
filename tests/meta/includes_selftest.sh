#!/usr/bin/env bash
# includes_selftest.sh layer...: the check of includes must find exactly the planted faults.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
found=$(bash includes.sh layering_fixture "$@") && { echo "planted faults were not found"; exit 1; }
diff -u layering_fixture/expected.txt <(printf '%s\n' "$found")
