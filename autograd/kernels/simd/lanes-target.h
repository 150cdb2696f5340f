// The body of lanes.h, included once per instruction set with SLOPE_SIMD_NAMESPACE, SLOPE_SIMD_LEVEL (0 baseline, 1 avx2, 2 avx512),
// SLOPE_SIMD_BYTES and SLOPE_TARGET defined. Included alone it stands for lanes.h.
#if !defined(SLOPE_SIMD_NAMESPACE)
#include "slope/autograd/kernels/simd/lanes.h"
#else

#include "slope/autograd/kernels/simd/lanes-native.h"
// The elementary functions build on the native operations.
#include "slope/autograd/kernels/simd/lanes-math.h"

namespace slope::simd::SLOPE_SIMD_NAMESPACE {

template <class T>
struct Lanes;

// The copy constructors below are written out so that the two classes are passed by address between functions.
// A trivial class would travel in wide registers where the caller has them and in memory where not, and an unoptimised formula
// (baseline instruction set) called by an AVX-512 kernel would read garbage.

/// One truth value per lane: the result of comparing Lanes.
template <class T>
struct Mask {
  using Native = typename native::Types<T>::Int;
  using value_type = T;
  static constexpr int size = native::Types<T>::size;

  Native m;  ///< all bits set where true, zero where false

  // NOLINTBEGIN(modernize-use-equals-default): a defaulted member would not be compiled for the target
  SLOPE_TARGET Mask() {}
  SLOPE_TARGET Mask(const Mask& other) : m(other.m) {}
  SLOPE_TARGET Mask& operator=(const Mask& other) {
    m = other.m;
    return *this;
  }
  // NOLINTEND(modernize-use-equals-default)
  SLOPE_TARGET explicit Mask(bool b) : m((b ? typename native::Types<T>::Bits(-1) : 0) + Native{}) {}

  /// True in the first n lanes, 0 <= n <= size.
  SLOPE_TARGET static Mask first(int n) { return make(native::first_lanes(n, typename native::Types<T>::Vec{})); }
  /// From `size` bools.
  SLOPE_TARGET static Mask load(const bool* p) {
    typename native::Types<T>::Bytes b;
    __builtin_memcpy(&b, p, sizeof(b));
    return make(-__builtin_convertvector(b, Native));
  }
  /// From the first n bools, 0 <= n <= size; the rest is false. Reads nothing beyond them.
  SLOPE_TARGET static Mask load_n(const bool* p, int n) {
    bool all_lanes[size] = {};
    for (int i = 0; i < n; ++i) all_lanes[i] = p[i];
    return load(all_lanes);
  }
  SLOPE_TARGET void store(bool* p) const {
    const typename native::Types<T>::Bytes b = __builtin_convertvector(-m, typename native::Types<T>::Bytes);
    __builtin_memcpy(p, &b, sizeof(b));
  }
  SLOPE_TARGET void store_n(bool* p, int n) const {
    bool all_lanes[size];
    store(all_lanes);
    for (int i = 0; i < n; ++i) p[i] = all_lanes[i];
  }

  /// Whether any lane, or every lane, is true.
  SLOPE_TARGET bool any() const { return native::lane_bits(m) != 0; }
  SLOPE_TARGET bool all() const { return native::lane_bits(~m) == 0; }

  SLOPE_TARGET friend Mask operator&(const Mask& a, const Mask& b) { return make(a.m & b.m); }
  SLOPE_TARGET friend Mask operator|(const Mask& a, const Mask& b) { return make(a.m | b.m); }
  SLOPE_TARGET friend Mask operator^(const Mask& a, const Mask& b) { return make(a.m ^ b.m); }
  SLOPE_TARGET friend Mask operator!(const Mask& a) { return make(~a.m); }

  /// a where the mask is true, else b. Either arm may be a scalar.
  SLOPE_TARGET friend Lanes<T> where(const Mask& mask, const Lanes<T>& a, const Lanes<T>& b) {
    return Lanes<T>::make(mask.m ? a.v : b.v);
  }

