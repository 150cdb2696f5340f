"""Numbers for loss_edges.py: extended reals of 800 digits, and how they are rounded to a dtype.

800 digits, not 50, so that 50 are right after any cancellation: the smallest float64 added to 1 is kept (324 digits), and so is
the square of what is left of it. Infinities and NaN follow IEEE 754: inf - inf, 0·inf, inf/inf are NaN. Zeros have no sign.
"""

import functools
import json
import math

from mpmath import mp, mpf

mp.dps = 800
INF, NAN = mpf("inf"), mpf("nan")
# What does not depend on an input at all: exactly 0 whatever it is multiplied with.
ZERO = mpf(0)


class Unspecified:
    """What the specification does not say, or says it does not test."""

    def __repr__(self):
        return "UNSPECIFIED"


UNSPECIFIED = Unspecified()


class Either(tuple):
    """Several results that are all acceptable."""


class Refused(Exception):
    """The call must throw; the text is part of the message."""


class Format:
    def __init__(self, name, digits, smallest, value, grad):
        self.name, self.digits, self.smallest = name, digits, smallest
        self.max = math.ldexp(2.0 - math.ldexp(1.0, 1 - digits), 127 if digits == 24 else 1023)
        self.denormal = math.ldexp(1.0, smallest)
        self.value_tolerance, self.grad_tolerance = value, grad

    def rounded(self, x):
        """The nearest number of the format, ties to even, as a float; infinite beyond the largest."""
        x = mpf(x)
        if mp.isnan(x) or mp.isinf(x):
            return float(x)
        sign, man, exp, bits = x._mpf_
        unit = max(exp + bits - self.digits, self.smallest)
        if exp < unit:
            quotient, rest = divmod(man, 1 << (unit - exp))
            half = 1 << (unit - exp - 1)
            man = quotient + (rest > half or (rest == half and quotient & 1))
            exp = unit
        try:
            result = math.ldexp(man, exp) if man < 1 << 60 else float(man) * math.ldexp(1.0, exp)
        except OverflowError:
            result = math.inf
        if result > self.max:
            result = math.inf
        return -result if sign else result

    def text(self, v):
        """The shortest decimal that reads back as the same number, for JSON."""
        if v is None or isinstance(v, Unspecified):
            return None
        if math.isnan(v):
            return "nan"
        if math.isinf(v):
            return "inf" if v > 0 else "-inf"
        if self.digits == 53:
            return v
        for digits in range(1, 10):
            short = float(f"{v:.{digits}g}")
            if self.rounded(short) == v:
                return short
        raise ValueError(v)

    def shortened(self, v):
        """A result to 15 digits, 1/20 of the tolerance of float64: the file is large enough."""
        short = float(f"{v:.15g}")
        return v if self.digits != 53 or math.isinf(short) else short

    def specials(self, few=False):
        sizes = [1e30, self.max, math.inf] if few else [0.0, self.denormal, 1e-30, 1.0, 1e30, self.max, math.inf]
        return [s * self.rounded(v) for v in sizes for s in (1, -1)] + [self.denormal] * few + [math.nan]


FLOAT32 = Format("float32", 24, -149, 1e-6, 3e-6)
FLOAT64 = Format("float64", 53, -1074, 1e-14, 1e-13)


def candidates(x):
    return list(x) if isinstance(x, Either) else [x]


def lift(function, *arguments):
    """function over arguments of which some may be several acceptable results, or unspecified."""
    if any(a is UNSPECIFIED for a in arguments):
        return UNSPECIFIED
    results = [[]]
    for a in arguments:
        results = [r + [c] for r in results for c in candidates(a)]
    return flat([function(*r) for r in results])


def product(factor, x, fmt):
    """factor·x. Where x alone exceeds the format, infinity is as good as a finite product: an element, or a partial derivative, is
    formed in the dtype of its inputs before it is scaled."""
    exact = factor * x
    if mp.isfinite(x) and abs(x) > fmt.max and exact != 0 and math.isfinite(fmt.rounded(exact)):
        return Either([exact, INF * mp.sign(exact)])
    return exact


