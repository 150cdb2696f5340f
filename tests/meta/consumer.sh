#!/usr/bin/env bash
# consumer.sh BUILD_DIR SOURCE_DIR COMPILER BUILD_TYPE: installs slope to a scratch folder, moves that elsewhere (a package must not
# remember where it was built), and builds and runs tests/consumer and examples/benchmark against it by find_package, and tests/consumer by
# pkg-config alone.
set -euo pipefail
build=$1 source=$2 compiler=$3 type=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/slope"

cmake -G Ninja -S "$source/tests/consumer" -B "$scratch/app" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE="$type" \
  -DCMAKE_PREFIX_PATH="$scratch/slope" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/app"
"$scratch/app/app"
"$scratch/app/app_nn"
# The example that is a project of its own.
cmake -G Ninja -S "$source/examples/benchmark" -B "$scratch/benchmark" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE="$type" \
  -DCMAKE_PREFIX_PATH="$scratch/slope" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/benchmark"
"$scratch/benchmark/benchmark_a_loss" --benchmark_min_time=0

if grep -rlF -e "$build" -e "$source" "$scratch/slope" --include='*.cmake' --include='*.pc'; then
  echo "these installed files name the build or source folder"
  exit 1
fi

pc=$(dirname "$(find "$scratch/slope" -name slope.pc)")
if command -v pkg-config >/dev/null; then
  flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-prefix --cflags --libs slope)
  # shellcheck disable=SC2086
  "$compiler" -std=c++20 "$source/tests/consumer/main.cpp" -o "$scratch/by_pkg_config" $flags
  "$scratch/by_pkg_config"
fi