  SLOPE_TARGET static Mask make(const Native& bits) {
    Mask r;
    r.m = bits;
    return r;
  }
};

/// `size` values of type T (float or double), computed side by side.
///
/// Scalars convert implicitly (`2.0 * x`, `maximum(x, 0)`), and double constants are rounded to T.
template <class T>
struct Lanes {
  using value_type = T;
  using Native = typename native::Types<T>::Vec;
  using Bits = typename native::Types<T>::Int;
  using mask_type = Mask<T>;
  static constexpr int size = native::Types<T>::size;

  Native v;

  /// Uninitialised.
  // NOLINTBEGIN(modernize-use-equals-default): a defaulted member would not be compiled for the target
  SLOPE_TARGET Lanes() {}
  SLOPE_TARGET Lanes(const Lanes& other) : v(other.v) {}
  SLOPE_TARGET Lanes& operator=(const Lanes& other) {
    v = other.v;
    return *this;
  }
  // NOLINTEND(modernize-use-equals-default)
  /// The same value in every lane.
  template <class Scalar, class = std::enable_if_t<std::is_arithmetic_v<Scalar>>>
  SLOPE_TARGET Lanes(Scalar value) : v(native::splat(static_cast<T>(value))) {}

  /// From `size` values at any address.
  SLOPE_TARGET static Lanes load(const T* p) {
    Lanes r;
    __builtin_memcpy(&r.v, p, sizeof(Native));
    return r;
  }
  /// From the first n values, 0 <= n <= size; the rest is 1. Reads nothing beyond them.
  SLOPE_TARGET static Lanes load_n(const T* p, int n) { return make(native::load_first(p, n)); }
  /// The same from floats, for lanes of double.
  SLOPE_TARGET static Lanes load_wide(const float* p)
    requires std::is_same_v<T, double>
  {
    native::HalfF x;
    __builtin_memcpy(&x, p, sizeof(x));
    return make(native::to_double(x));
  }
  SLOPE_TARGET static Lanes load_wide_n(const float* p, int n)
    requires std::is_same_v<T, double>
  {
    return make(native::widen_low(native::load_first(p, n)));
  }
  SLOPE_TARGET void store(T* p) const { __builtin_memcpy(p, &v, sizeof(Native)); }
  /// Writes the first n lanes, 0 <= n <= size, and nothing else.
  SLOPE_TARGET void store_n(T* p, int n) const { native::store_first(p, v, n); }

  SLOPE_TARGET Lanes& operator+=(const Lanes& b) { return v += b.v, *this; }
  SLOPE_TARGET Lanes& operator-=(const Lanes& b) { return v -= b.v, *this; }
  SLOPE_TARGET Lanes& operator*=(const Lanes& b) { return v *= b.v, *this; }
  SLOPE_TARGET Lanes& operator/=(const Lanes& b) { return v /= b.v, *this; }

  SLOPE_TARGET friend Lanes operator+(const Lanes& a, const Lanes& b) { return make(a.v + b.v); }
  SLOPE_TARGET friend Lanes operator-(const Lanes& a, const Lanes& b) { return make(a.v - b.v); }
  SLOPE_TARGET friend Lanes operator*(const Lanes& a, const Lanes& b) { return make(a.v * b.v); }
  SLOPE_TARGET friend Lanes operator/(const Lanes& a, const Lanes& b) { return make(a.v / b.v); }
  SLOPE_TARGET friend Lanes operator-(const Lanes& a) { return make(-a.v); }
  SLOPE_TARGET friend Lanes operator+(const Lanes& a) { return a; }

  SLOPE_TARGET friend Mask<T> operator<(const Lanes& a, const Lanes& b) { return Mask<T>::make((Bits)(a.v < b.v)); }
  SLOPE_TARGET friend Mask<T> operator<=(const Lanes& a, const Lanes& b) { return Mask<T>::make((Bits)(a.v <= b.v)); }
  SLOPE_TARGET friend Mask<T> operator>(const Lanes& a, const Lanes& b) { return Mask<T>::make((Bits)(a.v > b.v)); }
  SLOPE_TARGET friend Mask<T> operator>=(const Lanes& a, const Lanes& b) { return Mask<T>::make((Bits)(a.v >= b.v)); }
  SLOPE_TARGET friend Mask<T> operator==(const Lanes& a, const Lanes& b) { return Mask<T>::make((Bits)(a.v == b.v)); }
  SLOPE_TARGET friend Mask<T> operator!=(const Lanes& a, const Lanes& b) { return Mask<T>::make((Bits)(a.v != b.v)); }

