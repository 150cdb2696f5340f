#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "slope/autograd/core/at.h"
#include "slope/autograd/core/error.h"

namespace slope {

/// The most dimensions a tensor may have.
inline constexpr int max_dims = 8;

/// A short list of int64 kept in place: sizes, strides or dimensions of a tensor. At most `max_dims` entries.
class Shape {
 public:
  Shape() { values_[0] = values_[1] = 0; }
  Shape(std::initializer_list<std::int64_t> values, SourceLoc loc = SourceLoc::here())
      : Shape(values.begin(), values.size(), loc) {}
  Shape(std::span<const std::int64_t> values, SourceLoc loc = SourceLoc::here())
      : Shape(values.data(), values.size(), loc) {}
  Shape(const std::vector<std::int64_t>& values, SourceLoc loc = SourceLoc::here())
      : Shape(values.data(), values.size(), loc) {}
  Shape(const std::int64_t* values, std::size_t count, SourceLoc loc = SourceLoc::here()) : Shape() {
    count_ = checked(count, loc);
    for (int i = 0; i < count_; ++i) values_[i] = values[i];
  }
  /// `count` times the same number.
  static Shape filled(int count, std::int64_t value, SourceLoc loc = SourceLoc::here()) {
    Shape s;
    s.count_ = checked(static_cast<std::size_t>(count), loc);
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
  /// The size at position i, counted from 0; throws IndexError where there is none.
  std::int64_t operator[](At i) const { return values_[position(i)]; }
  std::int64_t& operator[](At i) { return values_[position(i)]; }
  /// The last size; throws IndexError when there is none.
  std::int64_t back(SourceLoc loc = SourceLoc::here()) const { return values_[position(At(count_ - 1, loc))]; }
  const std::int64_t* begin() const { return values_; }
  const std::int64_t* end() const { return values_ + count_; }
  std::int64_t* begin() { return values_; }
  std::int64_t* end() { return values_ + count_; }
  operator std::span<const std::int64_t>() const { return {values_, static_cast<std::size_t>(count_)}; }

  /// Adds a size at the end, or in front of a position; takes one out. Throw IndexError for a position that there is not, and
  /// ShapeError for a dimension too many.
  void push_back(std::int64_t v, SourceLoc loc = SourceLoc::here()) { insert(count_, v, loc); }
  void insert(int at, std::int64_t v, SourceLoc loc = SourceLoc::here()) {
    if (at < 0 || at > count_) [[unlikely]]
      no_position(at, loc);
    checked(static_cast<std::size_t>(count_) + 1, loc);
    for (int i = count_; i > at; --i) values_[i] = values_[i - 1];
    values_[at] = v;
    ++count_;
  }
  void erase(int at, SourceLoc loc = SourceLoc::here()) {
    for (int i = position(At(at, loc)); i + 1 < count_; ++i) values_[i] = values_[i + 1];
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
  static int checked(std::size_t count, SourceLoc loc) {
    if (count > static_cast<std::size_t>(max_dims)) [[unlikely]]
      too_many(count, loc);
    return static_cast<int>(count);
  }
  int position(At at) const {
    if (static_cast<std::uint64_t>(at.index) >= static_cast<std::uint64_t>(count_)) [[unlikely]]
      no_position(at.index, at.loc);
    return static_cast<int>(at.index);
  }
  [[noreturn, gnu::cold]] static void too_many(std::size_t count, SourceLoc loc);
  [[noreturn, gnu::cold]] void no_position(std::int64_t at, SourceLoc loc) const;

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
