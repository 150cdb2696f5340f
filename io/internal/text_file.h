#pragma once

#include <string>
#include <string_view>

#include "slope/autograd/core/source_loc.h"

namespace slope::io {

/// A field of RFC 4180 text: quoted when it holds a comma, a quote, a line break or a space at an end.
std::string csv_field(std::string_view text);

/// Writes `text` into the file `path` as AtomicFile does: it is replaced whole or stays as it was. Throws IoError.
void write_text_file(const std::string& path, std::string_view text, SourceLoc loc = SourceLoc::here());

}  // namespace slope::io
