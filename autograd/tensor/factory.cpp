#include "slope/autograd/tensor/factory.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/tensor/internal/number.h"
#include "slope/autograd/tensor/internal/walk.h"

namespace slope {

namespace {

// Below this many elements starting another thread costs more than the writing.
constexpr std::int64_t fill_grain = 1 << 17;

/// `value` as an element; throws where the number has no meaning in T.
template <class T>
T element(Scalar value, const char* op, SourceLoc loc) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    detail::check_number(op, value, DType::int64, loc, "name a floating dtype");
  return value.to<T>();
}

void fill(const Tensor& t, Scalar value, const char* op, SourceLoc loc) {
  visit_dtype(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = element<T>(value, op, loc);
    T* out = t.impl().ptr<T>();
    const T zero{};
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): -0.0 has other bits
    const bool zeros = std::memcmp(&v, &zero, sizeof(T)) == 0;
    parallel_for(t.numel(), fill_grain, [&](std::int64_t begin, std::int64_t end) {
      if (zeros)
        std::memset(out + begin, 0, static_cast<std::size_t>(end - begin) * sizeof(T));
      else
        std::fill(out + begin, out + end, v);
    });
  });
}

Tensor filled(const char* op, const Shape& shape, Scalar value, DType natural, const TensorOptions& options,
              SourceLoc loc) {
  CallerScope caller(loc);
  const DType dtype = detail::resolve_dtype(op, options, natural, loc);
  checked_numel(shape, op, loc);
  // Before the memory is taken: a value that does not fit must not cost it.
  detail::check_number(op, value, dtype, loc,
                       dtype == DType::int64 ? "name a floating dtype" : "use {.dtype = float64}");
  Tensor t = make_empty(shape, dtype);
  fill(t, value, op, loc);
  return detail::finish(std::move(t), options, loc);
}

Tensor uninitialised(const char* op, const Shape& shape, DType natural, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  const DType dtype = detail::resolve_dtype(op, options, natural, loc);
  checked_numel(shape, op, loc);
  // A byte that is neither 0 nor 1 is no bool: reading it would be undefined.
  if (dtype == DType::boolean) return filled(op, shape, 0, natural, options, loc);
  return detail::finish(make_empty(shape, dtype), options, loc);
}

// ---------------------------------------------------------------------------------------------------------------------
// Literals

/// The shape and category of a literal, checked on one walk over it.
class LiteralLayout {
 public:
  LiteralLayout(const Literal& root, SourceLoc loc) : loc_(loc) {
    for (const Literal* at = &root; at->is_list(); at = at->begin()) {
      shape_.push_back(at->size());
      if (at->size() == 0) break;
    }
    check(root, 0);
  }

  const Shape& shape() const { return shape_; }
  DType natural_dtype() const {
    return category_ == 0 ? DType::boolean : category_ == 1 ? DType::int64 : default_dtype();
  }

 private:
  void check(const Literal& at, int depth) {
    if (!at.is_list()) {
      if (depth != shape_.size()) ragged(at, depth);
      category_ = std::max(category_, at.value().category());
      return;
    }
    if (depth == shape_.size() || at.size() != shape_[depth]) ragged(at, depth);
    for (const Literal& item : at) {
      path_[depth] = &item - at.begin();
      check(item, depth + 1);
    }
  }

  [[noreturn]] void ragged(const Literal& at, int depth) const {
    const auto name = [](const std::int64_t* path, int n) {
      std::string text;
      for (int i = 0; i < n; ++i) text += concat("[", path[i], "]");
      return text;
    };
    const std::int64_t zeros[max_dims] = {};
    const auto list_of = [](std::int64_t n) { return concat("a list of ", n, n == 1 ? " item" : " items"); };
    const std::string got = at.is_list() ? list_of(at.size()) : "a number";
    const std::string want = depth < shape_.size() ? list_of(shape_[depth]) : "a number";
    throw ShapeError(concat("tensor: the literal is ragged at dimension ", depth, ": ", name(path_, depth), " is ", got,
                            ", but ", name(zeros, depth), " is ", want),
                     loc_);
  }

  SourceLoc loc_;
  Shape shape_;
  int category_ = -1;
  std::int64_t path_[max_dims + 1] = {};
};

template <class T>
T* write_literal(const Literal& at, T* out, SourceLoc loc) {
  if (!at.is_list()) {
    *out = element<T>(at.value(), "tensor", loc);
    return out + 1;
  }
  for (const Literal& item : at) out = write_literal(item, out, loc);
  return out;
}

// ---------------------------------------------------------------------------------------------------------------------
// Ranges

