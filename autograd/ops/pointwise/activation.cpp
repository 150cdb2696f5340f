#include "slope/autograd/ops/pointwise/activation.h"

#include <type_traits>

#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/autograd/ops/view/view.h"

namespace slope {

using detail::pointwise_op;

namespace {

#define SLOPE_ACTIVATION_NAME(text) static constexpr const char* name = text;

struct Hardtanh {
  SLOPE_ACTIVATION_NAME("Hardtanh")
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  double lo = -1, hi = 1;
  template <class T>
  T operator()(const T& x) const {
    return minimum(maximum(x, T(lo)), T(hi));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where((x > lo) & (x < hi), T(1), T(0));
  }
};

struct LeakyRelu {
  SLOPE_ACTIVATION_NAME("LeakyRelu")
  static constexpr std::int64_t grain = grain_cheap;
  double slope = 0.01;
  template <class T>
  T operator()(const T& x) const {
    return where(x > 0.0, x, slope * x);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where(x > 0.0, T(1), T(slope));
  }
};

struct Prelu {
  SLOPE_ACTIVATION_NAME("Prelu")
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x, const T& w) const {
    return where(x > 0.0, x, w * x);
  }
  template <class T>
  T d0(const T& x, const T& w, const T&) const {
    return where(x > 0.0, T(1), w);
  }
  template <class T>
  T d1(const T& x, const T&, const T&) const {
    return where(x > 0.0, T(0), x);
  }
};

/// scale·(x > 0 ? x : α(e^{x/τ} - 1)): ELU (τ = 1), CELU (τ = α), SELU.
struct Elu {
  SLOPE_ACTIVATION_NAME("Elu")
  double alpha = 1, tau = 1, scale = 1;
  template <class T>
  T operator()(const T& x) const {
    return scale * where(x > 0.0, x, alpha * expm1(minimum(x, T(0)) / tau));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where(x > 0.0, T(scale), scale * alpha / tau * exp(minimum(x, T(0)) / tau));
  }
};

/// Several floats at a time, with an instruction for a·b + c.
template <class T>
constexpr bool fast_floats = [] {
  if constexpr (requires {
                  typename T::value_type;
                  T::size;
                })
    return std::is_same_v<typename T::value_type, float> && T::size > 4;
  else
    return false;
}();

/// e^(-x²/2), and Φ(x) = ½·erfc(-x/√2), the share of the normal distribution below x.
template <class T>
struct Normal {
  T bell, below;
};
/// Off by at most 5e-7 of itself, the tail included, for a fraction of what erfc costs: ½·e^(x²/2)·erfc(x/√2) is r·p(r) with r = 1/(1 + 0.3 x), p being
/// fitted to x in [0, 14.5] with the relative error as weight. Beyond that the bell is 0.
template <class T>
Normal<T> normal(const T& x) {
  const T a = minimum(abs(x), T(15)), square = a * a;
  const T whole = exp(-0.5 * square);
  const T bell = fma(whole, -0.5 * fma(a, a, -square), whole);  // with what the rounding of the square left out
  const T r = 1 / fma(T(0.3), a, T(1));
  constexpr double terms[] = {0x1.cc8a5ap-4, -0x1.d362e2p-3, 0x1.88c7f0p-3, -0x1.45542cp-4, 0x1.89dd1ap-4,
                              0x1.41150ep-4, 0x1.c38656p-4,  0x1.e9c420p-4, 0x1.ea3c98p-4};
  T p(-0x1.51e5e6p-6);
#pragma GCC unroll 9
  for (const double term : terms) p = fma(p, r, T(term));
  const T tail = bell * (p * r);
  return {bell, where(x > 0, 1 - tail, tail)};
}

struct Gelu {
  SLOPE_ACTIVATION_NAME("Gelu")
  static constexpr double sqrt_half = 0.707106781186547524400844362105, inv_sqrt_2pi = 0.398942280401432677939946059934;
  template <class T>
  T operator()(const T& x) const {
    if constexpr (fast_floats<T>)
      return x * normal(x).below;
    else
      return 0.5 * x * erfc(-sqrt_half * x);  // erfc keeps the tail that 1 + erf rounds away
  }
  template <class T>
  T d0(const T& x, const T&) const {
    if constexpr (fast_floats<T>) {
      const Normal<T> n = normal(x);
      return fma(x, inv_sqrt_2pi * n.bell, n.below);
    } else {
      return 0.5 * erfc(-sqrt_half * x) + x * (inv_sqrt_2pi * exp(-0.5 * (x * x)));
    }
  }
};

struct GeluTanh {
  SLOPE_ACTIVATION_NAME("Gelu")
  static constexpr double k = 0.797884560802865355879892119869, c = 0.044715;
  template <class T>
  T operator()(const T& x) const {
    return 0.5 * x * (1.0 + tanh(k * (x + c * (x * x * x))));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    const T t = tanh(k * (x + c * (x * x * x)));
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * (k * (1.0 + 3 * c * (x * x)));
  }
};

struct Silu {
  SLOPE_ACTIVATION_NAME("Silu")
  template <class T>
  T operator()(const T& x) const {
    return x * sigmoid(x);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    const T s = sigmoid(x);
    return s * (1.0 + x * (1.0 - s));
  }
};

struct Mish {
  SLOPE_ACTIVATION_NAME("Mish")
  template <class T>
  T operator()(const T& x) const {
    return x * tanh(softplus1(x));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    const T t = tanh(softplus1(x));
    return t + x * sigmoid(x) * (1.0 - t * t);
  }
};

struct Hardsigmoid {
  SLOPE_ACTIVATION_NAME("Hardsigmoid")
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x) const {
    return minimum(maximum(x + 3.0, T(0)), T(6)) / 6.0;
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where((x > -3.0) & (x < 3.0), T(1.0 / 6.0), T(0));
  }
};

