#include "slope/io/internal/text_file.h"

#include "slope/io/internal/atomic_file.h"

namespace slope::io {

std::string csv_field(std::string_view text) {
  const bool plain = text.find_first_of(",\"\r\n") == std::string_view::npos &&
                     (text.empty() || (text.front() != ' ' && text.back() != ' '));
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void write_text_file(const std::string& path, std::string_view text, SourceLoc loc) {
  AtomicFile file(path, loc);
  file.write(text);
  file.commit();
}

}  // namespace slope::io
