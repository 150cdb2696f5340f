#include "slope/io/internal/text_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "slope/autograd/core/error.h"

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

void write_text_file(const std::string& path, std::string_view text) {
  namespace fs = std::filesystem;
  const auto fail = [&](const std::string& why) { throw IoError("cannot write " + path + ": " + why); };
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  if (error) fail("making its folder failed: " + error.message());
  // A reader, or a crash half way, must never meet half a file: write beside it, then rename.
  const std::string draft = path + ".tmp" + std::to_string(::getpid());
  std::FILE* const file = std::fopen(draft.c_str(), "wb");
  if (!file) fail(std::strerror(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  const int why = errno;
  if (written && closed) {
    fs::rename(draft, path, error);
    if (!error) return;
  }
  std::remove(draft.c_str());
  fail(error ? error.message() : std::strerror(why));
}

}  // namespace slope::io
