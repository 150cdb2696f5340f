#!/usr/bin/env bash
# tools/deps.sh [section...]: makes sure the Debian packages of these sections of packages.txt (default: required) are installed. All
# present: silent. As root or with sudo it installs what is missing; otherwise it prints the line to run and exits with 2.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ ${SKIP_DEPS:-} == 1 ]] && exit 0
[[ $# -gt 0 ]] || set -- required

wanted=()
for section in "$@"; do
  mapfile -t -O "${#wanted[@]}" wanted < <(awk -v section="[$section]" '
    { sub(/#.*/, "") } !NF { next } /^\[/ { inside = ($1 == section); next } inside { print $1 }' "$here/packages.txt")
done

if ! command -v dpkg-query >/dev/null; then
  echo "slope: this is no Debian system; install the counterparts of: ${wanted[*]} (then set SKIP_DEPS=1)" >&2
  exit 2
fi
declare -A installed=()
while read -r state package; do
  [[ $state == ii* ]] && installed[$package]=1
done < <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  [[ -n ${installed[$package]:-} ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    as_root=(sudo)
  else
    echo "slope: missing packages; run this as root, then try again:" >&2
    echo "apt-get install --no-install-recommends ${missing[*]}"
    exit 2
  fi
fi

echo "slope: installing ${missing[*]}" >&2
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >&2
}
# Package lists that are absent or stale show themselves by a failure; updating always would cost seconds.
if ! install; then
  "${as_root[@]}" apt-get update -qq >&2
  install
fi
