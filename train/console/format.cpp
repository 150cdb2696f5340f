#include "slope/train/console/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "slope/autograd/core/error.h"

namespace slope::train {
namespace {

struct Range {
  char32_t first, last;
};

// Unicode 15 blocks that matter for metric and class names; sorted.
constexpr std::array<Range, 10> zero_width = {{{0x0300, 0x036F},
                                               {0x0483, 0x0489},
                                               {0x0591, 0x05BD},
                                               {0x0610, 0x061A},
                                               {0x064B, 0x065F},
                                               {0x1AB0, 0x1AFF},
                                               {0x200B, 0x200F},
                                               {0x20D0, 0x20FF},
                                               {0xFE00, 0xFE0F},
                                               {0xFE20, 0xFE2F}}};
constexpr std::array<Range, 14> double_width = {{{0x1100, 0x115F},
                                                 {0x231A, 0x231B},
                                                 {0x23E9, 0x23EC},
                                                 {0x2E80, 0x303E},
                                                 {0x3041, 0x33FF},
                                                 {0x3400, 0x4DBF},
                                                 {0x4E00, 0x9FFF},
                                                 {0xA000, 0xA4CF},
                                                 {0xAC00, 0xD7A3},
                                                 {0xF900, 0xFAFF},
                                                 {0xFE30, 0xFE6F},
                                                 {0xFF00, 0xFF60},
                                                 {0xFFE0, 0xFFE6},
                                                 {0x1F300, 0x1FAFF}}};
constexpr Range cjk_extensions = {0x20000, 0x3FFFD};

template <std::size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return c >= r.first && c <= r.last; });
}

int code_point_width(char32_t c) {
  if (c < 0x300) return 1;
  if (contains(zero_width, c)) return 0;
  return contains(double_width, c) || (c >= cjk_extensions.first && c <= cjk_extensions.last) ? 2 : 1;
}

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

// Decodes the code point at the front of a non-empty text; a malformed sequence yields its first byte alone.
CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t bytes = 1;
  char32_t value = lead;
  if (lead >= 0xC2 && lead <= 0xDF) {
    bytes = 2, value = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    bytes = 3, value = lead & 0x0FU;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    bytes = 4, value = lead & 0x07U;
  }
  if (bytes > text.size()) return {'?', 1};
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {'?', 1};
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  return {value, bytes};
}

bool has_line_break(std::string_view text) { return text.find_first_of("\n\r") != std::string_view::npos; }

std::string centred(std::string_view text, int width) {
  const int length = display_width(text);
  const int slack = width - length;
  const bool extra_left = slack % 2 != 0 && length % 2 == 0;
  const int left = slack / 2 + (extra_left ? 1 : 0);
  std::string out(static_cast<std::size_t>(left), ' ');
  out += text;
  out.append(static_cast<std::size_t>(slack - left), ' ');
  return out;
}

}  // namespace

std::string python_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 40> buffer{};
  const char* const begin = buffer.data();
  const char* const end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  const char* const e = std::find(begin, end, 'e');
  std::string digits;
  std::string sign;
  for (const char* c = begin; c != e; ++c) {
    if (*c == '-') {
      sign = "-";
    } else if (*c != '.') {
      digits += *c;
    }
  }
  const int exponent = std::atoi(e + 1);
  const int length = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    std::string mantissa = digits.substr(0, 1);
    if (length > 1) mantissa += "." + digits.substr(1);
    return sign + mantissa + std::string(e, end);
  }
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  if (exponent >= length - 1) {
    return sign + digits + std::string(static_cast<std::size_t>(exponent - length + 1), '0') + ".0";
  }
  const auto point = static_cast<std::size_t>(exponent) + 1;
  return sign + digits.substr(0, point) + "." + digits.substr(point);
}

double python_round(double value, int digits, SourceLoc loc) {
  const CallerScope scope(loc);
  if (digits < 0) throw ValueError(concat("python_round: digits must not be negative, got ", digits));
  // Below one unit in the last place of any double there is nothing left to round.
  if (!std::isfinite(value) || digits > 323) return value;
  std::array<char, 700> buffer{};
  const auto text =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
  double rounded = value;
  std::from_chars(buffer.data(), text.ptr, rounded);
  return rounded;
}

