#!/usr/bin/env bash
# tools/check_package.sh [BUILD_DIR]: packs the preset package (or BUILD_DIR) as a .deb, installs it into a bare Debian 12, and builds and runs
# tests/consumer there, by CMake and by pkg-config. Ends with 77 where mmdebstrap is missing or its root file system cannot be made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:-build/package}
for tool in mmdebstrap cpack dpkg-deb; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
[[ $(id -u) == 0 ]] || { echo "skipped: a root file system is made by root only"; exit 77; }
if [[ $# -eq 0 ]]; then
  tools/build.sh package
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$build" && cpack -G DEB -B "$scratch" >"$scratch/log") || { cat "$scratch/log"; exit 1; }
deb=$(ls "$scratch"/*.deb)
dpkg-deb --field "$deb" Package Version Architecture Depends
listed=$(dpkg-deb --contents "$deb")
grep -q '/usr/include/slope/slope.h$' <<<"$listed"
if grep -E '/internal/|/usr/local|\.cpp$' <<<"$listed"; then
  echo "the package holds what it should not"
  exit 1
fi

mkdir "$scratch/consumer"
cp -r tests/consumer/. "$scratch/consumer"
cat >"$scratch/inside.sh" <<'END'
set -eu
cd /tmp/consumer
cmake -G Ninja -B build -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build
build/app
build/app_nn
build/host build/*plugin_a.so build/*plugin_b.so
g++ main.cpp -o by_pkg_config $(pkg-config --cflags --libs slope)
./by_pkg_config
apt-get remove -y -qq libslope-dev >/dev/null
test ! -e /usr/include/slope
echo "the package serves a project"
END
mmdebstrap --quiet --variant=apt --include=g++,cmake,ninja-build,pkgconf \
  --customize-hook="upload '$deb' /tmp/libslope-dev.deb" \
  --customize-hook='mkdir "$1/tmp/consumer"' \
  --customize-hook="sync-in '$scratch/consumer' /tmp/consumer" \
  --customize-hook="upload '$scratch/inside.sh' /tmp/inside.sh" \
  --customize-hook='chroot "$1" apt-get install -y -qq --no-install-recommends /tmp/libslope-dev.deb >/dev/null' \
  --customize-hook='chroot "$1" bash /tmp/inside.sh' bookworm /dev/null
