#include "slope/autograd/core/shape.h"

#include <algorithm>
#include <ostream>

namespace slope {

void Shape::too_many(std::size_t count, SourceLoc loc) {
  throw ShapeError(concat("a tensor has at most ", max_dims, " dimensions, got ", static_cast<std::int64_t>(count)),
                   loc);
}

void Shape::no_position(std::int64_t at, SourceLoc loc) const {
  throw IndexError(concat("position ", at, " of a shape is out of range: ", to_text(*this), " has ", count_,
                          count_ == 1 ? " size" : " sizes", ", counted from 0"),
                   loc);
}

std::int64_t checked_numel(const Shape& sizes, const char* op, SourceLoc loc) {
  std::int64_t n = 1;
  bool overflow = false, zero = false;
  for (std::int64_t s : sizes) {
    if (s < 0)
      throw ShapeError(concat(op, ": trying to create a tensor with negative dimension ", s, ": ", to_text(sizes)),
                       loc);
    if (s == 0)
      zero = true;
    else
      overflow |= __builtin_mul_overflow(n, s, &n);
  }
  if (zero) return 0;
  if (overflow || n > (std::int64_t{1} << 59))
    throw ShapeError(concat(op, ": a tensor of shape ", to_text(sizes), " has more elements than memory can address"),
                     loc);
  return n;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b, const char* op, SourceLoc loc) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw ShapeError(concat(op, ": ", a, " + ", b, " is more than a size can be"), loc);
  return sum;
}

std::int64_t checked_mul(std::int64_t a, std::int64_t b, const char* op, SourceLoc loc) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    throw ShapeError(concat(op, ": ", a, " * ", b, " is more than a size can be"), loc);
  return product;
}

Shape contiguous_strides(const Shape& sizes) {
  Shape strides = Shape::filled(sizes.size(), 1);
  std::uint64_t step = 1;  // may wrap around when some size is 0: then no stride is ever used
  for (int i = sizes.size() - 1; i >= 0; --i) {
    strides[i] = static_cast<std::int64_t>(step);
    step *= static_cast<std::uint64_t>(std::max<std::int64_t>(sizes[i], 1));
  }
  return strides;
}

bool is_contiguous(const Shape& sizes, const Shape& strides) {
  if (strides.size() != sizes.size()) return false;
  std::uint64_t step = 1;  // may wrap around when some size is 0: then the tensor is dense anyway
  bool dense = true;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] == 1) continue;
    dense &= static_cast<std::uint64_t>(strides[i]) == step;
    step *= static_cast<std::uint64_t>(sizes[i]);
  }
  return dense;
}

int wrap_dim(std::int64_t dim, int ndim, const char* op, SourceLoc loc) {
  const int range = std::max(ndim, 1);
  if (dim < -range || dim >= range)
    throw IndexError(concat(op, *op ? ": " : "", "Dimension out of range (expected to be in range of [", -range, ", ",
                            range - 1, "], but got ", dim, ")"),
                     loc);
  return static_cast<int>(dim < 0 ? dim + range : dim);
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op, SourceLoc loc) {
  if (a == b) return a;
  const int n = std::max(a.size(), b.size());
  Shape out = Shape::filled(n, 1);
  for (int i = 1; i <= n; ++i) {
    const std::int64_t x = i <= a.size() ? a[a.size() - i] : 1, y = i <= b.size() ? b[b.size() - i] : 1;
    if (x != y && x != 1 && y != 1)
      throw ShapeError(concat(op, *op ? ": " : "", "The size of tensor a (", x, ") must match the size of tensor b (",
                              y, ") at non-singleton dimension ", n - i, "; shapes ", to_text(a), " and ", to_text(b),
                              " do not broadcast"),
                       loc);
    out[n - i] = x == 1 ? y : x;
  }
  return out;
}

std::string to_text(const Shape& s) { return concat(std::span<const std::int64_t>(s)); }
std::ostream& operator<<(std::ostream& out, const Shape& s) { return out << to_text(s); }

}  // namespace slope