std::string rounded_repr(double value, int digits, SourceLoc loc) {
  const CallerScope scope(loc);
  return python_repr(python_round(value, digits));
}

std::string python_repr(std::string_view text) {
  const bool use_double = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = use_double ? '"' : '\'';
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += hex[byte >> 4U];
      out += hex[byte & 0x0FU];
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string python_dict_repr(const LogValues& values) {
  std::string out = "{";
  for (const auto& [name, value] : values) {
    if (out.size() > 1) out += ", ";
    out += python_repr(name) + ": " + python_repr(value);
  }
  return out + "}";
}

std::string python_step_repr(std::int64_t step, const LogValues& values) {
  std::string out = "{'step': " + std::to_string(step);
  for (const auto& [name, value] : values) out += ", " + python_repr(name) + ": " + rounded_repr(value);
  return out + "}";
}

std::string significant(double value, int digits, SourceLoc loc) {
  const CallerScope scope(loc);
  if (digits < 1 || digits > 17) throw ValueError(concat("significant: digits must be 1 to 17, got ", digits));
  std::string text = fmt::format("{:#.{}g}", value, digits);
  const auto written = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.ends_with(".0") && written > digits) text.erase(text.size() - 2);
  return text;
}

std::string with_commas(std::int64_t value) {
  std::string text = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t i = text.size(); i > first + 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return text;
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint c = decode(text);
    width += code_point_width(c.value);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string_view clip_to_width(std::string_view text, int width) {
  std::size_t taken = 0;
  while (taken < text.size()) {
    const CodePoint c = decode(text.substr(taken));
    const int w = code_point_width(c.value);
    if (w > width) break;
    width -= w;
    taken += c.bytes;
  }
  return text.substr(0, taken);
}

std::vector<std::size_t> items_per_line(const std::vector<std::string>& names, const std::vector<int>& widths,
                                        int columns, int first_indent, int indent, SourceLoc loc) {
  if (names.size() != widths.size())
    throw ValueError(concat("items_per_line: ", names.size(), " names for ", widths.size(), " widths"), loc);
  std::vector<std::size_t> lines;
  if (widths.empty() || std::accumulate(widths.begin(), widths.end(), std::int64_t{first_indent}) <= columns) {
    lines.push_back(widths.size());
    return lines;
  }
  std::int64_t used = first_indent;
  bool validation = false;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const bool turns = !validation && names[i].starts_with("val_");
    validation = validation || turns;
    if (lines.empty() || turns || used + widths[i] > columns) {
      used = lines.empty() ? first_indent : indent;
      lines.push_back(0);
    }
    used += widths[i];
    ++lines.back();
  }
  return lines;
}

TextTable::TextTable(std::vector<std::string> titles, SourceLoc loc) : titles_(std::move(titles)) {
  const CallerScope scope(loc);
  if (titles_.empty()) throw ValueError("TextTable: a table needs at least one column");
  for (auto title = titles_.begin(); title != titles_.end(); ++title) {
    if (has_line_break(*title)) throw ValueError("TextTable: the column title \"" + *title + "\" holds a line break");
    if (std::find(titles_.begin(), title, *title) != title) {
      throw ValueError("TextTable: two columns are called \"" + *title + "\"");
    }
  }
}

void TextTable::add_row(std::vector<std::string> cells, SourceLoc loc) {
  const CallerScope scope(loc);
  if (cells.size() != titles_.size()) {
    throw ValueError(concat("TextTable: a row of ", cells.size(), " cells does not fit ", titles_.size(), " columns"));
  }
  for (const std::string& cell : cells) {
    if (has_line_break(cell)) throw ValueError("TextTable: the cell \"" + cell + "\" holds a line break");
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::to_string() const {
  std::vector<int> widths(titles_.size());
  std::transform(titles_.begin(), titles_.end(), widths.begin(), display_width);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string rule = "+";
  for (const int width : widths) rule += std::string(static_cast<std::size_t>(width) + 2, '-') + "+";
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out = "|";
    for (std::size_t i = 0; i < cells.size(); ++i) out += " " + centred(cells[i], widths[i]) + " |";
    return out + "\n";
  };
  std::string out = rule + "\n" + line(titles_) + rule + "\n";
  for (const auto& row : rows_) out += line(row);
  return out + rule;
}

}  // namespace slope::train
