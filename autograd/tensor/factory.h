#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

/// Making tensors out of nothing, out of literals and out of memory somebody else owns. All are new leaves and dense
/// (`from_blob` excepted). Names, arguments and dtype rules are PyTorch's (torch.zeros, torch.tensor, ...).
///
///     Tensor w = randn({3, 4}, {.requires_grad = true});           // random.h
///     Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}}, {.dtype = float64});
///     Tensor i = arange(10);                                       // int64, as all its arguments are integers
///     Tensor m = zeros_like(x);
///
/// Common errors: ShapeError for negative sizes, more than 8 dimensions or more elements than memory can address;
/// AutogradError for `requires_grad` with a dtype that is not floating.
namespace slope {

/// What every factory takes besides its own arguments, filled in by name: `zeros({2, 3}, {.dtype = float64})`.
struct TensorOptions {
  /// Absent: the function's own rule, stated with it.
  std::optional<DType> dtype{};
  bool requires_grad = false;
};

/// Nested braces of numbers, as `tensor` takes them. Refers to the numbers where they stand, so it lives as long as the
/// expression it is written in and cannot be copied.
class Literal {
 public:
  /// An empty list.
  Literal() : Literal(std::initializer_list<Literal>{}) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Literal(T value) : value_(value), is_list_(false) {}
  Literal(std::initializer_list<Literal> items) : value_(0), is_list_(true), items_(items) {}
  Literal(const Literal&) = delete;
  Literal& operator=(const Literal&) = delete;

  /// Whether it stands for braces, and if not, its number.
  bool is_list() const { return is_list_; }
  Scalar value() const { return value_; }
  const Literal* begin() const { return items_.begin(); }
  const Literal* end() const { return items_.end(); }
  std::int64_t size() const { return static_cast<std::int64_t>(items_.size()); }

