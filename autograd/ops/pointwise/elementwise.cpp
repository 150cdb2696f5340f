// Arithmetic and bounds: each is its formula, here or in kernels/pointwise/primitives.h.
#include "slope/autograd/ops/pointwise/elementwise.h"

#include <algorithm>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/internal/pointwise_inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

using detail::pointwise_op;

namespace {

/// A formula that is exact on int64, too.
template <class F>
struct Exact : F {
  static constexpr bool integral = true;
  static constexpr std::int64_t grain = grain_cheap;
};

template <class F>
struct Cheap : F {
  static constexpr std::int64_t grain = grain_cheap;
};

DType dtype_of_operands(const Operand& a, const Operand& b) {
  const Operand* const both[] = {&a, &b};
  return promote(both, 2);
}

bool integer_kind(DType d) { return !is_floating(d); }

/// The common case, decided without promotion. An undefined tensor counts as floating: what follows says which argument
/// it is.
bool plainly_floating(const Operand& a, const Operand& b) {
  const auto floating = [](const Tensor* t) { return t && (!t->defined() || t->is_floating_point()); };
  return floating(a.tensor) || floating(b.tensor);
}

bool both_bool(const Operand& a, const Operand& b) {
  return !plainly_floating(a, b) && dtype_of_operands(a, b) == DType::boolean;
}

}  // namespace

namespace {

/// The product of two numbers, as tensors of their dtypes would give it: int64 wraps around.
Scalar product(const Scalar& a, const Scalar& b) {
  if (a.category() == 2 || b.category() == 2) return a.to<double>() * b.to<double>();
  return (Int(a.to<std::int64_t>()) * Int(b.to<std::int64_t>())).v;
}

/// a + alpha·b where nothing is floating.
Tensor add_integers(const char* op, const Operand& a, const Operand& b, const Scalar& alpha) {
  if (alpha.category() == 2)
    throw DTypeError(concat(op, ": for integral tensors, alpha must not be a floating point number"), a.loc);
  if (!b.tensor) return pointwise_op(Exact<formula::Add>{}, a, Operand(product(b.scalar, alpha), b.loc));
  return pointwise_op(Exact<formula::Add>{}, a, mul(b, Operand(alpha)));
}

Tensor add_scaled(const char* op, const Operand& a, const Operand& b, const Scalar& alpha) {
  if (integer_kind(dtype_of_operands(a, b))) return add_integers(op, a, b, alpha);
  return pointwise_op(Cheap<formula::AddScaled>{{alpha.to<double>()}}, a, b);
}

}  // namespace

Tensor add(const Operand& a, const Operand& b, Scalar alpha) {
  if (both_bool(a, b)) {
    if (alpha.category() == 2)
      throw DTypeError("add: for integral tensors, alpha must not be a floating point number", a.loc);
    if (alpha.to<bool>()) return logical_or(a, b);
    const Tensor none = make_number(false, DType::boolean);
    return logical_or(a, logical_and(b, {none, b.loc}));
  }
  if (alpha.to<double>() == 1) return pointwise_op(Exact<formula::Add>{}, a, b);
  return add_scaled("add", a, b, alpha);
}

Tensor sub(const Operand& a, const Operand& b, Scalar alpha) {
  if (both_bool(a, b))
    throw DTypeError(
        "sub: subtraction, the `-` operator, with two bool tensors is not supported; use `^` or logical_xor instead",
        a.loc);
  if (alpha.to<double>() == 1) return pointwise_op(Exact<formula::Sub>{}, a, b);
  return add_scaled("sub", a, b, product(alpha, -1));
}

Tensor mul(const Operand& a, const Operand& b) {
  if (both_bool(a, b)) return logical_and(a, b);
  return pointwise_op(Exact<formula::Mul>{}, a, b);
}

Tensor div(const Operand& a, const Operand& b) { return pointwise_op(Cheap<formula::Div>{}, a, b); }

Tensor maximum(const Operand& a, const Operand& b) {
  if (both_bool(a, b)) return logical_or(a, b);
  return pointwise_op(Exact<formula::Maximum>{}, a, b);
}

Tensor minimum(const Operand& a, const Operand& b) {
  if (both_bool(a, b)) return logical_and(a, b);
  return pointwise_op(Exact<formula::Minimum>{}, a, b);
}

