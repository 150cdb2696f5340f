#!/usr/bin/env bash
# tools/docs.sh [FOLDER]: makes the reference of all public names in FOLDER/html (default: build/docs). Fails when a public name has no comment
# or Doxygen has another complaint; tools/doxygen_filter.awk says how headers are commented. Ends with 77 where Doxygen is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v doxygen >/dev/null || { echo "skipped: doxygen is not installed (Debian: doxygen)"; exit 77; }
out=${1:-build/docs}
mkdir -p "$out"
version=$(awk '/define SLOPE_VERSION_(MAJOR|MINOR|PATCH) /{ printf "%s%s", dot, $3; dot = "." }' autograd/core/version.h)
sed -e "s|@out@|$out|; s|@version@|$version|" tools/Doxyfile.in >"$out/Doxyfile"
rm -f "$out/warnings.txt"
doxygen "$out/Doxyfile"
pages=$(find "$out/html" -name '*.html' | wc -l)
((pages > 200)) || { echo "only $pages pages were made"; exit 1; }
if [[ -s $out/warnings.txt ]]; then
  sed "s|^$PWD/||" "$out/warnings.txt" | sort -u
  exit 1
fi
echo "$out/html/index.html"