std::int64_t int_range_length(std::int64_t start, std::int64_t end, std::int64_t step, SourceLoc loc) {
  if (step == 0) throw ValueError("arange: step must be nonzero", loc);
  if (start == end) return 0;
  if ((end > start) != (step > 0))
    throw ValueError(concat("arange: end ", end, " cannot be reached from start ", start, " with step ", step,
                            "; upper bound and lower bound inconsistent with step sign"),
                     loc);
  // The distance between two int64 needs all 64 bits.
  const auto from = static_cast<std::uint64_t>(start), to = static_cast<std::uint64_t>(end);
  const auto by = static_cast<std::uint64_t>(step);
  const std::uint64_t gaps = step > 0 ? (to - from - 1) / by : (from - to - 1) / (0 - by);
  // Too large a length is for the shape check to report.
  return static_cast<std::int64_t>(std::min<std::uint64_t>(gaps, std::numeric_limits<std::int64_t>::max() - 1)) + 1;
}

std::int64_t real_range_length(double start, double end, double step, SourceLoc loc) {
  if (!std::isfinite(start) || !std::isfinite(end) || !std::isfinite(step))
    throw ValueError(concat("arange: start, end and step must be finite, got ", start, ", ", end, ", ", step), loc);
  if (step == 0) throw ValueError("arange: step must be nonzero", loc);
  if (start != end && (end > start) != (step > 0))
    throw ValueError(concat("arange: end ", end, " cannot be reached from start ", start, " with step ", step,
                            "; upper bound and lower bound inconsistent with step sign"),
                     loc);
  const double length = std::ceil((end - start) / step);
  return length < 0x1p62 ? static_cast<std::int64_t>(length) : std::numeric_limits<std::int64_t>::max();
}

void require_number_dtype(const char* op, DType dtype, SourceLoc loc) {
  if (dtype == DType::boolean)
    throw DTypeError(concat(op, ": not defined for bool; use an integer or floating dtype"), loc);
}

}  // namespace

