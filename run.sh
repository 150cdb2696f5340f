#!/usr/bin/env bash
# ./run.sh [arguments]: installs what is missing, builds, and runs the complete focal loss example with the given arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
tools/deps.sh
tools/build.sh release --target example_05_focal_loss
exec build/release/examples/example_05_focal_loss "$@"
