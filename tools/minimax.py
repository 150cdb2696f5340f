#!/usr/bin/env python3
"""Fits the polynomials of autograd/kernels/lanes-math*.h (needs python3-mpmath; not part of the build).

Finds c minimizing max |w(x) * (sum c_i x^(i*step) - g(x))| on [a, b] by Remez exchange, rounding the coefficients to the working
precision one after the other, lowest first, and refitting the rest after each.

    minimax.py exp          prints the coefficients used for exp and the error that remains
"""
import struct
import sys

from mpmath import cos, cosh, erf, erfc, exp, expm1, inf, log, log1p, lu_solve, matrix, mp, mpf, pi, sqrt, tanh

mp.prec = 200


def to_float(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def to_double(x):
    return mpf(float(x))


def remez(g, w, a, b, powers, grid=3000, rounds=40):
    """Coefficients for the given powers and the weighted error reached."""
    n = len(powers)
    a, b = mpf(a), mpf(b)
    nodes = [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * (n + 1))) for i in range(n + 1)]
    xs = [(a + b) / 2 - (b - a) / 2 * cos(pi * (i + mpf(0.5)) / grid) for i in range(grid)]
    gx = [g(x) for x in xs]
    wx = [abs(w(x)) or mpf(2) ** -100 for x in xs]
    coefficients, reached = None, inf
    for _ in range(rounds):
        rows = [[x**p for p in powers] + [(-1) ** i / (abs(w(x)) or mpf(2) ** -100)] for i, x in enumerate(nodes)]
        solution = lu_solve(matrix(rows), matrix([g(x) for x in nodes]))
        c = [solution[i] for i in range(n)]
        level = abs(solution[n])
        errors = [wx[i] * (sum(ck * x**p for ck, p in zip(c, powers)) - gx[i]) for i, x in enumerate(xs)]
        # Alternating extrema: the largest of each run of equal sign.
        extrema, best = [], 0
        for i in range(grid):
            if i and (errors[i] > 0) != (errors[i - 1] > 0):
                extrema.append(best)
                best = i
            if abs(errors[i]) > abs(errors[best]):
                best = i
        extrema.append(best)
        while len(extrema) > n + 1:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        worst = max(abs(e) for e in errors)
        if worst < reached:
            coefficients, reached = c, worst
        if len(extrema) < n + 1 or worst < level * mpf(1.0001):
            break
        nodes = [xs[i] for i in extrema]
    return coefficients, reached


def fit(g, w, a, b, powers, rounding, fixed=()):
    """Rounded coefficients, the first len(fixed) of them given, and the error that remains."""
    done = list(fixed)
    while len(done) < len(powers):
        k = len(done)
        known = list(zip(done, powers[:k]))
        c, _ = remez(lambda x: g(x) - sum(d * x**p for d, p in known), w, a, b, powers[k:])
        done.append(rounding(c[0]))
    xs = [mpf(a) + (mpf(b) - mpf(a)) * i / 20000 for i in range(20001)]
    error = max(abs(w(x) * (sum(d * x**p for d, p in zip(done, powers)) - g(x))) for x in xs)
    return done, error


def erf_slope(z):
    """erf(x) / x - 1 as a function of z = x^2"""
    x = sqrt(abs(z))
    return (erf(x) / x if x else 2 / sqrt(pi)) - 1


def atanh_tail(z):
    """(log((1 + s) / (1 - s)) - 2 s) / s^3 as a function of z = s^2"""
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) - 2 * s) / (s * z) if s > mpf(2) ** -40 else mpf(2) / 3 + 2 * z / 5


def log1p_tail(x):
    """(log(1 + x) - x) / x^2"""
    if abs(x) < mpf(2) ** -60:
        return mpf(-1) / 2 + x / 3
    return (log1p(x) - x) / (x * x)


def expm1_tail(x):
    """(exp(x) - 1 - x) / x^2"""
    if abs(x) < mpf(2) ** -60:
        return mpf(1) / 2 + x / 6
    return (expm1(x) - x) / (x * x)


