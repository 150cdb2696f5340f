#!/usr/bin/env bash
# public_headers.sh ROOT SHORT_DIR: every header that is not internal is reached from slope.h or one of the short headers in SHORT_DIR; what
# is reached by none is the library's own and belongs into a folder internal/.
set -euo pipefail
cd "$1"
short_dir=$2
declare -A reached=()
queue=(slope.h)
for header in "$short_dir"/*.h; do queue+=("${header##*/}"); done
while ((${#queue[@]})); do
  header=${queue[-1]}
  unset 'queue[-1]'
  [[ -n ${reached[$header]:-} ]] && continue
  reached[$header]=1
  file=$header
  [[ $header != */* && $header != slope.h ]] && file=$short_dir/$header
  while read -r included; do queue+=("$included"); done < <(sed -nE 's/^#include "slope\/([^"]+)".*/\1/p' "$file")
done
status=0
while read -r header; do
  [[ -n ${reached[$header]:-} ]] || { echo "$header is reached by no public header"; status=1; }
done < <(find autograd nn optim data io train -name '*.h' ! -path '*/internal/*' ! -path 'autograd/kernels/loops/*' ! -path 'autograd/kernels/gemm/*' ! -path 'autograd/kernels/window/*' ! -path 'autograd/kernels/norm/*' ! -path 'autograd/kernels/attention/*')
((${#reached[@]} > 100)) || { echo "only ${#reached[@]} headers were reached"; status=1; }
exit "$status"