Tensor atan2(const Operand& a, const Operand& b) { return pointwise_op(formula::Atan2{}, a, b); }
Tensor xlogy(const Operand& a, const Operand& b) { return pointwise_op(formula::Xlogy{}, a, b); }
Tensor copysign(const Operand& a, const Operand& b) { return pointwise_op(Cheap<formula::Copysign>{}, a, b); }
Tensor fma(const Operand& a, const Operand& b, const Operand& c) {
  if (!a.tensor && !b.tensor) return add({product(a.scalar, b.scalar), a.loc}, c);
  return add({mul(a, b), a.loc}, c);
}
Tensor scale_cotangent(const Operand& g, const Operand& d) {
  return pointwise_op(Cheap<formula::ScaleCotangent>{}, g, d);
}

namespace {

struct Lerp {
  static constexpr const char* name = "Lerp";
  template <class T>
  T operator()(const T& start, const T& end, const T& weight) const {
    // From the nearer end, so that start and end come out exactly at 0 and 1, also where their distance rounds or is infinite.
    const T span = end - start, rest = 1.0 - weight;
    return where(weight < 0.5, start + scale_cotangent(weight, span), end - scale_cotangent(rest, span));
  }
  template <class T>
  T d0(const T&, const T&, const T& w, const T&) const {
    return T(1.0 - w);
  }
  template <class T>
  T d1(const T&, const T&, const T& w, const T&) const {
    return w;
  }
  template <class T>
  T d2(const T& s, const T& e, const T&, const T&) const {
    return T(e - s);
  }
};

/// Elementwise integer functions that can fail: division by zero is found before anything is computed.
template <class F>
Tensor integer_division(const char* op, const Operand& a, const Operand& b, const F& f) {
  const CallerScope scope(a.loc);
  const Tensor x = detail::operand_tensor(a, DType::int64), y = detail::operand_tensor(b, DType::int64);
  if (y.eq(0).any().item<bool>()) throw ValueError(concat(op, ": integer division by zero"), a.loc);
  Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), op, a.loc), DType::int64);
  map<std::int64_t, std::int64_t, std::int64_t>(out.impl(), x.impl(), y.impl(), f);
  return out;
}

// The smallest integer divided by -1 overflows; wrap-around gives the smallest integer again.
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  if (b == -1) return Int::wrap(0 - static_cast<std::uint64_t>(a)).v;
  const std::int64_t q = a / b;
  return q - ((a % b != 0) && ((a < 0) != (b < 0)));
}

}  // namespace

Tensor lerp(const Operand& start, const Operand& end, const Operand& weight) {
  return pointwise_op(Lerp{}, start, end, weight);
}

namespace {

/// (a - remainder)/b, as Python has it: ⌊a/b⌋ of the rounded quotient would make 1//0.1 ten, of which 0.1·10 leaves
/// nothing over.
struct FloorDivide {
  static constexpr const char* name = "FloorDivide";
  static constexpr bool selects = true;
  template <class T>
  T operator()(const T& a, const T& b) const {
    const T rest = fmod(a, b), whole = (a - rest) / b;
    const T down = where((rest < 0.0) & (b > 0.0), whole - 1.0, where((rest > 0.0) & (b < 0.0), whole - 1.0, whole));
    return where(b == 0.0, a / b, where(down == 0.0, 0.0 * (a / b), round(down)));
  }
  template <class T>
  T d0(const T&, const T&, const T&) const {
    return T(0);
  }
  template <class T>
  T d1(const T&, const T&, const T&) const {
    return T(0);
  }
};

}  // namespace

Tensor floor_divide(const Operand& a, const Operand& b) {
  if (integer_kind(dtype_of_operands(a, b))) return integer_division("floor_divide", a, b, floor_div);
  return pointwise_op(FloorDivide{}, a, b);
}

Tensor remainder(const Operand& a, const Operand& b) {
  if (integer_kind(dtype_of_operands(a, b)))
    return integer_division("remainder", a, b, [](std::int64_t x, std::int64_t y) {
      if (y == -1) return std::int64_t{0};
      const std::int64_t r = x % y;
      return r != 0 && (r < 0) != (y < 0) ? r + y : r;
    });
  return pointwise_op(formula::Remainder{}, a, b);
}