namespace detail {

void check_number(const char* op, const Scalar& value, DType dtype, SourceLoc loc, const char* hint) {
  const double real = value.to<double>();
  const auto then = [&] { return hint ? concat("; ", hint) : std::string(); };
  if (dtype == DType::int64 && value.category() == 2 && !fits<std::int64_t>(real))
    throw ValueError(concat(op, ": the value ", real, " cannot be converted to int64", then()), loc);
  if (dtype == DType::float32 && std::isfinite(real) && std::isinf(static_cast<float>(real)))
    throw ValueError(concat(op, ": the value ", real, " is beyond the range of float32", then()), loc);
}

DType resolve_dtype(const char* op, const TensorOptions& options, DType otherwise, SourceLoc loc) {
  const DType dtype = options.dtype.value_or(otherwise);
  if (options.requires_grad && !is_floating(dtype))
    throw AutogradError(
        concat(op, ": only floating point tensors can require grad, this one would be ", dtype_name(dtype)), loc);
  return dtype;
}

Tensor finish(Tensor t, const TensorOptions& options, SourceLoc loc) {
  if (options.requires_grad) t.requires_grad_(true, loc);
  return t;
}

template <Number T>
Tensor copy_elements(const T* values, std::size_t count, const Shape* shape, const TensorOptions& options,
                     SourceLoc loc) {
  CallerScope caller(loc);
  constexpr bool floating = std::is_floating_point_v<T>, boolean_type = std::is_same_v<T, bool>;
  constexpr DType natural = floating       ? (sizeof(T) == 8 ? DType::float64 : DType::float32)
                            : boolean_type ? DType::boolean
                                           : DType::int64;
  const DType dtype = resolve_dtype("tensor", options, natural, loc);
  Tensor t = make_empty(shape ? *shape : Shape{static_cast<std::int64_t>(count)}, dtype);
  visit_dtype(dtype, [&](auto tag) {
    using To = typename decltype(tag)::type;
    To* out = t.impl().ptr<To>();
    if constexpr (std::is_same_v<To, std::int64_t>) {
      for (std::size_t i = 0; i < count; ++i) {
        bool ok = true;
        if constexpr (floating) ok = fits<To>(static_cast<double>(values[i]));
        if constexpr (!floating && std::is_unsigned_v<T> && sizeof(T) == 8)
          ok = values[i] <= static_cast<T>(std::numeric_limits<To>::max());
        if (!ok)
          throw ValueError(concat("tensor: the value ", static_cast<double>(values[i]), " at position ", i,
                                  " cannot be converted to int64"),
                           loc);
      }
    }
    for (std::size_t i = 0; i < count; ++i) out[i] = convert<To>(values[i]);
  });
  return finish(std::move(t), options, loc);
}

#define SLOPE_COPY_ELEMENTS(T) \
  template Tensor copy_elements<T>(const T*, std::size_t, const Shape*, const TensorOptions&, SourceLoc);
SLOPE_COPY_ELEMENTS(float)
SLOPE_COPY_ELEMENTS(double)
SLOPE_COPY_ELEMENTS(bool)
SLOPE_COPY_ELEMENTS(signed char)
SLOPE_COPY_ELEMENTS(unsigned char)
SLOPE_COPY_ELEMENTS(short)
SLOPE_COPY_ELEMENTS(unsigned short)
SLOPE_COPY_ELEMENTS(int)
SLOPE_COPY_ELEMENTS(unsigned int)
SLOPE_COPY_ELEMENTS(long)
SLOPE_COPY_ELEMENTS(unsigned long)
SLOPE_COPY_ELEMENTS(long long)
SLOPE_COPY_ELEMENTS(unsigned long long)
#undef SLOPE_COPY_ELEMENTS

void refuse_ragged(int depth, std::int64_t expected, std::int64_t got, SourceLoc loc) {
  throw ShapeError(concat("tensor: the ranges at depth ", depth, " differ in length: ", expected, " and ", got,
                          "; all rows need one length"),
                   loc);
}

Tensor copy_bits(const std::vector<bool>& values, const Shape* shape, const TensorOptions& options, SourceLoc loc) {
  const auto unpacked = std::make_unique<bool[]>(values.size());
  std::copy(values.begin(), values.end(), unpacked.get());
  return copy_elements(unpacked.get(), values.size(), shape, options, loc);
}

Tensor wrap_blob(void* data, const Shape& shape, const Shape& given, DType dtype, void (*release)(void*), void* context,
                 SourceLoc loc) {
  CallerScope caller(loc);
  const std::int64_t numel = checked_numel(shape, "from_blob", loc);
  const Shape strides = &given == &dense ? contiguous_strides(shape) : given;
  if (shape.size() != strides.size())
    throw ShapeError(
        concat("from_blob: shape ", to_text(shape), " needs ", shape.size(), " strides, got ", to_text(strides)), loc);
  std::int64_t last = 0;
  for (int d = 0; d < shape.size(); ++d) {
    if (strides[d] < 0)
      throw ValueError(concat("from_blob: strides must not be negative, got ", to_text(strides)), loc);
    std::int64_t reach = 0;
    if (numel > 0 && (__builtin_mul_overflow(shape[d] - 1, strides[d], &reach) ||
                      __builtin_add_overflow(last, reach, &last) || last >= std::int64_t{1} << 59))
      throw ShapeError(concat("from_blob: shape ", to_text(shape), " with strides ", to_text(strides),
                              " reaches beyond what memory can address"),
                       loc);
  }
  if (!data && numel > 0)
    throw ValueError(concat("from_blob: the address is null, but shape ", to_text(shape), " has elements"), loc);
  if (reinterpret_cast<std::uintptr_t>(data) % itemsize(dtype) != 0)
    throw ValueError(concat("from_blob: the address is not aligned for ", dtype_name(dtype), " (a multiple of ",
                            itemsize(dtype), ")"),
                     loc);
  const std::size_t bytes = numel > 0 ? (static_cast<std::size_t>(last) + 1) * itemsize(dtype) : 0;
  Ref<Storage> storage = Storage::external(data, bytes, nullptr, nullptr);
  Ref<TensorImpl> t = TensorImpl::over(storage, data, shape, strides, dtype);
  // Only now: had anything above failed, the memory would still be the caller's.
  storage->release_external = release;
  storage->external_context = context;
  return Tensor(std::move(t));
}

Tensor eye(std::int64_t rows, std::int64_t columns, const TensorOptions& options, SourceLoc loc) {
  const DType dtype = resolve_dtype("eye", options, default_dtype(), loc);
  Tensor t = filled("eye", {rows, columns}, 0, dtype, {}, loc);
  visit_dtype(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = t.impl().ptr<T>();
    for (std::int64_t i = 0; i < std::min(rows, columns); ++i) out[i * columns + i] = T(1);
  });
  return finish(std::move(t), options, loc);
}

}  // namespace detail

Tensor make_number(Scalar value, DType dtype) {
  Tensor t = make_empty({}, dtype);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    *t.impl().ptr<T>() = value.to<T>();
  });
  return t;
}

