// Functions of two and three arguments and of parameters: each is its formula. And those of whole numbers and bits.
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

using detail::pointwise_op;

namespace {

DType dtype_of(const Operand& a, const Operand& b) {
  const Operand* const both[] = {&a, &b};
  return promote(both, 2);
}

void require_tensor(const char* op, const Operand& a, const Operand& b) {
  if (!a.tensor && !b.tensor) throw ValueError(concat(op, ": at least one argument must be a tensor"), a.loc);
  for (const Operand* o : {&a, &b})
    if (o->tensor) detail::require_defined(op, {*o->tensor, o->loc});
}

/// Elementwise and without derivative, in one dtype.
template <class T, class F>
Tensor mapped(const char* op, const Operand& a, const Operand& b, const F& f) {
  NoGradGuard no_grad;
  const CallerScope scope(a.loc);
  const DType dtype = slope::dtype_of<T>();
  const Tensor x = detail::operand_tensor(a, dtype), y = detail::operand_tensor(b, dtype);
  Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), op, a.loc), dtype);
  map<T, T, T>(out.impl(), x.impl(), y.impl(), f);
  return out;
}

template <class F>
Tensor of_integers(const char* op, const Operand& a, const Operand& b, const F& f) {
  require_tensor(op, a, b);
  if (const DType dtype = dtype_of(a, b); dtype != DType::int64)
    throw DTypeError(concat(op, ": takes int64, got ", dtype_name(dtype)), a.loc);
  return mapped<std::int64_t>(op, a, b, f);
}

std::uint64_t magnitude(std::int64_t v) {
  return v < 0 ? 0 - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v);
}

}  // namespace

Tensor hypot(const Operand& a, const Operand& b) { return pointwise_op(formula::Hypot{}, a, b); }
Tensor logaddexp(const Operand& a, const Operand& b) { return pointwise_op(formula::Logaddexp{}, a, b); }
Tensor logaddexp2(const Operand& a, const Operand& b) { return pointwise_op(formula::Logaddexp2{}, a, b); }
Tensor xlog1py(const Operand& a, const Operand& b) { return pointwise_op(formula::Xlog1py{}, a, b); }
Tensor ldexp(const Operand& a, const Operand& b) { return pointwise_op(formula::Ldexp{}, a, b); }

Tensor fmax(const Operand& a, const Operand& b) {
  require_tensor("fmax", a, b);
  return is_floating(dtype_of(a, b)) ? pointwise_op(formula::Fmax{}, a, b) : maximum(a, b);
}
Tensor fmin(const Operand& a, const Operand& b) {
  require_tensor("fmin", a, b);
  return is_floating(dtype_of(a, b)) ? pointwise_op(formula::Fmin{}, a, b) : minimum(a, b);
}

Tensor heaviside(const Operand& a, const Operand& b) {
  require_tensor("heaviside", a, b);
  const DType dtype = dtype_of(a, b);
  if (is_floating(dtype)) return pointwise_op(formula::Heaviside{}, a, b);
  const Tensor y = mapped<std::int64_t>("heaviside", a, b, [](std::int64_t x, std::int64_t at_zero) {
    return x == 0 ? at_zero : static_cast<std::int64_t>(x > 0);
  });
  return to({y, a.loc}, dtype);
}

Tensor nextafter(const Operand& a, const Operand& b) {
  require_tensor("nextafter", a, b);
  const DType dtype = dtype_of(a, b);
  if (!is_floating(dtype))
    throw DTypeError(concat("nextafter: takes floating numbers, got ", dtype_name(dtype)), a.loc);
  if (dtype == DType::float32)
    return mapped<float>("nextafter", a, b, [](float x, float y) { return std::nextafter(x, y); });
  return mapped<double>("nextafter", a, b, [](double x, double y) { return std::nextafter(x, y); });
}

Tensor gcd(const Operand& a, const Operand& b) {
  return of_integers("gcd", a, b,
                     [](std::int64_t x, std::int64_t y) { return Int::wrap(std::gcd(magnitude(x), magnitude(y))).v; });
}
Tensor lcm(const Operand& a, const Operand& b) {
  return of_integers("lcm", a, b, [](std::int64_t x, std::int64_t y) {
    const std::uint64_t u = magnitude(x), v = magnitude(y), common = std::gcd(u, v);
    return common == 0 ? std::int64_t{0} : Int::wrap(u / common * v).v;
  });
}

