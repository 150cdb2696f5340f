#pragma once

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "slope/autograd/core/source_loc.h"

namespace slope {

/// Base of everything slope throws. `what()` is one readable sentence: `op: what happened, with shapes; hint (file:line)`.
class Error : public std::exception {
 public:
  explicit Error(std::string message, SourceLoc loc = {});
  /// The whole sentence.
  const char* what() const noexcept override { return message_.c_str(); }
  /// The user's line the failing call stands on; `file` is null when it is not known.
  SourceLoc where() const noexcept { return where_; }

 private:
  std::string message_;
  SourceLoc where_;
};

/// Shapes that do not fit the operation.
class ShapeError : public Error {
  using Error::Error;
};
/// A dtype that the operation does not take.
class DTypeError : public Error {
  using Error::Error;
};
/// An index, label or dimension out of range.
class IndexError : public Error {
  using Error::Error;
};
/// An argument value outside its domain.
class ValueError : public Error {
  using Error::Error;
};
/// Misuse of the graph: in-place changes of saved values, a second backward, gradients of non-differentiable arguments.
class AutogradError : public Error {
  using Error::Error;
};
/// A tensor that there is no memory for.
class MemoryError : public Error {
  using Error::Error;
};
/// A file, stream or external program that failed.
class IoError : public Error {
  using Error::Error;
};

namespace detail {
/// One printable piece of an error message; keeps formatting out of headers.
struct Piece {
  enum class Kind { text, integer, real, list } kind;
  std::string_view text;
  long long integer = 0;
  double real = 0;
  std::span<const std::int64_t> list;

  Piece(std::string_view s) : kind(Kind::text), text(s) {}
  Piece(const char* s) : kind(Kind::text), text(s) {}
  Piece(const std::string& s) : kind(Kind::text), text(s) {}
  template <class T>
    requires std::is_integral_v<T>
  Piece(T i) : kind(Kind::integer), integer(static_cast<long long>(i)) {}
  Piece(double d) : kind(Kind::real), real(d) {}
  Piece(std::span<const std::int64_t> s) : kind(Kind::list), list(s) {}
};
std::string concat_pieces(std::initializer_list<Piece> pieces);
}  // namespace detail

/// Concatenates text, numbers and shapes: `concat("view: shape ", shape, " is invalid")`. Shapes print as `[2, 3]`.
template <class... Args>
std::string concat(const Args&... args) {
  return detail::concat_pieces({detail::Piece(args)...});
}

/// The short form of a number as errors show it: 0.5, 3, 1e-08, inf.
std::string to_text(double value);

}  // namespace slope
