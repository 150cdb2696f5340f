#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "slope/autograd/core/error.h"

namespace slope {

/// The most dimensions a tensor may have.
inline constexpr int max_dims = 8;

/// A short list of int64 kept in place: sizes, strides or dimensions of a tensor. At most `max_dims` entries.
class Shape {
 public:
  Shape() { values_[0] = values_[1] = 0; }
  Shape(std::initializer_list<std::int64_t> values) : Shape(values.begin(), values.size()) {}
  Shape(std::span<const std::int64_t> values) : Shape(values.data(), values.size()) {}
  Shape(const std::vector<std::int64_t>& values) : Shape(values.data(), values.size()) {}
  Shape(const std::int64_t* values, std::size_t count) : Shape() {
    count_ = checked(count);
    for (int i = 0; i < count_; ++i) values_[i] = values[i];
  }
  /// `count` times the same number.
  static Shape filled(int count, std::int64_t value) {
    Shape s;
    s.count_ = checked(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) s.values_[i] = value;
    return s;
  }
  Shape(const Shape& o) { copy(o); }
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): copying onto itself changes nothing
  Shape& operator=(const Shape& o) {
    copy(o);
    return *this;
  }

  int size() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// The size at position i, which must exist.
  std::int64_t operator[](int i) const { return values_[i]; }
  std::int64_t& operator[](int i) { return values_[i]; }
  std::int64_t back() const { return values_[count_ - 1]; }
  const std::int64_t* begin() const { return values_; }
  const std::int64_t* end() const { return values_ + count_; }
  std::int64_t* begin() { return values_; }
  std::int64_t* end() { return values_ + count_; }
  operator std::span<const std::int64_t>() const { return {values_, static_cast<std::size_t>(count_)}; }

  /// Adds a size at the end, or at a position; takes one out.
  void push_back(std::int64_t v) { insert(count_, v); }
  void insert(int at, std::int64_t v) {
    checked(static_cast<std::size_t>(count_) + 1);
    for (int i = count_; i > at; --i) values_[i] = values_[i - 1];
    values_[at] = v;
    ++count_;
  }
  void erase(int at) {
    for (int i = at; i + 1 < count_; ++i) values_[i] = values_[i + 1];
    values_[--count_] = 0;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if ((a.count_ ^ b.count_) | (a.values_[0] ^ b.values_[0]) | (a.values_[1] ^ b.values_[1])) return false;
    for (int i = 2; i < a.count_; ++i)
      if (a.values_[i] != b.values_[i]) return false;
    return true;
  }

 private:
  // Up to two dimensions without a loop: most shapes have no more, and every tensor and node copies and compares some.
  void copy(const Shape& o) {
    count_ = o.count_;
    values_[0] = o.values_[0];
    values_[1] = o.values_[1];
    for (int i = 2; i < count_; ++i) values_[i] = o.values_[i];
  }
  static int checked(std::size_t count) {
    if (count > static_cast<std::size_t>(max_dims)) too_many(count);
    return static_cast<int>(count);
  }
  [[noreturn]] static void too_many(std::size_t count);

  int count_ = 0;
  std::int64_t values_[max_dims];  // the first two are always set, to 0 where there is no such dimension
};

/// The dimensions an operation works on, as an argument: `x.sum(1)`, `x.sum({0, -1})`. An empty list means all of them.
class Dims : public Shape {
 public:
  using Shape::Shape;
  Dims() = default;
  Dims(const Shape& s) : Shape(s) {}
  template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
  Dims(I dim) : Shape{static_cast<std::int64_t>(dim)} {}
};

/// Product of the sizes; throws ShapeError on a negative size or when the product exceeds int64 (op names the caller).
std::int64_t checked_numel(const Shape& sizes, const char* op, SourceLoc loc = {});
/// a + b and a · b for sizes, counts and amounts that come from a user; throw ShapeError when int64 cannot hold the result.
std::int64_t checked_add(std::int64_t a, std::int64_t b, const char* op, SourceLoc loc = {});
std::int64_t checked_mul(std::int64_t a, std::int64_t b, const char* op, SourceLoc loc = {});
/// Row-major strides of a dense tensor of these sizes.
Shape contiguous_strides(const Shape& sizes);
/// True when elements lie densely in row-major order (sizes of 1 may have any stride).
bool is_contiguous(const Shape& sizes, const Shape& strides);
/// Maps a dimension in [-ndim, ndim-1] to [0, ndim); 0-d tensors accept -1 and 0. Throws IndexError.
int wrap_dim(std::int64_t dim, int ndim, const char* op = "", SourceLoc loc = {});
/// The common shape two shapes broadcast to; throws ShapeError naming both sizes and the dimension.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op = "", SourceLoc loc = {});
/// "[2, 3]".
std::string to_text(const Shape& s);
std::ostream& operator<<(std::ostream& out, const Shape& s);

}  // namespace slope
