#pragma once

/// Special functions of one double, for lanes that compute them one by one.
namespace slope::simd::special {

/// The inverse of erf on [-1, 1].
double erfinv(double x);
/// x with a share p of the normal distribution below it.
double ndtri(double p);
/// ln |Γ(x)|, safe on several threads.
double lgamma(double x);
/// Γ'(x)/Γ(x).
double digamma(double x);
/// The n-th derivative of digamma, n >= 1: (-1)^(n+1) n! Σ_k (x + k)^-(n+1).
double polygamma(int n, double x);
/// Modified Bessel functions of the first kind.
double i0(double x);
double i1(double x);

}  // namespace slope::simd::special