struct Hardswish {
  SLOPE_ACTIVATION_NAME("Hardswish")
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x) const {
    return x * minimum(maximum(x + 3.0, T(0)), T(6)) / 6.0;
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where(x < -3.0, T(0), where(x <= 3.0, x / 3.0 + 0.5, T(1)));
  }
};

struct Softplus {
  SLOPE_ACTIVATION_NAME("Softplus")
  double beta = 1, threshold = 20;
  template <class T>
  T operator()(const T& x) const {
    return where(beta * x > threshold, x, softplus1(beta * x) / beta);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where(beta * x > threshold, T(1), sigmoid(beta * x));
  }
};

struct Softsign {
  SLOPE_ACTIVATION_NAME("Softsign")
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x) const {
    return x / (1.0 + abs(x));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    const T r = 1.0 / (1.0 + abs(x));
    return r * r;
  }
};

struct Softshrink {
  SLOPE_ACTIVATION_NAME("Softshrink")
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  double lambda = 0.5;
  template <class T>
  T operator()(const T& x) const {
    return where(x > lambda, x - lambda, where(x < -lambda, x + lambda, 0.0 * where(x == x, T(0), x)));
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where((x >= -lambda) & (x <= lambda), T(0), T(1));
  }
};

struct Hardshrink {
  SLOPE_ACTIVATION_NAME("Hardshrink")
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  double lambda = 0.5;
  template <class T>
  T operator()(const T& x) const {
    return where((x >= -lambda) & (x <= lambda), T(0), x);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where((x >= -lambda) & (x <= lambda), T(0), T(1));
  }
};

struct Tanhshrink {
  SLOPE_ACTIVATION_NAME("Tanhshrink")
  template <class T>
  T operator()(const T& x) const {
    return x - tanh(x);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    const T t = tanh(x);
    return t * t;
  }
};

struct Threshold {
  SLOPE_ACTIVATION_NAME("Threshold")
  static constexpr bool selects = true;
  static constexpr std::int64_t grain = grain_cheap;
  double limit = 0, value = 0;
  template <class T>
  T operator()(const T& x) const {
    return where(x <= limit, T(value), x);
  }
  template <class T>
  T d0(const T& x, const T&) const {
    return where(x > limit, T(1), T(0));
  }
};