 private:
  Scalar value_;
  bool is_list_;
  std::initializer_list<Literal> items_;
};

namespace detail {
template <class R>
using RangeValue = std::remove_cv_t<std::remove_pointer_t<decltype(std::data(std::declval<const R&>()))>>;
template <class R>
concept NumberRange = requires(const R& r) { std::size(r); } && Number<RangeValue<R>>;

template <Number T>
Tensor copy_elements(const T* values, std::size_t count, const Shape* shape, const TensorOptions& options,
                     SourceLoc loc);
Tensor copy_bits(const std::vector<bool>& values, const Shape* shape, const TensorOptions& options, SourceLoc loc);
[[noreturn]] void refuse_ragged(int depth, std::int64_t expected, std::int64_t got, SourceLoc loc);

template <class R>
using Item = std::remove_cvref_t<decltype(*std::begin(std::declval<const R&>()))>;
template <class R>
constexpr bool is_bits = false;
template <class Allocator>
constexpr bool is_bits<std::vector<bool, Allocator>> = true;
/// Ranges of ranges of numbers, of any depth.
template <class R>
constexpr bool is_nested = false;
template <class R>
  requires requires(const R& r) {
    std::begin(r);
    std::end(r);
  } && (!NumberRange<R>) && (!is_bits<R>) && (!std::same_as<Item<R>, R>)
constexpr bool is_nested<R> = NumberRange<Item<R>> || is_bits<Item<R>> || is_nested<Item<R>>;
template <class R>
concept NestedRange = is_nested<R>;

/// The numbers of nested ranges one after the other, with their shape.
template <class R>
struct Flattened {
  using Number = typename Flattened<Item<R>>::Number;
};
template <class R>
  requires(NumberRange<R> || is_bits<R>)
struct Flattened<R> {
  using Number = std::remove_cvref_t<Item<R>>;
};
template <class R, class T>
void flatten(const R& range, int depth, Shape& shape, std::vector<T>& out, SourceLoc loc) {
  const auto size = static_cast<std::int64_t>(std::size(range));
  if (depth == shape.size())
    shape.push_back(size);
  else if (shape[depth] != size)
    refuse_ragged(depth, shape[depth], size, loc);
  for (const auto& item : range)
    if constexpr (NestedRange<R>)
      flatten(item, depth + 1, shape, out, loc);
    else
      out.push_back(item);
}
/// Stands for the strides of dense memory; known by its address.
inline const Shape dense;
Tensor wrap_blob(void* data, const Shape& shape, const Shape& strides, DType dtype, void (*release)(void*),
                 void* context, SourceLoc loc);
template <class F>
Tensor wrap_owned_blob(void* data, const Shape& shape, const Shape& strides, DType dtype, F deleter, SourceLoc loc) {
  struct Owner {
    F deleter;
    void* data;
  };
  auto* owner = new Owner{std::move(deleter), data};
  const auto release = [](void* context) {
    auto* o = static_cast<Owner*>(context);
    o->deleter(o->data);
    delete o;
  };
  try {
    return wrap_blob(data, shape, strides, dtype, release, owner, loc);
  } catch (...) {
    delete owner;
    throw;
  }
}
template <class T>
concept Element =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int64_t> || std::same_as<T, bool>;
}  // namespace detail

/// A tensor with the numbers of a literal: nested braces of any depth up to 8.
///
/// dtype: of the highest category among the numbers, that is the default floating dtype if any is floating, else int64
/// if any is an integer, else bool; the default floating dtype for an empty literal. Throws ShapeError for ragged
/// braces, naming the place; ValueError when a number does not fit `options.dtype` (NaN to int64).
///
///     tensor(3.0)                          // 0-d
///     tensor({1, 2, 3})                    // int64 [3]
///     tensor({{1.0, 2.0}, {3.0, 4.0}})     // float32 [2, 2]
///     tensor({})                           // float32 [0]
Tensor tensor(const Literal& values, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());

/// A 1-d tensor with a copy of a contiguous range: std::vector, std::array, std::span, C array. dtype: double gives
/// float64, float float32, bool bool and every other integer int64. Ranges of ranges, of any depth up to 8, become
/// dimensions. Throws ValueError when a number does not fit, ShapeError unless all rows are of one length.
///
///     std::vector<float> v = read();
///     Tensor x = tensor(v).view({-1, 2});
///     std::vector<std::vector<double>> table = {{1, 2}, {3, 4}, {5, 6}};
///     Tensor y = tensor(table);                        // float64 [3, 2]
template <class R>
  requires(detail::NumberRange<R> || detail::NestedRange<R>)
Tensor tensor(const R& values, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {
  if constexpr (detail::NumberRange<R>) {
    return detail::copy_elements(std::data(values), std::size(values), nullptr, options, loc);
  } else {
    const CallerScope scope(loc);
    std::vector<typename detail::Flattened<R>::Number> numbers;
    Shape shape;
    detail::flatten(values, 0, shape, numbers, loc);
    if constexpr (detail::is_bits<decltype(numbers)>)
      return detail::copy_bits(numbers, &shape, options, loc);
    else
      return detail::copy_elements(numbers.data(), numbers.size(), &shape, options, loc);
  }
}

/// Of truth values: boolean.
template <class Allocator>  // a template, so that braces are always a literal
Tensor tensor(const std::vector<bool, Allocator>& values, const TensorOptions& options = {},
              SourceLoc loc = SourceLoc::here()) {
  return detail::copy_bits(values, nullptr, options, loc);
}

/// A 0-d tensor; dtype as `tensor(value)`.
Tensor scalar_tensor(Scalar value, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());

/// Filled with 0, with 1, or with nothing in particular; dtype: the default floating dtype.
Tensor zeros(const Shape& shape, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());
Tensor ones(const Shape& shape, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());
Tensor empty(const Shape& shape, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());
/// Sizes may be written without braces, up to four of them: `zeros(3, 4)` is `zeros({3, 4})`.
#define SLOPE_SIZES(name)                                                                                 \
  template <detail::SizeNumber A>                                                                         \
  Tensor name(A a, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {                \
    return name(detail::sizes(a), options, loc);                                                          \
  }                                                                                                       \
  template <detail::SizeNumber A, detail::SizeNumber B>                                                   \
  Tensor name(A a, B b, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {           \
    return name(detail::sizes(a, b), options, loc);                                                       \
  }                                                                                                       \
  template <detail::SizeNumber A, detail::SizeNumber B, detail::SizeNumber C>                             \
  Tensor name(A a, B b, C c, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {      \
    return name(detail::sizes(a, b, c), options, loc);                                                    \
  }                                                                                                       \
  template <detail::SizeNumber A, detail::SizeNumber B, detail::SizeNumber C, detail::SizeNumber D>       \
  Tensor name(A a, B b, C c, D d, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) { \
    return name(detail::sizes(a, b, c, d), options, loc);                                                 \
  }
SLOPE_SIZES(zeros)
SLOPE_SIZES(ones)
SLOPE_SIZES(empty)
#undef SLOPE_SIZES
/// Filled with `value`; dtype: the category of `value`, as for `tensor(value)`. Throws ValueError when it does not fit
/// the dtype (NaN to int64, 1e300 to float32).
Tensor full(const Shape& shape, Scalar value, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());

/// The same with the shape and, unless `options` names another, the dtype of `t`. The result is dense whatever the
/// layout of `t`.
Tensor zeros_like(const Tensor& t, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());
Tensor ones_like(const Tensor& t, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());
Tensor empty_like(const Tensor& t, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());
Tensor full_like(const Tensor& t, Scalar value, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());

namespace detail {
Tensor eye(std::int64_t rows, std::int64_t columns, const TensorOptions& options, SourceLoc loc);
}
/// Ones on the main diagonal of a [rows, columns] matrix of zeros; dtype: the default floating dtype.
inline Tensor eye(std::int64_t rows, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {
  return detail::eye(rows, rows, options, loc);
}
template <std::integral I>  // a template, so that the braces of options are not taken for a number of columns
Tensor eye(std::int64_t rows, I columns, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {
  return detail::eye(rows, static_cast<std::int64_t>(columns), options, loc);
}

/// start, start + step, ... up to but excluding `end`: [ceil((end - start) / step)] numbers, element i being start + i
/// * step computed in int64 or double.
///
/// dtype: int64 if all arguments are integers, else the default floating dtype. With `.dtype = int64` floating
/// arguments are truncated first. Throws ValueError when step is 0 or leads away from end, or when an argument is not
/// finite; DTypeError for bool.
///
///     arange(3)            // tensor([0, 1, 2])
///     arange(1, 2, 0.25)   // tensor([1.0000, 1.2500, 1.5000, 1.7500])
Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options = {},
              SourceLoc loc = SourceLoc::here());
inline Tensor arange(Scalar start, Scalar end, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {
  return arange(start, end, 1, options, loc);
}
inline Tensor arange(Scalar end, const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here()) {
  return arange(0, end, 1, options, loc);
}

/// [steps] evenly spaced numbers from `start` to `end`, both exactly included; the second half mirrors the first.
///
/// dtype: the default floating dtype; into int64 values are truncated. One step gives `start`. Throws ValueError when
/// steps is negative, DTypeError for bool.
///
///     linspace(0, 1, 5)    // tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
Tensor linspace(double start, double end, std::int64_t steps, const TensorOptions& options = {},
                SourceLoc loc = SourceLoc::here());

/// A tensor over memory that stays its owner's: nothing is copied, changes show on both sides. The memory must outlive
/// every tensor that shares it, or `deleter(data)` (which must not throw) must free it: that runs once, when the last
/// of them is gone.
///
/// Without `strides` (in elements, none negative) the memory is dense and row-major. Throws ValueError for a null or
/// misaligned address and for negative strides, ShapeError when there are not as many strides as sizes; the deleter has
/// then not run.
///
///     float buffer[6] = {};
///     Tensor a = from_blob(buffer, {2, 3});                 // the dtype follows the pointer
///     Tensor b = from_blob(buffer, {3, 2}, {1, 3});         // the transposed view
///     Tensor c = from_blob(std::malloc(24), {6}, float32, std::free);
inline Tensor from_blob(void* data, const Shape& shape, DType dtype, SourceLoc loc = SourceLoc::here()) {
  return detail::wrap_blob(data, shape, detail::dense, dtype, nullptr, nullptr, loc);
}
inline Tensor from_blob(void* data, const Shape& shape, const Shape& strides, DType dtype,
                        SourceLoc loc = SourceLoc::here()) {
  return detail::wrap_blob(data, shape, strides, dtype, nullptr, nullptr, loc);
}
template <std::invocable<void*> F>
Tensor from_blob(void* data, const Shape& shape, DType dtype, F deleter, SourceLoc loc = SourceLoc::here()) {
  return detail::wrap_owned_blob(data, shape, detail::dense, dtype, std::move(deleter), loc);
}
template <std::invocable<void*> F>
Tensor from_blob(void* data, const Shape& shape, const Shape& strides, DType dtype, F deleter,
                 SourceLoc loc = SourceLoc::here()) {
  return detail::wrap_owned_blob(data, shape, strides, dtype, std::move(deleter), loc);
}
template <detail::Element T>
Tensor from_blob(T* data, const Shape& shape, const Shape& strides = detail::dense, SourceLoc loc = SourceLoc::here()) {
  return detail::wrap_blob(data, shape, strides, dtype_of<T>(), nullptr, nullptr, loc);
}

// ---- for the library

/// A dense tensor with fresh, uninitialised memory and no options to look at.
inline Tensor make_empty(const Shape& shape, DType dtype) { return Tensor(TensorImpl::create(shape, dtype)); }
/// A 0-d tensor holding `value` as an element of `dtype` does: rounded, truncated, infinite beyond its range.
Tensor make_number(Scalar value, DType dtype);

namespace detail {
/// The dtype of a new tensor: `options.dtype`, else `otherwise`. Throws AutogradError, before anything is made or
/// drawn, when it cannot require the gradient that is asked for.
DType resolve_dtype(const char* op, const TensorOptions& options, DType otherwise, SourceLoc loc);
/// Marks `t` as `options` say and hands it over.
Tensor finish(Tensor t, const TensorOptions& options, SourceLoc loc);
}  // namespace detail

}  // namespace slope
