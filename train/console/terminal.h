#pragma once

#include <iosfwd>

namespace slope::train {

/// What an output stream can show.
struct Terminal {
  bool live = false;     // a line may be redrawn in place
  bool unicode = false;  // block characters may be used
  bool color = false;    // escape codes may be used

  /// What `stream` can show: live when it is std::cout, std::cerr or std::clog, that stream is a terminal and TERM is
  /// not `dumb`; unicode when the locale named by LC_ALL, LC_CTYPE or LANG is UTF-8; color when live and NO_COLOR is
  /// unset or empty.
  static Terminal of(const std::ostream& stream);
};

/// Width of the terminal behind `stream` in columns: what the terminal reports, else the variable COLUMNS, else 80.
int terminal_columns(const std::ostream& stream);

}  // namespace slope::train
