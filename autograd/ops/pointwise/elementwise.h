#pragma once

#include <optional>

#include "slope/autograd/tensor/tensor.h"

/// Elementwise operations. Results have the broadcast shape of the arguments; integers given to functions of real numbers
/// become the default float type. Derivatives at special points are stated where they differ from the formula's.
namespace slope {

// ---- arithmetic
/// a + alpha·b. Bool + bool is logical or. Throws ShapeError when the shapes do not broadcast.
Tensor add(const Operand& a, const Operand& b, Scalar alpha = 1);
/// a - alpha·b. Throws DTypeError for two bools.
Tensor sub(const Operand& a, const Operand& b, Scalar alpha = 1);
/// a·b. Bool * bool is logical and.
Tensor mul(const Operand& a, const Operand& b);
/// True division: integers become floats; x/0 is ±inf, 0/0 is NaN.
Tensor div(const Operand& a, const Operand& b);
/// ⌊a/b⌋, rounding toward -inf, so that a = b·(a//b) + a%b: 1//0.1 is 9. Integer division by zero throws ValueError, of
/// floats it is a/b. Derivative 0.
Tensor floor_divide(const Operand& a, const Operand& b);
/// a - ⌊a/b⌋·b: the sign of the divisor, as Python's %. Integer division by zero throws ValueError.
Tensor remainder(const Operand& a, const Operand& b);
/// a - trunc(a/b)·b: the sign of the dividend.
Tensor fmod(const Operand& a, const Operand& b);
/// a^b. ∂a = b·a^(b-1) (0 where b = 0); ∂b = a^b·log a (0 where a = 0 and b >= 0). An int64 to a negative integer power
/// throws ValueError.
Tensor pow(const Operand& a, const Operand& b);
/// The larger (smaller) of two; NaN when either is; at a tie each side takes half of the gradient.
Tensor maximum(const Operand& a, const Operand& b);
Tensor minimum(const Operand& a, const Operand& b);
Tensor atan2(const Operand& a, const Operand& b);
/// a·log b, and 0 where a = 0 (unless b is NaN). ∂a = log b, 0 where a = 0 and b <= 0; ∂b = a/b, 0 where a = 0.
Tensor xlogy(const Operand& a, const Operand& b);
/// |a| with the sign of b, which counts for ±0, too. ∂a = ±1 (0 where a = 0), ∂b = 0.
Tensor copysign(const Operand& a, const Operand& b);
/// a·b + c.
Tensor fma(const Operand& a, const Operand& b, const Operand& c);
/// start + weight·(end - start).
Tensor lerp(const Operand& start, const Operand& end, const Operand& weight);
/// g·d, but exactly 0 where g is 0, also when d is infinite or NaN. ∂g = d, but 0 where g is 0 and d is not finite; ∂d = g.
Tensor scale_cotangent(const Operand& g, const Operand& d);

// ---- functions of one argument
// Each is a row of the table, which says what it computes; docs/functions.md lists them for reading.
#define SLOPE_UNARY(name, ...) Tensor name(In x);
#include "slope/autograd/tensor/tensor-unary.h"

// ---- bounds
/// min(max(x, lo), hi); gradient 1 where lo <= x <= hi, both ends included.
Tensor clamp(In x, std::optional<Scalar> min, std::optional<Scalar> max = {});
/// Tensor bounds, one of which may be undefined: the active bound receives the gradient (x itself where it equals a
/// bound). NaN where one of the three is. Where min > max it is max. Throws ValueError when both are undefined.
Tensor clamp(In x, const Tensor& min, const Tensor& max);
Tensor clamp_min(In x, Scalar min);
Tensor clamp_max(In x, Scalar max);

// ---- comparisons: bool results, never differentiable
/// Whether the comparison holds, element by element: bool, with broadcasting; never for NaN, but for `ne`.
Tensor eq(const Operand& a, const Operand& b);
Tensor ne(const Operand& a, const Operand& b);
Tensor lt(const Operand& a, const Operand& b);
Tensor le(const Operand& a, const Operand& b);
Tensor gt(const Operand& a, const Operand& b);
Tensor ge(const Operand& a, const Operand& b);
/// Whether an element is NaN, infinite, or neither: bool.
Tensor isnan(In x);
Tensor isinf(In x);
Tensor isfinite(In x);
/// |a - b| <= atol + rtol·|b| elementwise; equal infinities are close.
Tensor isclose(In a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
/// isclose everywhere.
[[nodiscard]] bool allclose(In a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
/// Same shape and equal everywhere.
[[nodiscard]] bool equal(In a, const Tensor& b);
Tensor logical_not(In x);
Tensor logical_and(const Operand& a, const Operand& b);
Tensor logical_or(const Operand& a, const Operand& b);
Tensor logical_xor(const Operand& a, const Operand& b);

// ---- selection
/// a where the bool condition holds, else b. The side not selected receives exactly 0.
Tensor where(In condition, const Operand& a, const Operand& b);

// ---- copies
/// A dense copy, differentiable.
Tensor clone(In x);
/// The same values in another dtype; the tensor itself when it has that dtype already. Differentiable between floats.
Tensor to(In x, DType dtype);

}  // namespace slope
