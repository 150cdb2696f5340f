#!/usr/bin/env bash
# memory.sh BUILD_DIR [RESULT_DIR]: measures how much memory trainings take, with slope and, where it is installed, with libtorch, and writes
# memory.json and memory.md. BUILD_DIR is bench in the build folder; the target bench_memory builds the programs and calls this.
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=${2:-$here/results}
source "$build/rivals.env"
source "$here/machine.sh"

mapfile -t works < <("$build/memory/memory" --list)  # case|what it is
rivals=(slope)
[[ -x $build/memory/memory_torch ]] && rivals+=(torch)
program() { [[ $1 == slope ]] && echo "$build/memory/memory" || echo "$build/memory/memory_torch"; }

# The largest of five runs: what has to be there.
declare -A value
for work in "${works[@]}"; do
  key=${work%%|*}
  for rival in "${rivals[@]}"; do
    value[$rival.$key]=$(for run in 1 2 3 4 5; do "$(program "$rival")" "$key"; done | sort -n | tail -1)
  done
done

command='cmake --preset release && cmake --build --preset release --target bench_memory'
mkdir -p "$results"
{
  header="| | slope, MB |" rule="| --- | --- |"
  ((${#rivals[@]} > 1)) && header+=" libtorch $torch_version, MB | libtorch/slope |" rule+=" --- | --- |"
  printf '%s\n%s\n' "$header" "$rule"
  for work in "${works[@]}"; do
    key=${work%%|*}
    line="| ${work#*|} | ${value[slope.$key]} |"
    ((${#rivals[@]} > 1)) && line+=" ${value[torch.$key]} | $(ratio "${value[torch.$key]}" "${value[slope.$key]}") |"
    echo "$line"
  done
  cat <<END

Machine: $(machine); $compiler_name. The largest resident set of a process beyond what is resident when
\`main\` begins, libraries loaded; the largest of 5 runs. Made by

\`\`\`
$command
\`\`\`
END
} >"$results/memory.md"
{
  printf '{\n  "machine": "%s",\n  "compiler": "%s",\n  "command": "%s"' "$(machine)" "$compiler_name" "$command"
  ((${#rivals[@]} > 1)) && printf ',\n  "libtorch": "%s"' "$torch_version"
  for rival in "${rivals[@]}"; do
    printf ',\n  "%s_mb": {' "$rival"
    separator=
    for work in "${works[@]}"; do
      printf '%s\n    "%s": %s' "$separator" "${work%%|*}" "${value[$rival.${work%%|*}]}"
      separator=,
    done
    printf '\n  }'
  done
  printf '\n}\n'
} >"$results/memory.json"
cat "$results/memory.md"
