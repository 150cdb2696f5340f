#include "slope/train/console/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <string>

namespace slope::train {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

// The descriptor behind one of the standard streams, as long as it has not been redirected inside the program.
int descriptor_of(const std::ostream& stream) {
  static const std::streambuf* const standard_out = std::cout.rdbuf();
  static const std::streambuf* const standard_error = std::cerr.rdbuf();
  if (&stream == &std::cout && stream.rdbuf() == standard_out) return STDOUT_FILENO;
  if ((&stream == &std::cerr || &stream == &std::clog) && std::cerr.rdbuf() == standard_error) return STDERR_FILENO;
  return -1;
}

bool locale_is_utf8() {
  std::string locale = environment("LC_ALL");
  if (locale.empty()) locale = environment("LC_CTYPE");
  if (locale.empty()) locale = environment("LANG");
  std::transform(locale.begin(), locale.end(), locale.begin(), [](unsigned char c) { return std::tolower(c); });
  return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
}

}  // namespace

Terminal Terminal::of(const std::ostream& stream) {
  Terminal terminal;
  const int descriptor = descriptor_of(stream);
  terminal.live = descriptor >= 0 && isatty(descriptor) == 1 && environment("TERM") != "dumb";
  terminal.unicode = locale_is_utf8();
  terminal.color = terminal.live && environment("NO_COLOR").empty();
  return terminal;
}

int terminal_columns(const std::ostream& stream) {
  const int descriptor = descriptor_of(stream);
  winsize size{};
  if (descriptor >= 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const long columns = std::strtol(environment("COLUMNS").c_str(), nullptr, 10);
  return columns > 0 && columns < 10000 ? static_cast<int>(columns) : 80;
}

}  // namespace slope::train
