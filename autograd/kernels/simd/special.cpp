#include "slope/autograd/kernels/simd/special.h"

#include <cmath>
#include <limits>

namespace slope::simd::special {

namespace {

constexpr double pi = 3.14159265358979323846, infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

template <int N>
double polynomial(const double (&c)[N], double x) {
  double r = c[N - 1];
  for (int i = N - 2; i >= 0; --i) r = r * x + c[i];
  return r;
}

/// Quantile of the normal distribution from q = p - 1/2 and the share in the nearer tail: M. J. Wichura, "Algorithm AS 241: the
/// percentage points of the normal distribution", Applied Statistics 37 (1988); relative error about 1e-16.
double quantile(double q, double tail) {
  constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                          1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                          3.3430575583588128105e4, 2.5090809287301226727e3};
  constexpr double b[] = {1.0,
                          4.2313330701600911252e1,
                          6.8718700749205790830e2,
                          5.3941960214247511077e3,
                          2.1213794301586595867e4,
                          3.9307895800092710610e4,
                          2.8729085735721942674e4,
                          5.2264952788528545610e3};
  constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                          3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1.0,
                          2.05319162663775882187e0,
                          1.67638483018380384940e0,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[] = {1.0,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  double r = std::sqrt(-std::log(tail));
  if (r <= 5) {
    r -= 1.6;
    return std::copysign(polynomial(c, r) / polynomial(d, r), q);
  }
  r -= 5;
  return std::copysign(polynomial(e, r) / polynomial(f, r), q);
}

/// Hurwitz' Σ_k (q + k)^-s for q > 0 and a whole s >= 2, by the formula of Euler and Maclaurin.
double zeta(int s, double q) {
  double sum = 0;
  const double from = 12.0 + s;
  for (; q < from; q += 1) sum += std::pow(q, -s);
  const double power = std::pow(q, -s);
  sum += power * q / (s - 1) + 0.5 * power;
  // B_2j / (2j)!
  constexpr double terms[] = {1.0 / 12,
                              -1.0 / 720,
                              1.0 / 30240,
                              -1.0 / 1209600,
                              1.0 / 47900160,
                              -5.284190138687493e-10,
                              1.338253653068468e-11,
                              -3.389680296322583e-13};
  double factor = s * power / q;
  for (int j = 0; j < 8; ++j) {
    sum += terms[j] * factor;
    factor *= (s + 2 * j + 1.0) * (s + 2 * j + 2.0) / (q * q);
  }
  return sum;
}

/// Σ of the asymptotic series of I_v for large x, mu = 4v².
double bessel_series(double x, double mu) {
  double term = 1, sum = 1;
  for (int k = 1; k < 60; ++k) {
    const double next = term * -(mu - (2.0 * k - 1) * (2.0 * k - 1)) / (k * 8.0 * x);
    if (std::abs(next) > std::abs(term) || std::abs(next) < 1e-17) break;
    sum += term = next;
  }
  const double half = std::exp(0.5 * x);  // its square may overflow where the result does not
  return half * (sum / std::sqrt(2 * pi * x)) * half;
}

}  // namespace

double erfinv(double x) {
  if (!(std::abs(x) <= 1)) return not_a_number;
  if (std::abs(x) == 1) return std::copysign(infinity, x);
  return quantile(0.5 * x, 0.5 * (1 - std::abs(x))) * 0.707106781186547524400844362105;
}

double ndtri(double p) {
  if (!(p >= 0 && p <= 1)) return not_a_number;
  if (p == 0 || p == 1) return p == 0 ? -infinity : infinity;
  return quantile(p - 0.5, p < 0.5 ? p : 1 - p);
}

double lgamma(double x) {
  int sign = 0;  // std::lgamma keeps it in a variable that all threads share
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (x == 0) return std::copysign(infinity, -x);
  if (x == -infinity) return not_a_number;
  if (x < 0) {
    if (x == std::floor(x)) return not_a_number;
    const double part = x - std::floor(x);  // tan has period π
    return digamma(1 - x) - pi / std::tan(pi * part);
  }
  double sum = 0;
  for (; x < 12; x += 1) sum -= 1 / x;
  constexpr double terms[] = {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12};
  const double square = 1 / (x * x);
  return sum + std::log(x) - 0.5 / x - square * polynomial(terms, square);
}

double polygamma(int n, double x) {
  if (std::isnan(x)) return x;
  const double factorial = std::exp(lgamma(n + 1.0)), sign = n % 2 ? 1 : -1;
  if (x == infinity) return sign * 0.0;
  const int s = n + 1;
  if (x > 0) return sign * factorial * zeta(s, x);
  if (x == std::floor(x)) return sign * infinity;  // -∞ among them
  // The terms below 0 are those of two sums from above 0 on.
  const double part = x - std::floor(x);
  const double below = zeta(s, 1 - part) - zeta(s, 1 - x);
  return sign * factorial * (zeta(s, part) + (s % 2 ? -below : below));
}

double i0(double x) {
  x = std::abs(x);
  if (x == infinity) return infinity;
  if (x > 20) return bessel_series(x, 0);
  double term = 1, sum = 1;
  for (int k = 1; term > 1e-18 * sum; ++k) sum += term *= 0.25 * x * x / (static_cast<double>(k) * k);
  return sum;
}

double i1(double given) {
  const double x = std::abs(given);
  if (x == infinity) return given;
  if (x > 20) return std::copysign(bessel_series(x, 4), given);
  double term = 0.5 * given, sum = term;
  for (int k = 1; std::abs(term) > 1e-18 * std::abs(sum); ++k) sum += term *= 0.25 * x * x / (k * (k + 1.0));
  return sum;
}

}  // namespace slope::simd::special