  SLOPE_TARGET friend Mask<T> isnan(const Lanes& x) { return x != x; }
  SLOPE_TARGET friend Mask<T> isinf(const Lanes& x) { return abs(x) == infinity(); }
  SLOPE_TARGET friend Mask<T> isfinite(const Lanes& x) { return abs(x) < infinity(); }

  /// The larger (smaller) of two; NaN when either is NaN.
  SLOPE_TARGET friend Lanes maximum(const Lanes& a, const Lanes& b) { return make(native::larger(a.v, b.v)); }
  SLOPE_TARGET friend Lanes minimum(const Lanes& a, const Lanes& b) { return make(native::smaller(a.v, b.v)); }

  /// maximum(x, least) for a number that is not NaN, in one instruction.
  SLOPE_TARGET friend Lanes clamp_min(const Lanes& x, double least) {
    return make(native::at_least(x.v, static_cast<T>(least)));
  }

  /// The magnitude of a with the sign bit of b.
  SLOPE_TARGET friend Lanes copysign(const Lanes& a, const Lanes& b) {
    return make((Native)(((Bits)a.v & ~sign_bits()) | ((Bits)b.v & sign_bits())));
  }

  /// a * b + c, rounded once.
  SLOPE_TARGET friend Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return make(native::fma(a.v, b.v, c.v));
  }

#define SLOPE_MATH(f) make(math::f(x.v))
#define SLOPE_UNARY(name, Name, kind, value, ...) \
  SLOPE_TARGET friend Lanes name(const Lanes& x) { return value; }
#include "slope/autograd/tensor/tensor-unary.h"
#undef SLOPE_MATH
  /// log1p for x in [0, 1] only, as e^-|x| is.
  SLOPE_TARGET friend Lanes log1p_unit(const Lanes& x) { return make(math::log1p_unit(x.v)); }
  /// log(cosh(x)) without overflow, and its derivative, tanh(x), at little cost beside it.
  SLOPE_TARGET friend Lanes log_cosh(const Lanes& x) { return make(math::log_cosh(x.v)); }
  SLOPE_TARGET friend Lanes log_cosh_slope(const Lanes& x) { return make(math::log_cosh_slope(x.v)); }
  /// log(p) and log(1 - p) for p in [0, 1], for less than the two cost; outside of it at least one is NaN.
  struct LogPair;
  SLOPE_TARGET friend LogPair log_pair(const Lanes& p) {
    const auto logs = math::log_pair(p.v);
    return {make(logs.of), make(logs.rest)};
  }
  SLOPE_TARGET friend Lanes atan2(const Lanes& y, const Lanes& x) { return make(math::atan2(y.v, x.v)); }

  SLOPE_TARGET friend Lanes pow(const Lanes& x, const Lanes& y) { return make(math::pow(x.v, y.v)); }
  /// x^y for one exponent: small integers and 1/2 without logarithms, with the same special values.
  SLOPE_TARGET friend Lanes pow(const Lanes& x, double y) {
    if (y == 2) return x * x;
    if (y == 1) return x;
    if (y == 3) return x * x * x;
    if (y == 0.5) return where(x == -infinity(), infinity(), sqrt(x + 0));
    if (y == -1) return 1 / x;
    if (y == 0) return 1;
    if (y == 4) return square(x * x);
    if (y == -2) return square(1 / x);
    return pow(x, Lanes(y));
  }

  /// x * log(y), 0 where x is 0 unless y is NaN.
  SLOPE_TARGET friend Lanes xlogy(const Lanes& x, const Lanes& y) { return where((x == 0) & !isnan(y), 0, x * log(y)); }

