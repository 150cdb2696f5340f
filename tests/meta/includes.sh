#!/usr/bin/env bash
# includes.sh ROOT layer... | checks every #include of the libraries under ROOT and prints the wrong ones. A layer is name:folder:name,name...:
# the library, its folder, and the libraries right below it. Wrong are
#   - an include of slope that is not of the library itself or of one below it,
#   - a quoted include that does not read "slope/...",
#   - in a header for users, an include of an internal one (from a folder internal/, kernels/attention, gemm, loops, norm or window),
#   - in a header, anything that is neither slope's nor the C++ standard library's.
set -euo pipefail
root=$1
shift
cd "$root"
folders=()
for layer in "$@"; do
  IFS=: read -r _ folder _ <<<"$layer"
  [[ -d $folder ]] && folders+=("$folder")
done
for umbrella in autograd/*.h; do
  [[ -e $umbrella ]] && folders+=("$umbrella")
done
layers=$*
find "${folders[@]}" -name '*.h' -o -name '*.cpp' | sort | xargs awk -v layers="$layers" '
  function library_of(path,   b, library) {
    if (path in short) path = short[path]
    library = path ~ "^autograd/[^/]*$" ? "ops" : ""  # autograd/autograd.h stands above all libraries beside it
    for (b in folder) if (index(path, folder[b] "/") == 1) library = b
    return library
  }
  function internal(path) { return path ~ /\/internal\// || path ~ /^autograd\/kernels\/(attention|gemm|loops|norm|window)\// }
  BEGIN {
    n = split("autograd data io nn optim train", umbrella, " ")
    for (i = 1; i <= n; i++) short[umbrella[i] ".h"] = umbrella[i] "/" umbrella[i] ".h"
    short["pointwise.h"] = "autograd/ops/x"; short["op.h"] = short["gradcheck.h"] = short["explain.h"] = "autograd/engine/x"
    short["version.h"] = "autograd/core/x"
    n = split(layers, layer, " ")
    for (i = 1; i <= n; i++) {  # lowest first, so what is below is complete when it is inherited
      split(layer[i], part, ":")
      folder[part[1]] = part[2]
      m = split(part[3], direct, ",")
      for (j = 1; j <= m; j++) {
        below[part[1], direct[j]] = 1
        for (b in folder) if ((direct[j], b) in below) below[part[1], b] = 1
      }
    }
  }
  /^[ \t]*#[ \t]*include[ \t]*["<]/ {
    own = library_of(FILENAME)
    match($0, /["<][^">]*[">]/)
    quote = substr($0, RSTART, 1); name = substr($0, RSTART + 1, RLENGTH - 2)
    if (quote == "<") {
      if (FILENAME ~ /\.h$/ && name !~ /^[a-z_0-9]+$/) wrong("a header includes <" name ">; only the C++ standard library may show in headers")
      next
    }
    if (name !~ /^slope\//) { wrong("\"" name "\" must be written \"slope/...\""); next }
    other = library_of(substr(name, 7))
    if (FILENAME ~ /\.h$/ && !internal(FILENAME) && internal(name)) wrong("\"" name "\": a header for users includes an internal one")
    if (other == "") wrong("\"" name "\" belongs to no library")
    else if (other != own && !((own, other) in below)) wrong("\"" name "\": " own " may not include " other)
  }
  function wrong(what) { print FILENAME ":" FNR ": " what; bad = 1 }
  END { exit bad }'
