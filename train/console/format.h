#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slope/autograd/core/source_loc.h"

namespace slope::train {

/// Named numbers in the order they were inserted: what one epoch, one step or one evaluation yields.
using LogValues = std::vector<std::pair<std::string, double>>;

/// The shortest decimal text that reads back as exactly `value`, spelled as Python's `repr(float)`:
/// `0.96`, `1.0` (never `1`), `1e-05`, `1e+16`, `-0.0`, `nan`, `inf`. Independent of the locale.
std::string python_repr(double value);

/// `value` rounded to `digits` decimals as Python's `round(value, digits)`: the exact binary value is rounded, ties to
/// even, so (2.675, 2) gives 2.67 and (0.0625, 3) gives 0.062. NaN and infinities pass through. Throws ValueError when
/// `digits` is negative.
double python_round(double value, int digits, SourceLoc loc = SourceLoc::here());

/// `python_repr(python_round(value, digits))`: how the classic log prints every number. Throws as
/// python_round.
std::string rounded_repr(double value, int digits = 3, SourceLoc loc = SourceLoc::here());

/// A string in Python's quotes: `'loss'`, or double quotes when the text holds a single quote and no double one.
std::string python_repr(std::string_view text);

/// `{'val_loss': 0.13576620258390903, 'val_accuracy': 0.9441666702429453}`: values unrounded, in insertion order.
std::string python_dict_repr(const LogValues& values);

/// `{'step': 30, 'loss': 0.021, 'accuracy': 0.972}`: the classic log's line for a step, values rounded to 3 decimals.
std::string python_step_repr(std::int64_t step, const LogValues& values);

/// `value` with `digits` significant digits, zeros at the end included so that columns of numbers stay in place:
/// 0.02213, 0.9600, 12.35, 1.200e-07, nan. Throws ValueError unless digits is 1 to 17.
std::string significant(double value, int digits = 4, SourceLoc loc = SourceLoc::here());

/// 4183 -> `4,183`.
std::string with_commas(std::int64_t value);

/// Columns `text` occupies on a terminal: UTF-8 code points, East Asian wide ones and emoji count 2, combining marks 0.
/// A byte that is not UTF-8 counts 1.
int display_width(std::string_view text);

/// The longest prefix of `text` that fits in `width` columns; never cuts a code point.
std::string_view clip_to_width(std::string_view text, int width);

/// How many items go on each line of `columns` columns, when the first line begins with `first_indent` columns of
/// something else and the others with `indent`: all on one if they fit, else as many as fit, at least one, and the
/// first of the values named `val_...` begins a line, so that training and validation stand one below the other. Throws
/// ValueError unless there is a name for each width.
std::vector<std::size_t> items_per_line(const std::vector<std::string>& names, const std::vector<int>& widths,
                                        int columns, int first_indent, int indent, SourceLoc loc = SourceLoc::here());

/// A table drawn exactly as Python's PrettyTable draws it by default:
///
///     +-------+-------+----------+
///     | epoch |  loss | accuracy |
///     +-------+-------+----------+
///     |   1   | 0.022 |  0.971   |
///     +-------+-------+----------+
///
/// Cells are centred with one space on each side; an odd leftover space goes to the left of a text of even length and
/// to the right of one of odd length.
class TextTable {
 public:
  /// Throws ValueError when a title repeats or holds a line break, or when there is none.
  explicit TextTable(std::vector<std::string> titles, SourceLoc loc = SourceLoc::here());

  /// Throws ValueError unless there is one single-line cell per title.
  void add_row(std::vector<std::string> cells, SourceLoc loc = SourceLoc::here());

  /// The drawing, without a line break at its end.
  std::string to_string() const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace slope::train
