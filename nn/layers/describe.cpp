#include "slope/nn/layers/internal/describe.h"

namespace slope::nn::detail {

std::string number(double value) {
  std::string text = slope::to_text(value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string tuple(const Shape& sizes) {
  std::string text = "(";
  for (int i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + (sizes.size() == 1 ? ",)" : ")");
}

}  // namespace slope::nn::detail
