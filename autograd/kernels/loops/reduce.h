#pragma once

#include <cstdint>
#include <type_traits>

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/core/shape.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// Reductions over any set of dimensions of a tensor of any layout.
///
/// What an output is depends on nothing but the sequence of its elements (in row-major order of the reduced dimensions): element
/// i of each block of 2048 goes to running result i mod 32, the 32 are folded in halves, and blocks are combined pairwise. Strides,
/// the other outputs, the instruction set and the number of threads decide only who computes it, so a sum over a transposed view has
/// the same bits as one over its dense copy. Floating values are accumulated in double: a float32 sum is off by less than
/// 1e-7·Σ|x| at any length, a float64 sum by about (70 + log2(length/2048)) roundings.
namespace slope {

/// How a tensor falls apart into outputs (kept dimensions, row-major) and the elements that each of them combines.
struct ReducePlan {
  /// Bit d of `reduced_dims`: dimension d is combined.
  ReducePlan(const TensorImpl& x, unsigned reduced_dims);

  const char* data;
  DType dtype;
  std::int64_t outputs = 1;
  std::int64_t length = 1;  ///< elements per output
  // Sizes and byte strides, without dimensions of size 1 and with neighbours merged where possible.
  Shape kept, kept_strides, reduced, reduced_strides;
};

/// Receives results in pieces: `f(first, values, n)` for outputs first .. first + n - 1, possibly on several threads at once.
template <class T>
class Sink {
 public:
  template <class F>
    requires(!std::is_same_v<F, Sink>)
  Sink(const F& f)
      : call_([](const void* context, std::int64_t first, const T* values, std::int64_t n) {
          (*static_cast<const F*>(context))(first, values, n);
        }),
        context_(&f) {}
  void operator()(std::int64_t first, const T* values, std::int64_t n) const { call_(context_, first, values, n); }

 private:
  void (*call_)(const void*, std::int64_t, const T*, std::int64_t);
  const void* context_;
};

enum class ReduceOp {
  sum,                 ///< Σ x
  nansum,              ///< Σ x over what is not NaN
  nonzero,             ///< number of elements that are not 0
  magnitude,           ///< Σ |x|
  square,              ///< Σ x²
  scaled_square,       ///< Σ (x/c)²
  scaled_power,        ///< Σ (|x|/c)^p
  deviation,           ///< Σ (x - c)
  squared_deviation,   ///< Σ (x - c)²
  exponential,         ///< Σ exp(x - c)
  product,             ///< Π x
  largest,             ///< max x; NaN when there is one, -inf when there is nothing
  smallest,            ///< min x; NaN when there is one, +inf when there is nothing
  largest_magnitude,   ///< max |x|
  smallest_magnitude,  ///< min |x|
};

struct ReduceParams {
  double p = 2;
  const double* c = nullptr;  ///< one per output
};

/// For float32 and float64.
void reduce(const ReducePlan& plan, ReduceOp op, const ReduceParams& params, const Sink<double>& sink);
/// For int64 and bool: sum, product (both wrap around), nonzero, largest, smallest.
void reduce_integers(const ReducePlan& plan, ReduceOp op, const Sink<std::int64_t>& sink);

}  // namespace slope
