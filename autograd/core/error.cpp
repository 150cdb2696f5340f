#include "slope/autograd/core/error.h"

#include <charconv>
#include <cmath>

#include "slope/autograd/core/function.h"

namespace slope {

Error::Error(std::string message, SourceLoc loc) : message_(std::move(message)), where_(user_line(loc)) {
  // what() ends at a zero byte, as a name that a caller gave may hold.
  for (std::size_t at = 0; (at = message_.find('\0', at)) != std::string::npos;) message_.replace(at, 1, "\\0");
  if (where_.file) message_ += concat(" (", where_.file, ":", where_.line, ")");
}

std::string to_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

namespace detail {
void call_of_empty_function() { throw ValueError("Function: called while empty; assign a callable first"); }

std::string concat_pieces(std::initializer_list<Piece> pieces) {
  std::string out;
  for (const Piece& p : pieces) switch (p.kind) {
      case Piece::Kind::text: out += p.text; break;
      case Piece::Kind::integer: out += std::to_string(p.integer); break;
      case Piece::Kind::real: out += to_text(p.real); break;
      case Piece::Kind::list:
        out += '[';
        for (std::size_t i = 0; i < p.list.size(); ++i) {
          if (i) out += ", ";
          out += std::to_string(p.list[i]);
        }
        out += ']';
        break;
    }
  return out;
}
}  // namespace detail

}  // namespace slope
