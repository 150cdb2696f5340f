#!/usr/bin/env bash
# startup.sh BUILD_DIR [RESULT_DIR]: measures what building and starting a program costs, with slope and, where it is installed, with
# libtorch, and writes startup.json and startup.md. BUILD_DIR is bench/startup in the build folder; the target bench_startup builds the
# programs and calls this. Slope and libtorch take turns, so that both see the same machine.
set -euo pipefail
build=$(cd "$1" && pwd)
results=${2:-$(dirname "${BASH_SOURCE[0]}")/results}
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/startup" && pwd)
source "$build/../rivals.env"
source "$sources/../machine.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

rivals=(slope)
((${#torch_includes[@]})) && rivals+=(torch)
program() { [[ $2 == slope ]] && echo "$build/$1" || echo "$build/$1_torch"; }

declare -A value

# What the compiler does with README.md's program.
compile() {  # RIVAL FLAG...
  local rival=$1 source=$build/readme.cpp standard=20 includes folder
  shift
  [[ $rival == torch ]] && source=$sources/readme_torch.cpp standard=17
  local -n folders=${rival}_includes
  includes=()
  for folder in "${folders[@]}"; do includes+=(-I "$folder"); done
  printf '%q ' "$compiler" -std=c++$standard -O2 "${includes[@]}" "$source" "$@"
}
for rival in "${rivals[@]}"; do
  value[$rival.lines]=$(eval "$(compile "$rival" -E)" | wc -l)
  printf '#!/bin/sh\nexec %s\n' "$(compile "$rival" -c -o "$scratch/$rival.o")" >"$scratch/$rival"
  chmod +x "$scratch/$rival"
done
while read -r whole busy _ memory path; do
  rival=${path##*/}
  value[$rival.compile]=$(awk "BEGIN { printf \"%.2f\", $whole / 1000 }")
  value[$rival.compile_busy]=$(awk "BEGIN { printf \"%.2f\", $busy / 1000 }")
  value[$rival.compile_memory]=$memory
done < <("$build/launch" 5 1 "${rivals[@]/#/$scratch/}")

# What the linker made of it.
megabytes() { awk '{ sum += $1 } END { printf "%.2f", sum / 1e6 }'; }
for rival in "${rivals[@]}"; do
  binary=$(program readme "$rival")
  strip -o "$scratch/stripped" "$binary"
  value[$rival.size]=$(stat -c %s "$binary" | megabytes)
  value[$rival.stripped]=$(stat -c %s "$scratch/stripped" | megabytes)
  mapfile -t libraries < <(ldd "$binary" | grep -o '/[^ ]*')
  value[$rival.libraries]=${#libraries[@]}
  value[$rival.libraries_size]=$(stat -Lc %s "${libraries[@]}" | megabytes)
done

# What it is to start the programs. An empty one is in each round; its time is taken off that of the first operation and step.
programs=("$build/empty")
for name in first_op first_step readme xor; do
  for rival in "${rivals[@]}"; do programs+=("$(program "$name" "$rival")"); done
done
while read -r whole busy mark memory path; do
  name=${path##*/}
  rival=slope
  [[ $name == *_torch ]] && rival=torch
  name=${name%_torch}
  [[ $name == empty ]] && rival=empty
  [[ $name == first_* ]] && value[$rival.$name]=$(awk "BEGIN { printf \"%.2f\", $mark - ${value[empty.empty_mark]} }")
  [[ $mark != - ]] && value[$rival.${name}_mark]=$mark
  value[$rival.${name}_whole]=$(awk "BEGIN { printf \"%.2f\", $whole }")
  value[$rival.${name}_busy]=$(awk "BEGIN { printf \"%.2f\", $busy }")
  value[$rival.${name}_memory]=$memory
done < <("$build/launch" 31 3 "${programs[@]}")

command='cmake --preset release && cmake --build --preset release --target bench_startup'

rows=(  # key|what it is|at most
  'compile|compile README'"'"'s program at -O2, s|3'
  'compile_busy|processor time of that, s|'
  'lines|lines of it after preprocessing|'
  'compile_memory|memory of the compiler, MB|'
  'size|size of the program, MB|'
  'stripped|stripped, MB|'
  'libraries|shared libraries it loads|'
  'libraries_size|their size, MB|'
  'first_op|start to first operation done, ms|20'
  'first_op_memory|memory of that program, MB|20'
  'first_step|start to first training step done, ms|20'
  'first_step_memory|memory of that program, MB|20'
  'readme_whole|README'"'"'s program from start to exit, ms|'
  'readme_memory|memory of it, MB|20'
  'xor_whole|XOR, 500 steps of Adam, start to exit, ms|'
  'xor_memory|memory of it, MB|20'
)

mkdir -p "$results"
{
  header="| | slope |" rule="| --- | --- |"
  ((${#rivals[@]} > 1)) && header+=" libtorch $torch_version | libtorch/slope |" rule+=" --- | --- |"
  printf '%s at most |\n%s --- |\n' "$header" "$rule"
  for row in "${rows[@]}"; do
    IFS='|' read -r key title limit <<<"$row"
    line="| $title | ${value[slope.$key]} |"
    ((${#rivals[@]} > 1)) && line+=" ${value[torch.$key]} | $(ratio "${value[torch.$key]}" "${value[slope.$key]}") |"
    echo "$line $limit |"
  done
  cat <<END

Machine: $(machine), $(load) processes wanting to run at the end; $compiler_name. Made by

\`\`\`
$command
\`\`\`

Compiling: median of 5, others: median of 31, slope and libtorch in turn. An empty program takes ${value[empty.empty_whole]} ms from start to exit and
${value[empty.empty_memory]} MB; its ${value[empty.empty_mark]} ms from start to \`main\` are taken off the times of the first operation and the first step. Memory is the
largest resident set. slope is linked statically, libtorch is not; most of what slope takes beyond the first operation is the dynamic
linker with OpenBLAS, which the first program does not need.
END
} >"$results/startup.md"
{
  printf '{\n  "machine": "%s",\n  "compiler": "%s",\n  "command": "%s"' "$(machine)" "$compiler_name" "$command"
  [[ $torch_version ]] && printf ',\n  "libtorch": "%s"' "$torch_version"
  for rival in empty "${rivals[@]}"; do
    printf ',\n  "%s": {' "$rival"
    separator=
    while read -r key; do
      printf '%s\n    "%s": %s' "$separator" "${key#"$rival".}" "${value[$key]}"
      separator=,
    done < <(printf '%s\n' "${!value[@]}" | grep "^$rival\." | sort)
    printf '\n  }'
  done
  printf '\n}\n'
} >"$results/startup.json"
cat "$results/startup.md"
