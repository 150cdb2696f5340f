#!/usr/bin/env bash
# docs_selftest.sh ROOT: the filter that Doxygen reads headers through gives sentences to what is commented, and to nothing else.
set -euo pipefail
command -v doxygen >/dev/null || { echo "skipped: doxygen is not installed"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/sample.h" <<'END'
#pragma once
/// What all of this is.
namespace slope {

/// Both of these.
Tensor first(In x);
Tensor second(In x);

Tensor third(In x);

/// A class.
class Thing {
 public:
  Thing(Thing&& other) noexcept;
  std::size_t size() const { return 0; }
  int planted() const;
  /// Said.
  template <class T>
    requires std::is_integral_v<T>
  T said() const;

  template <class T>
  T unsaid() const;

 private:
  int hidden_;
};

struct SampleOptions {
  double lr = 1;
  double novelty = 2;
};

}  // namespace slope
END
sed -e "s|@out@|$scratch/out|; s|@version@|0|; s|^INPUT  .*|INPUT = $scratch|" "$1/tools/Doxyfile.in" >"$scratch/Doxyfile"
mkdir "$scratch/out"
(cd "$1" && doxygen "$scratch/Doxyfile")
found=$(grep -oE 'Member [a-z_A-Z]+' "$scratch/out/warnings.txt" | sort -u | tr '\n' ' ')
[[ $found == "Member novelty Member planted Member third Member unsaid " ]] || { cat "$scratch/out/warnings.txt"; echo "found: $found"; exit 1; }
