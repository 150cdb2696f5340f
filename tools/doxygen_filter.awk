# Doxygen reads headers through this: it teaches it how slope's headers are commented.
#  - A comment "///" belongs to all declarations below it, up to a blank line or the next comment.
#  - In tensor.h it belongs to one declaration; a method without one is the free function of its name.
#  - What is the same everywhere (copies, iteration, options that many functions have) has its sentence here, not in every header.
BEGIN {
  option["reduction"] = "How the elements become one number: none, mean, sum."
  option["weight"] = "Factors, one for each element or class; undefined: all 1."
  option["pos_weight"] = "Factors of the positive part; undefined: all 1."
  option["eps"] = "A small number that keeps a denominator or logarithm away from 0."
  option["margin"] = "How far apart is far enough."
  option["dim"] = "The dimension it works along; negative ones count from the end."
  option["keepdim"] = "Whether reduced dimensions stay, with size 1."
  option["p"] = "The exponent of the norm, or the chance of a drop."
  option["bias"] = "Whether there is a bias."
  option["alpha"] = option["beta"] = option["gamma"] = option["delta"] = option["q"] = option["smooth"] = "The number of this name in the formula."
  option["temperature"] = option["scale"] = option["lambd"] = option["min_val"] = option["max_val"] = option["threshold"] = option["alpha"]
  option["negative_slope"] = option["lower"] = option["upper"] = option["init"] = option["value"] = option["min"] = option["max"] = option["alpha"]
  option["lr"] = "The learning rate."
  option["momentum"] = "The share of the previous direction that is kept."
  option["dampening"] = "The share of the gradient that momentum leaves out."
  option["weight_decay"] = "How strongly parameters are pulled towards 0."
  option["nesterov"] = "Whether momentum looks ahead."
  option["betas"] = "The decay of the first and of the second moment."
  option["amsgrad"] = "Whether the largest second moment so far is used."
  option["maximize"] = "Whether the value is made larger instead of smaller."
  option["head_bias"] = option["bias"]
  option["start_dim"] = option["end_dim"] = "The first and the last dimension that become one; negative ones count from the end."
  option["params"] = "The parameters of the group."
  option["retain_graph"] = "Whether the graph may be gone through again."
  option["create_graph"] = "Whether the backward pass is recorded, to be differentiated again."
  option["full"] = "Whether terms that do not depend on the prediction are added."
  option["swap"] = "Whether the harder of the two negative distances is used."
  option["ignore_index"] = "The class index of entries that do not count."
  option["label_smoothing"] = "The share of probability that is spread over all classes."
  option["log_target"] = "Whether the target is a logarithm of probabilities."
  option["log_input"] = "Whether the prediction is the logarithm of the rate."
  option["blank"] = "The class that stands for no label."
  option["zero_infinity"] = "Whether infinite losses, and their gradients, become 0."
}
BEGIN {
  split("svg:Whether an SVG is drawn.|png:Whether a PNG is drawn.|title:What stands above it.|x_label:What stands below.|y_label:What stands beside.|" \
        "series:What is drawn.|heat_maps:What is drawn below the series.|panels:The panels.|panels_per_row:How many stand side by side.|" \
        "grid_lines:Whether there are lines at the ticks.|x:Horizontal coordinates.|y:Vertical coordinates.|color:A name of a colour.|" \
        "marker:The sign at each point.|stroke:How points are joined.|marker_size:Size of the signs, 1 being usual.|line_width:In pixels.|" \
        "opacity:1 hides what is below, 0 shows nothing.|grid:Where, and the values.|high:The value of the other end.|palette:The colours.|" \
        "approximate:How it is computed.|lambda:The number of this name in the formula.", said, "|")
  for (i in said) plot[substr(said[i], 1, index(said[i], ":") - 1)] = substr(said[i], index(said[i], ":") + 1)
}
function generic(line,   name) {
  if (methods && line ~ /^ +[A-Za-z].*\(/ && line !~ /^ *(return|if|for|throw)\>/) {
    if (line ~ /^  (const Tensor&|TensorAlias|[A-Za-z:<>, ]+) [a-z_0-9]+_\(/ || line ~ /_METHOD.*_\)/) return "In place: what the function without the underscore gives becomes this tensor's value. Returns this tensor."
    if (line ~ /^  [A-Za-z]/) return "The function of this name, with this tensor as its first argument."
  }
  if (line ~ /\) const override|\) override|> override/) return "As in its base."
  if (line ~ /^ *(inline )?(const )?Tensor(&|Alias)? operator[^=a-z]/) return "Of each element, with broadcasting: the function that the sign stands for."
  if (class_name != "" && line ~ "^ *(explicit |constexpr )*" class_name "\\(") return "Makes one of these arguments."
  if (line ~ /^ *(explicit |constexpr |virtual )*~/) return "Ends its life."
  if (line ~ /= (default|delete);/ || line ~ /operator=\(/) return "As usual for a value."
  if (line ~ /^ *(explicit |constexpr )*[A-Z][A-Za-z]*\((const )?[A-Z][A-Za-z]*(&&|&)( other| o)?\)( noexcept)?/) return "As usual for a value."
  if (line ~ /operator(==|!=|<=>|<|>)\(/) return "Comparison."
  if (line ~ /operator<<\(std::ostream/) return "Prints it."
  if (line ~ /(^|[ *&])(begin|end|rbegin|rend)\(\)/) return "For range-based loops."
  if (line ~ /(^| )size\(\) const/) return "How many there are."
  if (line ~ /^  (virtual )?(Tensor|auto|[A-Za-z]+Output) (forward|operator\(\))\(/) return "The computation, and the call that runs hooks and names the caller's line in errors."
  if (line ~ /^  const [A-Za-z]+Options& options\(\) const/) return "The options it was made with."
  if (line ~ /(^| )contains\(/) return "Whether there is one of that name."
  if (line ~ /(^| )keys\(\) const/) return "The names, in order."
  if (line ~ /Module& (at|operator\[\])\(|Parameter& (at|operator\[\])\(/) return "The one of that name."
  if (line ~ /^  Parameter [a-z_]+/) return "The parameter of this name."
  if (line ~ /& (append|extend)\(/) return "Adds at the end. Returns this container."
  if (line ~ /(^| )empty\(\) const/) return "Whether there is none."
  if (line ~ /^ *using (value_type|reference|difference_type|iterator_category|const_iterator|iterator|pointer) =/) return "For the standard library."
  if (FILENAME ~ /nn\/layers\// && line ~ /^class [A-Za-z0-9]+ : public /) return "The function of this name as a module."
  if (line ~ /^ *(struct|class) [A-Za-z0-9]*(Options|Group) \{/) return "What may be chosen, filled in by name."
  if ((inside_options || FILENAME ~ /train\/plot\//) && match(line, /[a-z_0-9]+( = [^;]*|\{[^;]*\})?;/)) {
    name = substr(line, RSTART, RLENGTH)
    sub(/[ ={;].*/, "", name)
    if (FILENAME ~ /train\/plot\// || !(name in option)) return plot[name]
    return option[name]
  }
  if (line ~ /^ *using [A-Za-z]+::[A-Za-z]+;/) return "From its base."
  return ""
}
function depth_of(line,   copy, opened) {
  copy = line
  gsub(/"([^"\\]|\\.)*"|'[^']*'|\/\/.*/, "", copy)
  opened = gsub(/[{(]/, "", copy)
  return opened - gsub(/[})]/, "", copy)
}
function end_group() {
  if (open) print "///@}"
  open = 0
}
FNR == 1 { methods = FILENAME ~ /tensor\/tensor\.h$/ }
# The table of functions of one argument brings its own sentences.
/^#define SLOPE_UNARY\(name, \.\.\.\) / {
  row = $0
  sub(/^#define SLOPE_UNARY\(name, \.\.\.\) /, "", row)
  in_row = 1
}
/^#include ".*\/tensor-unary\.h"/ && in_row {
  end_group()
  while ((getline entry < "autograd/tensor/tensor-unary.h") > 0) {
    if (entry !~ /^SLOPE_UNARY\(/) continue
    word = text = entry
    sub(/^SLOPE_UNARY\(/, "", word)
    sub(/,.*/, "", word)
    sub(/"\)$/, "", text)
    sub(/.*, "/, "", text)
    made = row
    gsub(/name##_/, word "_", made)
    gsub(/ name\(/, " " word "(", made)
    print "/// " text
    print made
  }
  close("autograd/tensor/tensor-unary.h")
  in_row = 0
  next
}
{
  gsub(/\[\[(nodiscard|maybe_unused|gnu::[a-z_]+)(\("[^"]*"\))?\]\] ?/, "")
  line = $0
  comment = line ~ /^ *\/\//
  if (match(line, /^ *(class|struct)( \[\[nodiscard\]\])? [A-Za-z0-9]+( :| \{| final)/)) {
    class_name = substr(line, RSTART, RLENGTH)
    sub(/( :| \{| final)$/, "", class_name)
    sub(/.* /, "", class_name)
  }
  if (!comment && line ~ /[;,] *\/\/ [^ ]/ && sub(/\/\/ /, "///< ", line)) $0 = line
  if (line ~ /^ *(struct|class) [A-Za-z0-9]*(Options|Group) \{/) inside_options = 1
  if (line ~ /^ *\};/) inside_options = 0
}
open && depth == 0 && (line ~ /^ *$/ || comment || line ~ /^ *(public|private|protected):/ || line ~ /^ *\}/ || line ~ /^#/ || line ~ /^ *(class|struct|enum|namespace) /) {
  end_group()
}
comment && line ~ /^ *\/\/\//  {
  if (!in_doc) doc = ""
  in_doc = 1
  doc = doc line "\n"
  next
}
# The sentence of a template stands before "template": keep that until the declaration is known.
(in_doc || !open && !documented) && line ~ /^ *(template|requires)/ {
  held = held line "\n"
  next
}
in_doc {
  in_doc = 0
  if (line !~ /^ *(class|struct|enum|namespace) / && line !~ /^ *$/ && line !~ /^#/ && line ~ /[;{(,]/) {
    open = 1
    depth = 0
    print "///@{"
  }
  printf "%s", doc
  documented = 1
}
{
  if (!open && !documented && !comment) {
    sentence = line ~ /\/\/\/< / ? "" : generic(line)
    if (sentence != "") {
      if (line !~ /^ *(class|struct|enum) /) {
        print "///@{"
        open = alone = 1
        depth = 0
      }
      print "/// " sentence
    }
  }
  printf "%s", held
  held = ""
  documented = 0
  print line
  if (open) depth += depth_of(line)
  if (open && depth == 0 && (alone || methods) && line ~ /([;}]|_METHOD\(.*\)) *(\/\/.*)?$/) {
    end_group()
    alone = 0
  }
}
END { end_group() }