Tensor tensor(const Literal& values, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  const LiteralLayout layout(values, loc);
  const DType dtype = detail::resolve_dtype("tensor", options, layout.natural_dtype(), loc);
  Tensor t = make_empty(layout.shape(), dtype);
  visit_dtype(dtype, [&](auto tag) { write_literal(values, t.impl().ptr<typename decltype(tag)::type>(), loc); });
  return detail::finish(std::move(t), options, loc);
}

Tensor scalar_tensor(Scalar value, const TensorOptions& options, SourceLoc loc) {
  return filled("scalar_tensor", {}, value, value.dtype(), options, loc);
}

Tensor zeros(const Shape& shape, const TensorOptions& options, SourceLoc loc) {
  return filled("zeros", shape, 0, default_dtype(), options, loc);
}

Tensor ones(const Shape& shape, const TensorOptions& options, SourceLoc loc) {
  return filled("ones", shape, 1, default_dtype(), options, loc);
}

Tensor empty(const Shape& shape, const TensorOptions& options, SourceLoc loc) {
  return uninitialised("empty", shape, default_dtype(), options, loc);
}

Tensor full(const Shape& shape, Scalar value, const TensorOptions& options, SourceLoc loc) {
  return filled("full", shape, value, value.dtype(), options, loc);
}

Tensor zeros_like(const Tensor& t, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  return filled("zeros_like", t.shape(), 0, t.dtype(), options, loc);
}

Tensor ones_like(const Tensor& t, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  return filled("ones_like", t.shape(), 1, t.dtype(), options, loc);
}

Tensor empty_like(const Tensor& t, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  return uninitialised("empty_like", t.shape(), t.dtype(), options, loc);
}

Tensor full_like(const Tensor& t, Scalar value, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  return filled("full_like", t.shape(), value, t.dtype(), options, loc);
}

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  const bool all_integers = start.category() < 2 && end.category() < 2 && step.category() < 2;
  const DType dtype = detail::resolve_dtype("arange", options, all_integers ? DType::int64 : default_dtype(), loc);
  require_number_dtype("arange", dtype, loc);
  if (all_integers || dtype == DType::int64) {
    const auto first = element<std::int64_t>(start, "arange", loc), by = element<std::int64_t>(step, "arange", loc);
    const std::int64_t n = int_range_length(first, element<std::int64_t>(end, "arange", loc), by, loc);
    checked_numel({n}, "arange", loc);
    Tensor t = make_empty({n}, dtype);
    visit_dtype(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* out = t.impl().ptr<T>();
      // Unsigned, as the step past the last element may leave int64.
      auto value = static_cast<std::uint64_t>(first);
      for (std::int64_t i = 0; i < n; ++i, value += static_cast<std::uint64_t>(by))
        out[i] = static_cast<T>(static_cast<std::int64_t>(value));
    });
    return detail::finish(std::move(t), options, loc);
  }
  const double first = start.to<double>(), by = step.to<double>();
  const std::int64_t n = real_range_length(first, end.to<double>(), by, loc);
  checked_numel({n}, "arange", loc);
  Tensor t = make_empty({n}, dtype);
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = t.impl().ptr<T>();
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(first + static_cast<double>(i) * by);
  });
  return detail::finish(std::move(t), options, loc);
}

Tensor linspace(double start, double end, std::int64_t steps, const TensorOptions& options, SourceLoc loc) {
  CallerScope caller(loc);
  const DType dtype = detail::resolve_dtype("linspace", options, default_dtype(), loc);
  require_number_dtype("linspace", dtype, loc);
  if (steps < 0) throw ValueError(concat("linspace: number of steps must be non-negative, got ", steps), loc);
  if (dtype == DType::int64) {
    element<std::int64_t>(start, "linspace", loc);
    element<std::int64_t>(end, "linspace", loc);
  }
  Tensor t = make_empty({steps}, dtype);
  // Divided before the subtraction where the span itself would overflow.
  const double gaps = static_cast<double>(std::max<std::int64_t>(steps - 1, 1));
  const double span = end - start;
  const double by = std::isfinite(span) ? span / gaps : end / gaps - start / gaps;
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = t.impl().ptr<T>();
    for (std::int64_t i = 0; i < steps; ++i) {
      const std::int64_t mirrored = steps - 1 - i;
      double v = i < mirrored   ? start + static_cast<double>(i) * by
                 : i > mirrored ? end - static_cast<double>(mirrored) * by
                                : std::midpoint(start, end);
      if (i == 0) v = start;
      out[i] = static_cast<T>(v);
    }
  });
  return detail::finish(std::move(t), options, loc);
}

}  // namespace slope