  /// Remainder with the sign of the dividend x.
  SLOPE_TARGET friend Lanes fmod(const Lanes& x, const Lanes& y) { return make(math::fmod(x.v, y.v)); }
  /// Remainder with the sign of the divisor y, as Python's %.
  SLOPE_TARGET friend Lanes remainder(const Lanes& x, const Lanes& y) {
    const Lanes r = fmod(x, y);
    return where((r != 0) & ((r < 0) ^ (y < 0)), r + y, r);
  }

  /// Sum of the lanes, always in the same order.
  SLOPE_TARGET friend T reduce_add(const Lanes& x) { return native::template tree_sum<T>(x.v); }
  /// The same, accumulated in double.
  SLOPE_TARGET friend double reduce_add_wide(const Lanes& x) {
    if constexpr (std::is_same_v<T, float>) {
      return native::template tree_sum<double>(native::widen_low(x.v) + native::widen_high(x.v));
    } else {
      return native::template tree_sum<double>(x.v);
    }
  }

  SLOPE_TARGET static Lanes make(const Native& value) {
    Lanes r;
    r.v = value;
    return r;
  }
  SLOPE_TARGET static Lanes infinity() { return static_cast<T>(__builtin_inf()); }
  SLOPE_TARGET static Bits sign_bits() { return native::Types<T>::sign_bit - Bits{}; }
};

template <class T>
struct Lanes<T>::LogPair {
  Lanes of, rest;
};

/// A running sum in double. What it returns depends only on the values added and the order of the calls.
template <class T>
class WideSum {
 public:
  SLOPE_TARGET WideSum() : low_(0), high_(0) {}

  SLOPE_TARGET void add(const Lanes<T>& x) {
    if constexpr (std::is_same_v<T, float>) {
      low_.v += native::widen_low(x.v);
      high_.v += native::widen_high(x.v);
    } else {
      low_.v += x.v;
    }
  }
  /// Adds x·y. Of floats the product is exact.
  SLOPE_TARGET void add_product(const Lanes<T>& x, const Lanes<T>& y) {
    if constexpr (std::is_same_v<T, float>) {
      low_.v += native::widen_low(x.v) * native::widen_low(y.v);
      high_.v += native::widen_high(x.v) * native::widen_high(y.v);
    } else {
      low_.v += x.v * y.v;
    }
  }
  /// Adds the Lanes<T>::size numbers from `p` on: faster than add where nothing else is done with them.
  SLOPE_TARGET void add_from(const T* p) {
    if constexpr (std::is_same_v<T, float>) {
      low_.v += native::load_widened(p);
      high_.v += native::load_widened(p + Lanes<double>::size);
    } else {
      add(Lanes<T>::load(p));
    }
  }
  /// Adds the first n lanes, 0 <= n <= size.
  SLOPE_TARGET void add_n(const Lanes<T>& x, int n) {
    if (n == Lanes<T>::size)
      add(x);
    else
      add(where(Mask<T>::first(n), x, 0));
  }
  /// Adds what another has added.
  SLOPE_TARGET void add(const WideSum& other) {
    low_.v += other.low_.v;
    high_.v += other.high_.v;
  }
  SLOPE_TARGET double total() const { return reduce_add(lanes()); }
  /// Numbers whose sum is the total.
  SLOPE_TARGET Lanes<double> lanes() const { return low_ + high_; }
  /// Writes what was added in each of the `size` lanes of Lanes<T>.
  SLOPE_TARGET void store(double* to) const {
    low_.store(to);
    if constexpr (std::is_same_v<T, float>) high_.store(to + Lanes<double>::size);
  }

 private:
  Lanes<double> low_, high_;
};

/// What a kernel given to `dispatch` is called with.
struct Target {
  template <class T>
  using Lanes = SLOPE_SIMD_NAMESPACE::Lanes<T>;
  template <class T>
  using Mask = SLOPE_SIMD_NAMESPACE::Mask<T>;
  template <class T>
  using WideSum = SLOPE_SIMD_NAMESPACE::WideSum<T>;
  static constexpr Isa isa = static_cast<Isa>(SLOPE_SIMD_LEVEL);
};

template <class Kernel>
SLOPE_TARGET __attribute__((flatten, noinline)) void run(const Kernel& kernel) {
  kernel(Target{});
}

}  // namespace slope::simd::SLOPE_SIMD_NAMESPACE

#endif
