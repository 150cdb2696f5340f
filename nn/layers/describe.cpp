#include "slope/nn/layers/internal/describe.h"

#include <charconv>
#include <cmath>

namespace slope::nn::detail {

std::string number(double value) {
  // Where Python writes no exponent, the shortest text may have one: 1e-04.
  const double size = std::abs(value);
  std::string text = slope::to_text(value);
  if (size >= 1e-4 && size < 1e16) {
    char digits[64];
    text.assign(digits, std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::fixed).ptr);
  }
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string tuple(const Shape& sizes) {
  std::string text = "(";
  for (int i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + (sizes.size() == 1 ? ",)" : ")");
}

}  // namespace slope::nn::detail