def scaled(local, factor, fmt):
    """A local derivative times what comes in; 0 coming in stays 0."""
    if factor == 0 or local is ZERO:
        return ZERO
    if local is UNSPECIFIED:
        return UNSPECIFIED
    return flat([product(factor, x, fmt) for x in candidates(local)])


def subtract(a, b, fmt):
    """a - b as the dtype holds it: losses of differences form it first, and it may be infinite."""
    return mpf(fmt.rounded(a - b))


def readings(fmt, first, second):
    """Both, where they differ by more than rounding."""
    if mp.isfinite(first) and mp.isfinite(second) and abs(first - second) > abs(second) * mpf(fmt.value_tolerance) / 10:
        return Either([first, second])
    return second


def flat(results):
    every = [c for r in results for c in candidates(r)]
    return every[0] if len(every) == 1 else Either(every)


def rounded(x, fmt):
    """To what stands in the file: a number, None for unspecified, a list for several."""
    if x is UNSPECIFIED:
        return None
    every = []
    for c in candidates(x):
        t = fmt.text(fmt.shortened(fmt.rounded(c)))
        if t not in every:
            every.append(t)
    return every[0] if len(every) == 1 else every


def total(values, divisor, fmt, terms=1):
    """Σ values / divisor; unspecified where it cancels, for a test of edges is no test of cancellation. Values may be formed `terms`
    times as large as they are."""

    def one(*v):
        if all(mp.isfinite(x) for x in v):
            size, result = sum(abs(x) for x in v), abs(sum(v))
            if size > 30 * result and size > 0:
                return UNSPECIFIED
        s = mpf(0)
        overflows = False
        for x in v:
            s += x
            overflows |= mp.isfinite(x) and (abs(x) * terms > fmt.max or abs(s) * terms > fmt.max)
        exact = div(s, divisor)
        if overflows and mp.isfinite(exact) and math.isfinite(fmt.rounded(exact)):
            return Either([exact, INF * mp.sign(exact)])
        return exact

    if any(v is UNSPECIFIED for v in values):
        return UNSPECIFIED
    result = lift(one, *values)
    if any(c is UNSPECIFIED for c in candidates(result)):
        return UNSPECIFIED
    return flat(candidates(result))


# ---- functions of extended reals


@functools.lru_cache(maxsize=100000)
def _exp(x):
    return mp.exp(x)


@functools.lru_cache(maxsize=100000)
def _log(x):
    return mp.log(x)


def exp(x):
    # e^±100000 is beyond every product formed with it, and does not take a number of 10^308 bits.
    if mp.isfinite(x):
        x = min(max(x, mpf(-100000)), mpf(100000))
    return _exp(x)


def log(x):
    if mp.isnan(x) or x < 0:
        return NAN
    return _log(x)


def div(a, b):
    a, b = mpf(a), mpf(b)
    if b != 0:
        return a / b
    return NAN if a == 0 or mp.isnan(a) else INF * mp.sign(a)


def power(x, p):
    if p == 0:
        return mpf(1)
    if p == 1:
        return x
    if mp.isnan(x) or (x < 0 and p != int(p)):
        return NAN
    if x == 0:
        return mpf(0) if p > 0 else INF
    if mp.isinf(x):
        odd = x < 0 and int(p) % 2 == 1
        return mpf(0) if p < 0 else (-INF if odd else INF)
    return x ** int(p) if p == int(p) else mp.exp(p * _log(x))


def softplus(x):
    if mp.isnan(x):
        return NAN
    return max(x, mpf(0)) + _log(1 + exp(-abs(x)))


def sigmoid(x):
    if mp.isnan(x):
        return NAN
    e = exp(-abs(x))
    return (e if x < 0 else 1) / (1 + e)


def logsigmoid(x):
    return -softplus(-x)


def sign(x):
    return x if mp.isnan(x) else mpf((x > 0) - (x < 0))


def maximum(a, b):
    return NAN if mp.isnan(a) or mp.isnan(b) else max(a, b)


def clamp_min_0(x):
    return maximum(x, mpf(0))


def tanh(x):
    if mp.isnan(x):
        return NAN
    e = exp(-2 * abs(x))
    return sign(x) * (1 - e) / (1 + e)


def dump(line):
    return json.dumps(line, separators=(",", ":"), allow_nan=False)
