#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>

#include "slope/autograd/core/source_loc.h"

namespace slope {

/// Element types. Categories are ordered bool < int64 < floating for promotion (see `promote`).
enum class DType : std::uint8_t { float32, float64, int64, boolean };

/// The element types by their short names: `zeros({2}, {.dtype = float64})`.
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType int64 = DType::int64;
inline constexpr DType boolean = DType::boolean;

/// Bytes of one element.
constexpr std::size_t itemsize(DType d) { return d == DType::boolean ? 1 : d == DType::float32 ? 4 : 8; }
/// Whether it is float32 or float64.
constexpr bool is_floating(DType d) { return d == DType::float32 || d == DType::float64; }
/// 0 for bool, 1 for int64, 2 for floating types.
constexpr int category(DType d) { return is_floating(d) ? 2 : d == DType::int64 ? 1 : 0; }
/// "float32", "float64", "int64", "bool".
std::string_view dtype_name(DType d);
std::ostream& operator<<(std::ostream& out, DType d);

/// The element type of a C++ type.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::float64;
  else if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else {
    static_assert(std::is_same_v<T, std::int64_t>, "slope holds float, double, std::int64_t and bool");
    return DType::int64;
  }
}

/// The dtype of floating literals and of float results of integer inputs; float32 unless set.
DType default_dtype();
/// Throws DTypeError unless `d` is a floating type.
void set_default_dtype(DType d, SourceLoc loc = SourceLoc::here());

/// A C++ type as a value.
template <class T>
struct TypeTag {
  /// The C++ type.
  using type = T;
};
/// Calls `f(TypeTag<T>{})` with the C++ type that `d` names.
template <class F>
decltype(auto) visit_dtype(DType d, F&& f) {
  switch (d) {
    case DType::float32: return f(TypeTag<float>{});
    case DType::float64: return f(TypeTag<double>{});
    case DType::int64: return f(TypeTag<std::int64_t>{});
    default: return f(TypeTag<bool>{});
  }
}
namespace detail {
[[noreturn]] void throw_not_floating(DType d);
}
/// As `visit_dtype`, for the two floating types; throws DTypeError for the others, whose memory would be misread.
template <class F>
decltype(auto) visit_floating(DType d, F&& f) {
  switch (d) {
    case DType::float32: return f(TypeTag<float>{});
    case DType::float64: return f(TypeTag<double>{});
    default: detail::throw_not_floating(d);
  }
}

namespace detail {
[[noreturn]] void throw_number_too_large(std::uint64_t v, SourceLoc loc);
}

/// A number with its category: what a C++ literal contributes to an operation. Never carries a dtype of its own. Throws
/// ValueError for an unsigned number beyond int64.
class Scalar {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  constexpr Scalar(T v, [[maybe_unused]] SourceLoc loc = SourceLoc::here())
      : category_(std::is_same_v<T, bool>       ? 0
                  : std::is_floating_point_v<T> ? 2
                                                : 1),
        real_(static_cast<double>(v)),
        integer_(std::is_floating_point_v<T> ? 0 : static_cast<std::int64_t>(v)) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t))
      if (v > static_cast<T>(INT64_MAX)) detail::throw_number_too_large(v, loc);
  }

  /// Its category: 0 for bool, 1 for integers, 2 for floating numbers.
  constexpr int category() const { return category_; }
  /// The dtype a tensor made of it would have.
  DType dtype() const { return category_ == 2 ? default_dtype() : category_ == 1 ? DType::int64 : DType::boolean; }
  template <class T>
  constexpr T to() const {
    if constexpr (std::is_same_v<T, bool>)
      return category_ == 2 ? real_ != 0 : integer_ != 0;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(category_ == 2 ? truncated() : integer_);
    else
      return category_ == 2 ? static_cast<T>(real_) : static_cast<T>(integer_);
  }

 private:
  // Toward zero; values an int64 cannot hold, and NaN, become the smallest one.
  constexpr std::int64_t truncated() const {
    return real_ >= -9223372036854775808.0 && real_ < 9223372036854775808.0 ? static_cast<std::int64_t>(real_)
                                                                            : INT64_MIN;
  }

  int category_;
  double real_;
  std::int64_t integer_;
};

}  // namespace slope