def log_complement_tail(v):
    """-(log(1 - v) + v) / v^2"""
    return -(log1p(-v) + v) / (v * v) if v > mpf(2) ** -40 else mpf(1) / 2 + v / 3


def log_cosh_slope(z):
    """log(cosh(x)) / x^2 as a function of z = x^2"""
    return log(cosh(sqrt(z))) / z if z > mpf(2) ** -40 else mpf(1) / 2 - z / 12


def tanh_tail(z):
    """(tanh(x) / x - 1) / x^2 as a function of z = x^2"""
    return (tanh(sqrt(z)) / sqrt(z) - 1) / z if z > mpf(2) ** -40 else -mpf(1) / 3


LN2 = log(mpf(2))
SEVENTH = exp(mpf(-2)) * mpf(1.001)  # e^-2a for a >= 1
JOBS = {
    # exp(r) on |r| <= ln2/2, relative
    "exp": lambda: fit(exp, lambda x: 1 / exp(x), -LN2 / 2 * 1.01, LN2 / 2 * 1.01, range(7), to_float, [mpf(1), mpf(1)]),
    "exp_f64": lambda: fit(exp, lambda x: 1 / exp(x), -LN2 / 2 * 1.0001, LN2 / 2 * 1.0001, range(13), to_double, [mpf(1), mpf(1), mpf(0.5)]),
    # expm1(r) = r + r^2 q(r), relative to expm1
    "expm1": lambda: fit(expm1_tail, lambda x: x * x / expm1(x) if x else mpf(0), -0.61, 0.612, range(7), to_float, [mpf(0.5)]),
    # log(1 + f) = f + f^2 p(f), relative to log1p
    "log": lambda: fit(log1p_tail, lambda x: x * x / log1p(x) if x else mpf(0), -0.2501, 0.5, range(9), to_float, [mpf(-0.5)]),
    # log(1 - v) = -v - v^2 p(v) on [0, 1/2], relative
    "log_pair": lambda: fit(log_complement_tail, lambda v: v * v / abs(log1p(-v)) if v > mpf(2) ** -40 else v, 0, 0.5, range(9), to_float, [mpf(0.5)]),
    # log(cosh(x)) = z p(z), z = x^2, on |x| <= 1, relative
    "log_cosh_near": lambda: fit(log_cosh_slope, lambda z: 2, 0, 1, range(7), to_float, [mpf(0.5)]),
    # log(1 + e) = e p(e) for e = e^-2a, relative to log(cosh(1))
    "log_cosh_far": lambda: fit(lambda e: log1p(e) / e if e > mpf(2) ** -40 else 1 - e / 2, lambda e: e / mpf(0.43), 0, SEVENTH, range(5), to_float, [mpf(1)]),
    # tanh(x) = x + x z p(z), z = x^2, on |x| <= 1, relative
    "tanh_near": lambda: fit(tanh_tail, lambda z: z, 0, 1, range(7), to_float),
    # tanh(a) = 1 + e p(e) for e = e^-2a, relative to tanh(1)
    "tanh_far": lambda: fit(lambda e: -2 / (1 + e), lambda e: e / mpf(0.76), 0, SEVENTH, range(5), to_float, [mpf(-2)]),
    # log((1 + s) / (1 - s)) = 2 s + s z p(z), z = s^2, relative to 2 s
    "log_f64": lambda: fit(atanh_tail, lambda z: z / 2 or mpf(2) ** -60, 0, 0.0401, range(8), to_double),
    # erf(x) = x + x p(x^2) on |x| <= 0.9, relative to erf
    "erf_small": lambda: fit(erf_slope, lambda z: 1 / (1 + erf_slope(z)), 0, 0.8101, range(7), to_float),
    # erf(x) = 1 - exp(w(x)) on [0.9, 4], relative to erf
    "erf_large": lambda: fit(lambda x: log(erfc(x)), lambda x: erfc(x) / erf(x), 0.9, 4, range(7), to_float),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or JOBS:
        coefficients, error = JOBS[name]()
        print(name, "error", mp.nstr(error, 4), "= 2^" + mp.nstr(log(error) / LN2, 5))
        for c in coefficients:
            print("    ", float(c).hex(), repr(float(c)))