Tensor fmod(const Operand& a, const Operand& b) {
  if (integer_kind(dtype_of_operands(a, b)))
    return integer_division("fmod", a, b,
                            [](std::int64_t x, std::int64_t y) { return y == -1 ? std::int64_t{0} : x % y; });
  return pointwise_op(formula::Fmod{}, a, b);
}

Tensor pow(const Operand& a, const Operand& b) {
  if (integer_kind(dtype_of_operands(a, b))) {
    const bool negative =
        b.tensor ? b.tensor->numel() > 0 && b.tensor->lt(0).any().item<bool>() : b.scalar.to<double>() < 0;
    if (negative)
      throw ValueError("pow: integers to negative integer powers are not allowed; convert to a float type", a.loc);
    const CallerScope scope(a.loc);
    const Tensor x = detail::operand_tensor(a, DType::int64), y = detail::operand_tensor(b, DType::int64);
    Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), "pow", a.loc), DType::int64);
    map<std::int64_t, std::int64_t, std::int64_t>(out.impl(), x.impl(), y.impl(),
                                                  [](std::int64_t base, std::int64_t e) {
                                                    Int r = 1, square = base;
                                                    for (; e > 0; e >>= 1, square = square * square)
                                                      if (e & 1) r = r * square;
                                                    return r.v;
                                                  });
    return out;
  }
  if (!b.tensor && a.tensor) return pointwise_op(formula::PowScalar{b.scalar.to<double>()}, a);
  return pointwise_op(formula::Pow{}, a, b);
}

// ---- bounds

namespace {

/// clamp with one or both bounds; a missing bound is an infinity.
struct Clamp {
  static constexpr const char* name = "Clamp";
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  double lo = -__builtin_inf(), hi = __builtin_inf();
  template <class T>
  T operator()(const T& x) const {
    return minimum(maximum(x, T(lo)), T(hi));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where((x >= lo) & (x <= hi), T(1), T(0));
  }
};

}  // namespace

Tensor clamp(In x, std::optional<Scalar> min, std::optional<Scalar> max) {
  if (!min && !max) throw ValueError("clamp: give a least value, a largest one, or both", x.loc);
  if (x->dtype() == DType::boolean) throw DTypeError("clamp: bool tensors are not supported", x.loc);
  const bool integers = !x->is_floating_point() && (!min || min->category() < 2) && (!max || max->category() < 2);
  if (integers) {  // by integers that a double may not hold
    const CallerScope scope(x.loc);
    const std::int64_t lo = min ? min->to<std::int64_t>() : INT64_MIN, hi = max ? max->to<std::int64_t>() : INT64_MAX;
    Tensor out = make_empty(x->shape(), DType::int64);
    map<std::int64_t, std::int64_t>(out.impl(), x->impl(),
                                    [=](std::int64_t v) { return std::min(std::max(v, lo), hi); });
    return out;
  }
  Clamp f;
  if (min) f.lo = min->to<double>();
  if (max) f.hi = max->to<double>();
  if (x->dtype() == DType::float32) {  // bounds are compared in the tensor's own precision
    f.lo = static_cast<float>(f.lo);
    f.hi = static_cast<float>(f.hi);
  }
  if (!x->is_floating_point()) return pointwise_op(f, to(x, default_dtype()));
  return pointwise_op(f, x);
}

Tensor clamp_min(In x, Scalar min) { return clamp(x, min, {}); }
Tensor clamp_max(In x, Scalar max) { return clamp(x, {}, max); }

Tensor clamp(In x, const Tensor& min, const Tensor& max) {
  if (!min.defined() && !max.defined()) throw ValueError("clamp: give a least value, a largest one, or both", x.loc);
  CallerScope scope(x.loc);
  // NaN in x or a bound makes the result NaN, of which nothing is differentiable.
  Tensor y = x.tensor, none = isnan(x);
  if (min.defined()) {
    none = logical_or(none, isnan(min));
    y = where({y.lt(min), x.loc}, min, y);
  }
  if (max.defined()) {
    none = logical_or(none, isnan(max));
    y = where({y.gt(max), x.loc}, max, y);
  }
  if (y.is_floating_point()) y = where({none, x.loc}, __builtin_nan(""), y);
  return y;
}

}  // namespace slope