namespace {

/// x + value·a·b.
struct Addcmul {
  static constexpr const char* name = "Addcmul";
  static constexpr std::int64_t grain = grain_cheap;
  double value = 1;
  template <class T>
  T operator()(const T& x, const T& a, const T& b) const {
    return x + value * (a * b);
  }
  template <class T>
  T d0(const T&, const T&, const T&, const T&) const {
    return T(1);
  }
  template <class T>
  T d1(const T&, const T&, const T& b, const T&) const {
    return value * b;
  }
  template <class T>
  T d2(const T&, const T& a, const T&, const T&) const {
    return value * a;
  }
};

/// x + value·a/b.
struct Addcdiv {
  static constexpr const char* name = "Addcdiv";
  static constexpr std::int64_t grain = grain_cheap;
  double value = 1;
  template <class T>
  T operator()(const T& x, const T& a, const T& b) const {
    return x + value * (a / b);
  }
  template <class T>
  T d0(const T&, const T&, const T&, const T&) const {
    return T(1);
  }
  template <class T>
  T d1(const T&, const T&, const T& b, const T&) const {
    return value / b;
  }
  template <class T>
  T d2(const T&, const T& a, const T& b, const T&) const {
    return -value * (a / b) / b;
  }
};

/// The common dtype of x, a and b.
DType common_dtype(const char* op, In x, const Tensor& a, const Tensor& b) {
  for (const Tensor* t : {&x.tensor, &a, &b}) detail::require_defined(op, {*t, x.loc});
  const Operand u(x), v(a, x.loc), w(b, x.loc);
  const Operand* const all[] = {&u, &v, &w};
  return promote(all, 3);
}

struct Logit {
  static constexpr const char* name = "Logit";
  bool clamped = false;
  double eps = 0;
  template <class T>
  T operator()(const T& x) const {
    if (!clamped) return log(x) - log1p(-x);
    const T z = minimum(maximum(x, T(eps)), T(1 - eps));
    return log(z) - log1p(-z);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    const T slope = 1.0 / (x * (1.0 - x));
    if (!clamped) return slope;
    return where((x >= eps) & (x <= 1 - eps), slope, T(0));
  }
};

struct NanToNum {
  static constexpr const char* name = "NanToNum";
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  double nan = 0, posinf = 0, neginf = 0;
  template <class T>
  T operator()(const T& x) const {
    return where(isnan(x), T(nan), where(x == __builtin_inf(), T(posinf), where(x == -__builtin_inf(), T(neginf), x)));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where(isfinite(x), T(1), T(0));
  }
};

}  // namespace

Tensor addcmul(In x, const Tensor& a, const Tensor& b, Scalar value) {
  const DType dtype = common_dtype("addcmul", x, a, b);
  if (is_floating(dtype)) return pointwise_op(Addcmul{value.to<double>()}, x, Operand(a, x.loc), Operand(b, x.loc));
  if (dtype == DType::boolean || value.category() == 2)
    throw DTypeError(concat("addcmul: of ", dtype_name(dtype), " tensors",
                            dtype == DType::boolean ? " there is no sum; convert them with .to(int64)"
                                                    : " `value` must be an integer, too"),
                     x.loc);
  const CallerScope scope(x.loc);
  return add(x, mul(mul(a, b), value));
}

Tensor addcdiv(In x, const Tensor& a, const Tensor& b, Scalar value) {
  if (const DType dtype = common_dtype("addcdiv", x, a, b); !is_floating(dtype))
    throw DTypeError(
        concat("addcdiv: takes floating numbers, got ", dtype_name(dtype), "; convert one with .to(float32)"), x.loc);
  return pointwise_op(Addcdiv{value.to<double>()}, x, Operand(a, x.loc), Operand(b, x.loc));
}

Tensor logit(In x, std::optional<double> eps) { return pointwise_op(Logit{eps.has_value(), eps.value_or(0)}, x); }

Tensor polygamma(std::int64_t n, In x) {
  if (n < 0 || n > 100) throw ValueError(concat("polygamma: the order must lie in [0, 100], got ", n), x.loc);
  if (n == 0) return digamma(x);
  return pointwise_op(formula::Polygamma{static_cast<int>(n)}, x);
}
Tensor Tensor::polygamma(std::int64_t n, SourceLoc loc) const { return slope::polygamma(n, In(*this, loc)); }

Tensor nan_to_num(In x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  detail::require_defined("nan_to_num", x);
  if (!x->is_floating_point()) return clone(x);
  const double most = x->dtype() == DType::float32 ? static_cast<double>(std::numeric_limits<float>::max())
                                                   : std::numeric_limits<double>::max();
  return pointwise_op(NanToNum{nan, posinf.value_or(most), neginf.value_or(-most)}, x);
}

Tensor signbit(In x) {
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  Tensor out = make_empty(x->shape(), DType::boolean);
  visit_dtype(x->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    map<bool, T>(out.impl(), x->impl(), [](T v) {
      if constexpr (std::is_floating_point_v<T>)
        return std::signbit(v);
      else
        return v < T(0);
    });
  });
  return out;
}

}  // namespace slope
