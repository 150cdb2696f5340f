# Read by the scripts that write results: what a figure is worth knowing with. Needs the build's variables, see bench/rivals.env in the
# build folder.
torch_version=${torch_version%.*}  # the last part is not what Debian calls it

machine() {
  local name
  name=$(awk -F': *' '/^model name/ { name = $2 } /^cpu family/ { family = $2 } /^model\t/ { model = $2 }
                      END { if (name) print name ", family " family ", model " model }' /proc/cpuinfo)
  echo "${name:-$(uname -m)}, $(nproc) cores"
}
load() { cut -d" " -f1 /proc/loadavg; }
# How many times more A is than B; nothing when B is nothing.
ratio() { awk "BEGIN { if ($2 > 0) printf $1 < 10 * $2 ? \"%.2g\" : \"%.0f\", $1 / $2 }"; }
