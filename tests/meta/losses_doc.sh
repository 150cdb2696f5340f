#!/usr/bin/env bash
# losses_doc.sh ROOT: every loss and penalty of the headers has a row in docs/losses.md, and is called by a program there, whose output
# another test compares; no row names what does not exist.
set -euo pipefail
cd "$1"
page=docs/losses.md
programs=$(awk '/^```cpp/ { inside = 1; next } /^```/ { inside = 0 } inside' "$page")
rows=$(awk '/^```/ { inside = !inside } !inside && /^\| `/' "$page")

functions=$(sed -nE 's/^Tensor ([a-z0-9_]+)\(In.*/\1/p' nn/losses/*/*.h | sort -u)  # a word of formulas
classes=$(cat nn/losses/*/*.h | tr '\n' ' ' | grep -oE 'class [A-Za-z0-9]+ *: public (LossModule|Module)' | awk '{ print $2 }' | grep -v '^LossModule' | sort -u)
penalties=$(sed -nE 's/^Tensor ([a-z0-9_]+_penalty)\(.*/\1/p' nn/penalties.h | sort -u)
((${#functions} > 300 && ${#classes} > 300 && ${#penalties} > 30)) || { echo "the headers are not read right"; exit 1; }

status=0
miss() { echo "$page: $1"; status=1; }
for f in $functions; do
  [[ $rows == *"\`$f\`"* ]] || miss "no row for $f"
  grep -qE "F::$f\(" <<<"$programs" || miss "no program calls F::$f"
done
for c in $classes; do [[ $rows == *"\`$c\`"* ]] || miss "no row for $c"; done
for p in $penalties; do
  [[ $rows == *"\`nn::$p\`"* ]] || miss "no row for $p"
  grep -qE "nn::$p\(" <<<"$programs" || miss "no program calls nn::$p"
done
for name in $(grep -oE '^\| `[A-Za-z0-9_:]+`( \| `[A-Za-z0-9]+`)?' <<<"$rows" | grep -oE '[A-Za-z0-9_]+`' | tr -d '`'); do
  grep -qxF "$name" <<<"$functions"$'\n'"$classes"$'\n'"$penalties" || miss "$name does not exist"
done
exit "$status"
