// The table of the functions of one argument. A row is all there is to write for one: the file is included wherever something is made of
// every row, with SLOPE_UNARY defined (and undefined again here). From a row come the free function, the method, the method in place, the
// formula with its derivative, its reading by lanes, dual numbers and `Probe`, its sample in the sweep and its row in docs/functions.md.
//
//   SLOPE_UNARY(name, Name, kind, value, derivative, low, high, text)
//
//   Name        the node of the graph is called NameBackward
//   kind        real: integers become floats. exact: int64 stays int64 (`Int` in kernels/pointwise/formula.h needs the function, too)
//               and bool is refused. gate: exact, with a derivative of 0 or 1; where it is 0 a gradient ends, even an infinite or NaN one.
//   value       in other functions of formulas, or SLOPE_MATH(f): f of kernels/simd/lanes-math.h
//   derivative  in terms of the argument x and the value y
//   low, high   where the sweep draws its samples
//   text        what the reader of the documentation is told: formula, derivative at special points
#if defined(SLOPE_UNARY)
// clang-format off
SLOPE_UNARY(neg, Neg, exact, -x, -1, -2, 2, "-x.")
SLOPE_UNARY(abs, Abs, exact, copysign(x, 1), sign(x), 0.1, 2, "|x|; derivative 0 at 0.")
SLOPE_UNARY(sign, Sign, gate, where(x > 0, 1, where(x < 0, -1, x + 0)), 0, 0.1, 2, "-1, 0 or 1; derivative 0.")
SLOPE_UNARY(floor, Floor, gate, SLOPE_MATH(floor), 0, 0.1, 0.9, "The largest integer <= x; derivative 0.")
SLOPE_UNARY(ceil, Ceil, gate, SLOPE_MATH(ceil), 0, 0.1, 0.9, "The smallest integer >= x; derivative 0.")
SLOPE_UNARY(trunc, Trunc, gate, SLOPE_MATH(trunc), 0, 0.1, 0.9, "x without its fraction; derivative 0.")
SLOPE_UNARY(round, Round, gate, SLOPE_MATH(round), 0, 0.1, 0.4, "The nearest integer, halves to even; derivative 0.")
SLOPE_UNARY(square, Square, exact, x * x, 2.0 * x, -2, 2, "x².")
SLOPE_UNARY(relu, Relu, gate, maximum(x, 0), where(y <= 0.0, T(0), T(1)), 0.1, 2, "max(x, 0); derivative 0 at 0. NaN stays NaN.")
SLOPE_UNARY(sqrt, Sqrt, real, SLOPE_MATH(sqrt), 0.5 / y, 0.1, 4, "√x; derivative +inf at 0, NaN below.")
SLOPE_UNARY(rsqrt, Rsqrt, real, 1 / sqrt(x), -0.5 * (y * (y * y)), 0.2, 4, "1/√x.")
SLOPE_UNARY(reciprocal, Reciprocal, real, 1 / x, -(y * y), 0.3, 3, "1/x.")
SLOPE_UNARY(exp, Exp, real, SLOPE_MATH(exp), y, -2, 2, "eˣ.")
SLOPE_UNARY(exp2, Exp2, real, SLOPE_MATH(exp2), y * ln2, -2, 2, "2ˣ.")
SLOPE_UNARY(expm1, Expm1, real, SLOPE_MATH(expm1), y + 1.0, -2, 2, "eˣ - 1, accurate near 0.")
SLOPE_UNARY(log, Log, real, SLOPE_MATH(log), 1.0 / x, 0.2, 4, "ln x; -inf at 0, where the derivative is +inf.")
SLOPE_UNARY(log2, Log2, real, SLOPE_MATH(log2), (1 / ln2) / x, 0.2, 4, "log₂ x.")
SLOPE_UNARY(log10, Log10, real, SLOPE_MATH(log10), (1 / ln10) / x, 0.2, 4, "log₁₀ x.")
SLOPE_UNARY(log1p, Log1p, real, SLOPE_MATH(log1p), 1.0 / (x + 1.0), -0.7, 3, "ln(1 + x), accurate near 0.")
SLOPE_UNARY(sin, Sin, real, SLOPE_MATH(sin), cos(x), -3, 3, "Sine.")
SLOPE_UNARY(cos, Cos, real, SLOPE_MATH(cos), -sin(x), -3, 3, "Cosine.")
SLOPE_UNARY(tan, Tan, real, SLOPE_MATH(tan), 1.0 + y * y, -1.2, 1.2, "Tangent.")
SLOPE_UNARY(asin, Asin, real, SLOPE_MATH(asin), rsqrt((1.0 - x) * (1.0 + x)), -0.9, 0.9, "Arc sine; NaN outside of [-1, 1].")
SLOPE_UNARY(acos, Acos, real, SLOPE_MATH(acos), -rsqrt((1.0 - x) * (1.0 + x)), -0.9, 0.9, "Arc cosine; NaN outside of [-1, 1].")
// From `square_hides_one` on, x² may overflow where the derivative still is a number, and the 1 beside it is lost anyway.
SLOPE_UNARY(atan, Atan, real, SLOPE_MATH(atan), where(abs(x) > square_hides_one, square(1.0 / x), 1.0 / (1.0 + x * x)), -3, 3, "Arc tangent.")
SLOPE_UNARY(sinh, Sinh, real, SLOPE_MATH(sinh), cosh(x), -2, 2, "Hyperbolic sine.")
SLOPE_UNARY(cosh, Cosh, real, SLOPE_MATH(cosh), sinh(x), -2, 2, "Hyperbolic cosine.")
SLOPE_UNARY(tanh, Tanh, real, SLOPE_MATH(tanh), 1.0 - y * y, -2, 2, "Hyperbolic tangent; derivative from the value alone, in float32 0 beyond |x| = 9.")
SLOPE_UNARY(asinh, Asinh, real, SLOPE_MATH(asinh), where(abs(x) > square_hides_one, 1.0 / abs(x), rsqrt(x * x + 1.0)), -3, 3, "Inverse of sinh.")
SLOPE_UNARY(acosh, Acosh, real, SLOPE_MATH(acosh), where(abs(x) > square_hides_one, 1.0 / abs(x), rsqrt((x - 1.0) * (x + 1.0))), 1.2, 4, "Inverse of cosh; NaN below 1.")
SLOPE_UNARY(atanh, Atanh, real, SLOPE_MATH(atanh), 1.0 / ((1.0 - x) * (1.0 + x)), -0.8, 0.8, "Inverse of tanh; ±inf at ±1, NaN beyond.")
SLOPE_UNARY(erf, Erf, real, SLOPE_MATH(erf), two_over_sqrt_pi * exp(-(x * x)), -2, 2, "Error function, 2/√π · ∫₀ˣ e^(-t²) dt.")
SLOPE_UNARY(erfc, Erfc, real, SLOPE_MATH(erfc), -two_over_sqrt_pi * exp(-(x * x)), -2, 2, "1 - erf(x), accurate where that is small.")
SLOPE_UNARY(sigmoid, Sigmoid, real, SLOPE_MATH(sigmoid), y * (1.0 - y), -4, 4, "1/(1 + e⁻ˣ), accurate on both sides; derivative from the value alone, in float32 0 from x = 17 on.")
// The derivative is σ(-x), not 1 - σ(x), which rounds to 0 far before the value does.
SLOPE_UNARY(logsigmoid, LogSigmoid, real, -softplus1(-x), sigmoid(-x), -4, 4, "ln σ(x) = min(x, 0) - ln(1 + e^(-|x|)).")
SLOPE_UNARY(softplus1, Softplus1, real, SLOPE_MATH(softplus), sigmoid(x), -4, 4, "ln(1 + eˣ), accurate on both sides.")
// clang-format on
#undef SLOPE_UNARY
#endif
