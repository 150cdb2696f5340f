#pragma once

#include <string>
#include <vector>

#include "slope/autograd/core/source_loc.h"

namespace slope::train {

/// What an external program left behind.
struct ProcessResult {
  int exit_code = 0;    // 128 + the signal's number when a signal ended it
  std::string output;   // standard output
  std::string message;  // standard error
};

/// The absolute path of program `name` on PATH, or "" when there is none. Empty and relative folders on PATH are
/// skipped, so that a file that happens to lie in the working folder is never run. A name with a slash stands for
/// itself.
std::string find_program(const std::string& name);

/// Runs the program `arguments[0]` (a path; see find_program) in `folder` (empty: here), without a shell and with
/// nothing on its standard input, and waits for it. Throws IoError when it cannot be started, ValueError for an
/// argument with a zero byte.
ProcessResult run_process(const std::vector<std::string>& arguments, const std::string& folder = "",
                          SourceLoc loc = SourceLoc::here());

}  // namespace slope::train
