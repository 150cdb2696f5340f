#pragma once

#include <concepts>
#include <cstdint>

#include "slope/autograd/core/random.h"
#include "slope/autograd/tensor/factory.h"

/// Random tensors. Each call takes its part of the stream of `gen` (the default generator unless given): the same seed
/// gives the same numbers on every platform and for every thread count; a call that throws does not advance the
/// generator.
///
///     manual_seed(0);
///     Tensor w = randn({3, 4}, {.requires_grad = true});
///     Generator own(7);
///     Tensor order = randperm(100, {}, own);
///
/// All results are leaves: nothing is differentiated through a draw. Common errors as in factory.h.
namespace slope {

/// Uniform in [0, 1), never 1. dtype: a floating one, by default the default dtype; throws DTypeError for others.
Tensor rand(const Shape& shape, const TensorOptions& options = {}, Generator& gen = default_generator(),
            SourceLoc loc = SourceLoc::here());
/// Normal with mean 0 and variance 1. dtype as `rand`.
Tensor randn(const Shape& shape, const TensorOptions& options = {}, Generator& gen = default_generator(),
             SourceLoc loc = SourceLoc::here());
/// Sizes may be written without braces, as for `zeros`: `randn(32, 10)`.
#define SLOPE_SIZES(name)                                                                                  \
  template <detail::SizeNumber A>                                                                          \
  Tensor name(A a, const TensorOptions& options = {}, Generator& gen = default_generator(),                \
              SourceLoc loc = SourceLoc::here()) {                                                         \
    return name(detail::sizes(a), options, gen, loc);                                                      \
  }                                                                                                        \
  template <detail::SizeNumber A, detail::SizeNumber B>                                                    \
  Tensor name(A a, B b, const TensorOptions& options = {}, Generator& gen = default_generator(),           \
              SourceLoc loc = SourceLoc::here()) {                                                         \
    return name(detail::sizes(a, b), options, gen, loc);                                                   \
  }                                                                                                        \
  template <detail::SizeNumber A, detail::SizeNumber B, detail::SizeNumber C>                              \
  Tensor name(A a, B b, C c, const TensorOptions& options = {}, Generator& gen = default_generator(),      \
              SourceLoc loc = SourceLoc::here()) {                                                         \
    return name(detail::sizes(a, b, c), options, gen, loc);                                                \
  }                                                                                                        \
  template <detail::SizeNumber A, detail::SizeNumber B, detail::SizeNumber C, detail::SizeNumber D>        \
  Tensor name(A a, B b, C c, D d, const TensorOptions& options = {}, Generator& gen = default_generator(), \
              SourceLoc loc = SourceLoc::here()) {                                                         \
    return name(detail::sizes(a, b, c, d), options, gen, loc);                                             \
  }
SLOPE_SIZES(rand)
SLOPE_SIZES(randn)
#undef SLOPE_SIZES
namespace detail {
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, const TensorOptions& options, Generator& gen,
               SourceLoc loc);
}
/// Uniform in {low, ..., high - 1} without bias; dtype int64 unless `options` names another. Throws ValueError unless
/// low < high, and when the dtype cannot hold every integer of the range (2^24 for float32).
///
///     randint(0, 10, {3});      randint(10, {3});   // the same
inline Tensor randint(std::int64_t high, const Shape& shape, const TensorOptions& options = {},
                      Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here()) {
  return detail::randint(0, high, shape, options, gen, loc);
}
template <std::integral I>  // a template, so that the braces of a shape are not taken for `high`
Tensor randint(std::int64_t low, I high, const Shape& shape, const TensorOptions& options = {},
               Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here()) {
  return detail::randint(low, static_cast<std::int64_t>(high), shape, options, gen, loc);
}

/// The same with the shape and, unless `options` names another, the dtype of `t`.
Tensor rand_like(const Tensor& t, const TensorOptions& options = {}, Generator& gen = default_generator(),
                 SourceLoc loc = SourceLoc::here());
Tensor randn_like(const Tensor& t, const TensorOptions& options = {}, Generator& gen = default_generator(),
                  SourceLoc loc = SourceLoc::here());
Tensor randint_like(const Tensor& t, std::int64_t low, std::int64_t high, const TensorOptions& options = {},
                    Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());

/// A uniformly random order of 0, ..., n - 1: [n]; dtype int64 unless `options` names another. Throws ValueError when n
/// is negative or the dtype cannot hold n - 1.
Tensor randperm(std::int64_t n, const TensorOptions& options = {}, Generator& gen = default_generator(),
                SourceLoc loc = SourceLoc::here());

/// Independently for each element 1 with probability p, else 0; shape and dtype of `p`, which is floating. Throws
/// DTypeError for other dtypes, ValueError for a probability outside [0, 1] or NaN.
Tensor bernoulli(const Tensor& p, Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());

/// Normal with a mean and a standard deviation of its own for each element: mean + std * z. Tensors broadcast against
/// each other; dtype float64 if a tensor argument is float64, else float32. With two numbers a shape is needed and the
/// dtype is as for `rand`. Throws ValueError when a standard deviation is negative or NaN, DTypeError for tensors that
/// are not floating.
Tensor normal(const Tensor& mean, const Tensor& std, Generator& gen = default_generator(),
              SourceLoc loc = SourceLoc::here());
Tensor normal(const Tensor& mean, double std = 1, Generator& gen = default_generator(),
              SourceLoc loc = SourceLoc::here());
Tensor normal(double mean, const Tensor& std, Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());
Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options = {},
              Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());

/// Category numbers (int64) drawn with probability proportional to `weights`: [k] gives [n], [rows, k] gives [rows, n].
/// Weights need not sum to 1; a category of weight 0 is never drawn. Without replacement the numbers of a row differ,
/// in the order of successive draws. Throws ShapeError unless 1-d or 2-d, DTypeError unless floating, ValueError for
/// weights that are negative or not finite, rows that sum to 0, n < 1, and without replacement for rows with fewer than
/// n positive weights.
///
///     multinomial(tensor({0.0, 10.0, 3.0}), 2)    // tensor([1, 2]) or tensor([2, 1])
Tensor multinomial(const Tensor& weights, std::int64_t n, bool replacement = false,
                   Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());

}  // namespace slope
