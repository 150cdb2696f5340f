#include "slope/autograd/core/dtype.h"

#include <atomic>
#include <ostream>
#include <string>

#include "slope/autograd/core/error.h"

namespace slope {

namespace {
std::atomic<DType> g_default{DType::float32};
}

std::string_view dtype_name(DType d) {
  constexpr std::string_view names[] = {"float32", "float64", "int64", "bool"};
  return names[static_cast<int>(d)];
}

std::ostream& operator<<(std::ostream& out, DType d) { return out << dtype_name(d); }

void detail::throw_number_too_large(std::uint64_t v, SourceLoc loc) {
  throw ValueError(concat("the number ", std::to_string(v), " is beyond int64; write it as a floating-point number"),
                   loc);
}

void detail::throw_not_floating(DType d) {
  throw DTypeError(concat("expected a floating dtype, got ", dtype_name(d), "; convert with .to(float32) first"));
}

DType default_dtype() { return g_default.load(std::memory_order_relaxed); }

void set_default_dtype(DType d, SourceLoc loc) {
  if (!is_floating(d))
    throw DTypeError(concat("set_default_dtype: only floating types are supported as the default, got ", dtype_name(d)),
                     loc);
  g_default.store(d, std::memory_order_relaxed);
}

}  // namespace slope
