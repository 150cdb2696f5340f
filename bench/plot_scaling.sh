#!/usr/bin/env bash
# plot_scaling.sh [JSON]: draws how the cost of one element, node or parameter changes with their number, from what bench_compare wrote for
# the works scale/..., into scaling.svg and scaling.png beside it. Needs gnuplot.
set -euo pipefail
json=${1:-$(dirname "${BASH_SOURCE[0]}")/results/scaling.json}
stem=${json%.json}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Lines "size ns-per-one" in a file for each work, contestant and number of threads. The JSON has one value a line, the keys of an object
# in alphabetical order: "work" comes last.
awk -v folder="$scratch" -F'[:,]' '
  /"(slope|libtorch|limit)_ns": \{/ { split($1, part, "\""); who = part[2] }
  /"[a-z]*_over_[a-z]*": \{/ { who = "" }
  /"median":/ && who != "" { ns[who] = $2 }
  /"count":/ { count = $2 }
  /"threads":/ { threads = $2 + 0 }
  /"work": "scale\// {
    split($2, part, "[\"/]")
    for (who in ns) printf "%s %.6g\n", part[4], ns[who] / count >> (folder "/" part[3] "." who "." threads)
    delete ns
  }' "$json"
works=(binary_cross_entropy_with_logits mse_loss cross_entropy chain adam)
titles=('binary cross entropy with logits' 'MSE' 'cross entropy' 'chain of operations' 'step of Adam')
units=(element element element node parameter)
counted=(elements elements classes nodes parameters)

draw() {  # TERMINAL FILE
  echo "set terminal $1; set output '$2'; set multiplot layout 3,2"
  echo "set logscale xy; set grid; set format x '10^{%L}'; set key below maxrows 2; set tics nomirror"
  local i who threads plots file
  for i in "${!works[@]}"; do
    plots=
    for who in slope libtorch limit; do
      for threads in 1 2; do
        file="$scratch/${works[i]}.${who}_ns.$threads"
        [[ -f $file ]] || continue
        sort -n -o "$file" "$file"
        plots+="${plots:+, }'$file' with linespoints pt 7 ps 0.5 lw 2 dt $threads lc rgb '${color[$who]}' title '$who, threads: $threads'"
      done
    done
    [[ $plots ]] || continue
    printf "set title '%s'; set xlabel '%s'; set ylabel 'ns per %s'\nplot %s\n" "${titles[i]}" "${counted[i]}" "${units[i]}" "$plots"
  done
  echo "unset multiplot"
}
declare -A color=([slope]='#1f77b4' [libtorch]='#d62728' [limit]='#7f7f7f')
draw "svg size 1200,1350 enhanced background rgb 'white'" "$stem.svg" | gnuplot
draw "pngcairo size 1200,1350 enhanced" "$stem.png" | gnuplot
echo "$stem.svg $stem.png"
