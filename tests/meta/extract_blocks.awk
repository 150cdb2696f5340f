# extract_blocks.awk -v name=README -v out=DIR README.md: writes each ```cpp block of a document as DIR/name_LINE.cpp and the ```text output
# block that follows it as DIR/name_LINE.out; prints "name_LINE" or "name_LINE no-run" for each. Messages of the compiler and of slope
# name lines of the document.
function start(line) {
  block = name "_" line
  file = out "/" block ".cpp"
  first = 1
  print block (no_run ? " no-run" : "")
}
/^```/ && !inside {
  inside = 1
  kind = "other"
  if ($1 == "```cpp") {
    kind = "cpp"
    no_run = ($2 == "no-run")
    start(NR)
  } else if ($1 == "```text" && $2 == "output") {
    if (!block) { print FILENAME ":" NR ": an output block without a program before it" > "/dev/stderr"; exit 1 }
    kind = "output"
    printf "" > (out "/" block ".out")
  }
  next
}
/^```[ \t]*$/ && inside {
  if (kind == "cpp") {
    if (fragment) print "}" > file
    close(file)
    fragment = 0
  }
  if (kind == "output") { close(out "/" block ".out"); block = "" }
  inside = 0
  next
}
inside && kind == "cpp" {
  if (first) {
    first = 0
    fragment = ($0 ~ /^\/\/ fragment/)
    if (fragment) print "#include <iostream>\n\n#include \"slope/slope.h\"\n\nusing namespace slope;\n\nint main() {" > file
    print "#line " NR " \"" FILENAME "\"" > file
  }
  print > file
}
inside && kind == "output" { print > (out "/" block ".out") }
