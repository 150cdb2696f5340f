#!/usr/bin/env bash
# consumer.sh BUILD_DIR SOURCE_DIR COMPILER BUILD_TYPE: installs slope to a scratch folder, moves that elsewhere (a package must not
# remember where it was built), and builds and runs tests/consumer (programs and plug-ins) and examples/benchmark against it by find_package,
# and a program by pkg-config alone. Then installs once more and removes it again.
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
"$scratch/app/host" "$scratch"/app/*plugin_a.so "$scratch"/app/*plugin_b.so
listed=$(sed -n 's/^set(short_headers \(.*\))$/\1/p' "$source/tests/consumer/CMakeLists.txt" | tr ' ' '\n' | sort)
found=$(find "$scratch/slope/include/slope" -maxdepth 1 -name '*.h' -printf '%f\n' | sed 's/\.h$//' | sort)
[[ $listed == "$found" ]] || { echo "tests/consumer includes" $listed "of the installed headers" $found; exit 1; }
# The example that is a project of its own.
cmake -G Ninja -S "$source/examples/benchmark" -B "$scratch/benchmark" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE="$type" \
  -DCMAKE_PREFIX_PATH="$scratch/slope" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/benchmark"
"$scratch/benchmark/benchmark_a_loss" --benchmark_min_time=0

# A path begins where no other one goes on: a source folder called /slope is no part of ${prefix}/include/slope.
names() { printf '(^|-[IL]|[^[:alnum:]_.}/-])%s([^[:alnum:]_.-]|$)' "$(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$1")"; }
if grep -rlE -e "$(names "$build")" -e "$(names "$source")" -e "$(names "$scratch/first")" "$scratch/slope" --include='*.cmake' --include='*.pc'; then
  echo "these installed files name the build folder, the source folder or the one installed to"
  exit 1
fi

if command -v pkg-config >/dev/null; then
  pc=$(find "$scratch/slope" -name slope.pc)
  if grep -E '^(Libs|Cflags):.*[ IL]/' "$pc"; then
    echo "$pc has absolute paths"
    exit 1
  fi
  flags=$(PKG_CONFIG_PATH=${pc%/*} pkg-config --cflags --libs slope)
  # shellcheck disable=SC2086
  "$compiler" "$source/tests/consumer/main.cpp" -o "$scratch/by_pkg_config" $flags
  # Only a shared library has to be found once more.
  LD_LIBRARY_PATH=$(dirname "${pc%/*}") "$scratch/by_pkg_config"
fi

# The build remembers what it installed last; another build must not find that changed.
cp "$build/install_manifest.txt" "$scratch/manifest"
mkdir -p "$scratch/first/lib"
: >"$scratch/first/lib/somebody_elses"
cmake --install "$build" --prefix "$scratch/first" >/dev/null
cmake -D "MANIFEST=$scratch/manifest" -P "$source/cmake/uninstall.cmake"
left=$(cd "$scratch/first" && find . ! -type d; find . -type d -name '*slope*')
[[ $left == ./lib/somebody_elses ]] || { echo "left by the target uninstall: $left"; exit 1; }
