#pragma once

#include <string>
#include <string_view>

namespace slope::io {

/// A field of RFC 4180 text: quoted when it holds a comma, a quote, a line break or a space at an end.
std::string csv_field(std::string_view text);

/// Writes `text` into the file `path`, replacing it whole or leaving it as it was; makes missing folders. Throws
/// IoError.
void write_text_file(const std::string& path, std::string_view text);

}  // namespace slope::io
