# extract_blocks.awk -v name=README -v out=DIR README.md: writes the ```cpp blocks of a document as programs, and the ```text output block that
# follows one as DIR/name_LINE.out. A whole program becomes DIR/name_LINE.cpp. All blocks that start with "// fragment" become one program,
# DIR/name.cpp, in which each is a function; it is called with the line of the block to run. Prints "program block" for each block, and
# "no-run" after those that are only compiled. Messages of the compiler and of slope name lines of the document.
function start(line) {
  block = name "_" line
  at = line
  first = 1
  text = ""
  fragment = 0
}
function finish() {
  print (fragment ? name : block), block (no_run ? " no-run" : "")
  if (!fragment) {
    printf "%s", text > (out "/" block ".cpp")
    close(out "/" block ".cpp")
    return
  }
  fragments = fragments text "}\n"
  calls = calls "  if (line == " at ") fragment_" at "();\n"
}
/^```/ && !inside {
  inside = 1
  kind = "other"
  if ($1 == "```cpp") {
    kind = "cpp"
    no_run = ($2 == "no-run")
    start(NR)
  } else if ($1 == "```text" && $2 == "output") {
    if (!block) { print FILENAME ":" NR ": an output block without a program before it" > "/dev/stderr"; failed = 1; exit 1 }
    kind = "output"
    printf "" > (out "/" block ".out")
  }
  next
}
/^```[ \t]*$/ && inside {
  if (kind == "cpp") finish()
  if (kind == "output") { close(out "/" block ".out"); block = "" }
  inside = 0
  next
}
inside && kind == "cpp" {
  if (first) {
    first = 0
    fragment = ($0 ~ /^\/\/ fragment/)
    if (fragment) text = "\nstatic void fragment_" at "() {\n"
    text = text "#line " NR " \"" FILENAME "\"\n"
  }
  if (fragment && $0 ~ /^#include/) {
    includes = includes $0 "\n"
    text = text "\n"
  } else {
    text = text $0 "\n"
  }
}
inside && kind == "output" { print > (out "/" block ".out") }
END {
  if (failed || !fragments) exit failed
  file = out "/" name ".cpp"
  print "#include <cstdlib>\n#include <iostream>\n\n#include \"slope/slope.h\"\n" includes "\nusing namespace slope;\n" fragments > file
  print "\nint main(int, char** argv) {\n  const int line = std::atoi(argv[1]);\n" calls "}" > file
}