#undef SLOPE_ACTIVATION_NAME

}  // namespace

Tensor relu6(In x) {
  detail::require_defined("relu6", x);
  return pointwise_op(Hardtanh{0, 6}, x);
}
Tensor hardtanh(In x, double min_val, double max_val) {
  if (!(min_val <= max_val))
    throw ValueError(concat("hardtanh: min_val ", min_val, " cannot be greater than max_val ", max_val), x.loc);
  return pointwise_op(Hardtanh{min_val, max_val}, x);
}
Tensor leaky_relu(In x, double negative_slope) { return pointwise_op(LeakyRelu{negative_slope}, x); }

Tensor prelu(In x, const Tensor& weight) {
  detail::require_defined("prelu", {weight, x.loc});
  const std::int64_t channels = x->dim() < 2 ? 1 : x->size(1);
  if (weight.numel() != 1 && weight.numel() != channels)
    throw ShapeError(concat("prelu: weight has ", weight.numel(), " elements, expected 1 or the ", channels,
                            " channels (dimension 1) of an input of shape ", to_text(x->shape())),
                     x.loc);
  Tensor w = weight.numel() == 1 ? weight.reshape({}) : weight.reshape({channels});
  for (int d = 2; d < x->dim() && w.dim() > 0; ++d) w = w.unsqueeze(-1);
  return pointwise_op(Prelu{}, x, w);
}

Tensor elu(In x, double alpha) { return pointwise_op(Elu{alpha, 1, 1}, x); }
Tensor selu(In x) {
  detail::require_defined("selu", x);
  return pointwise_op(Elu{1.6732632423543772848170429916717, 1, 1.0507009873554804934193349852946}, x);
}
Tensor celu(In x, double alpha) {
  detail::require_defined("celu", x);
  if (alpha == 0) throw ValueError("celu: alpha cannot be 0", x.loc);
  return pointwise_op(Elu{alpha, alpha, 1}, x);
}
Tensor gelu(In x, GeluApproximation approximate) {
  return approximate == GeluApproximation::tanh ? pointwise_op(GeluTanh{}, x) : pointwise_op(Gelu{}, x);
}
Tensor silu(In x) { return pointwise_op(Silu{}, x); }
Tensor mish(In x) { return pointwise_op(Mish{}, x); }
Tensor hardsigmoid(In x) { return pointwise_op(Hardsigmoid{}, x); }
Tensor hardswish(In x) { return pointwise_op(Hardswish{}, x); }
Tensor softplus(In x, double beta, double threshold) {
  if (beta == 0) throw ValueError("softplus: beta cannot be 0", x.loc);
  return pointwise_op(Softplus{beta, threshold}, x);
}
Tensor softsign(In x) { return pointwise_op(Softsign{}, x); }
Tensor softshrink(In x, double lambda) {
  if (!(lambda >= 0))
    throw ValueError(concat("softshrink: lambda must be greater or equal to 0, but found ", lambda), x.loc);
  return pointwise_op(Softshrink{lambda}, x);
}
Tensor hardshrink(In x, double lambda) { return pointwise_op(Hardshrink{lambda}, x); }
Tensor tanhshrink(In x) { return pointwise_op(Tanhshrink{}, x); }
Tensor threshold(In x, double threshold, double value) { return pointwise_op(Threshold{threshold, value}, x); }

Tensor glu(In x, std::int64_t dim) {
  if (x->dim() == 0) throw ShapeError("glu: does not support 0-dimensional tensors", x.loc);
  const int d = wrap_dim(dim, x->dim(), "glu", x.loc);
  const std::int64_t size = x->size(d);
  if (size % 2)
    throw ShapeError(concat("glu: a dimension is halved, so its size must be even; dimension ", d, " has size ", size),
                     x.loc);
  return mul(narrow({x.tensor, x.loc}, d, 0, size / 2),
             sigmoid({narrow({x.tensor, x.loc}, d, size / 2, size / 2), x.loc}));
}

}  // namespace slope
