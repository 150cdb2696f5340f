"""Losses of rows for loss_edges.py: classes, labels, vectors and samples. Each function gives the value of one row and its partials."""

import math

from mpmath import mp, mpf

from loss_edges_numbers import (INF, NAN, UNSPECIFIED, ZERO, Either, div, exp, lift, log, maximum, power, product, scaled, sigmoid, sign,
                                softplus)
from loss_edges_pointwise import E32


# The smallest float64 with all its digits.
SMALLEST = mpf(2) ** -1022


def zeros(row):
    return [ZERO] * len(row)


def weigh(w, v):
    """w·v, and exactly 0 where the weight is 0."""
    return mpf(0) if w == 0 else w * v


# ---- classes


def nll(o, x, target, weight=None):
    if target == o.get("ignore_index", -100):
        return mpf(0), {"input": zeros(x)}
    w = mpf(1) if weight is None else weight[target]
    if w == 0:
        return mpf(0), {"input": zeros(x)}
    return -w * x[target], {"input": [-w if j == target else ZERO for j in range(len(x))]}


def log_softmax(x):
    largest = -INF
    for v in x:
        largest = maximum(largest, v)
    if not mp.isfinite(largest):
        return [NAN] * len(x)  # x - largest is NaN for the infinity itself, and the sum with it
    s = log(sum(exp(v - largest) for v in x))
    return [v - largest - s for v in x]


def cross_entropy_terms(x, lp, q):
    q_sum = sum(q)
    if q_sum == 0 and mp.isnan(lp[0]):
        return [Either([NAN, mpf(0)])] * len(x)
    return [exp(l) * q_sum - v for l, v in zip(lp, q)]


def cross_entropy(o, x, target, weight=None):
    if target == o.get("ignore_index", -100):
        return mpf(0), {"input": zeros(x)}
    classes, smoothing = len(x), mpf(o.get("label_smoothing", 0.0))
    w = [mpf(1)] * classes if weight is None else weight
    if all(v == 0 for v in w) or (smoothing == 0 and w[target] == 0):
        return mpf(0), {"input": zeros(x)}
    lp = log_softmax(x)
    l = -weigh((1 - smoothing) * w[target], lp[target])
    q = [(1 - smoothing) * w[target] if j == target else mpf(0) for j in range(classes)]
    if smoothing == 0:
        return l, {"input": [w[target] * (exp(v) - (j == target)) for j, v in enumerate(lp)]}
    l -= smoothing / classes * sum(weigh(a, b) for a, b in zip(w, lp))
    q = [a + smoothing * b / classes for a, b in zip(q, w)]
    return l, {"input": cross_entropy_terms(x, lp, q)}


def cross_entropy_probabilities(o, x, target, weight=None):
    classes, smoothing = len(x), mpf(o.get("label_smoothing", 0.0))
    w = [mpf(1)] * classes if weight is None else weight
    lp = log_softmax(x)
    q = [weigh(a, t * (1 - smoothing) + smoothing / classes) for a, t in zip(w, target)]
    if weight is not None and all(v == 0 for v in q):
        return mpf(0), {"input": zeros(x), "target": zeros(x)}
    l = -sum(mpf(0) if w[j] == 0 else a * b for j, (a, b) in enumerate(zip(q, lp)))
    return l, {"input": cross_entropy_terms(x, lp, q), "target": [weigh(a, -(1 - smoothing) * b) for a, b in zip(w, lp)]}


def class_divisor(o, rows):
    """Σ w_c over what is not ignored."""
    total_weight = mpf(0)
    for row in rows:
        if row["target"] != o.get("ignore_index", -100):
            total_weight += row["weight"][row["target"]] if "weight" in row else 1
    return total_weight


def sce(o, x, target):
    """α·ce + β·rce, of rce = -A·(1 - p_c) with A for ln 0."""
    if target == o.get("ignore_index", -100):
        return mpf(0), {"input": zeros(x)}
    alpha, beta, a = (mpf(o.get(k, v)) for k, v in (("alpha", 0.1), ("beta", 1.0), ("log_zero", -4.0)))
    lp = log_softmax(x)
    p = [exp(v) for v in lp]
    others = sum((v for j, v in enumerate(p) if j != target), mpf(0))
    d = [v - (j == target) for j, v in enumerate(p)]
    return -alpha * lp[target] - beta * a * others, {"input": [(alpha - beta * a * p[target]) * v for v in d]}


def hinges(terms, factor, p, size, fmt):
    """factor·Σ z^p over z > 0, and its partials, for terms (z, i, j) with z = m - x_i + x_j. Comparisons drop NaN; that a NaN comes
    through is as good. The sum may overflow before the factor makes it smaller."""
    l, whole, d, unknown = mpf(0), mpf(0), [mpf(0)] * size, False
    for z, i, j in terms:
        unknown |= bool(mp.isnan(z))
        if z > 0:
            l += factor * z if p == 1 else factor * z * z
            whole += z if p == 1 else z * z
            h = factor * (1 if p == 1 else 2 * z)
            d[i] -= h
            d[j] += h
    if unknown:
        return Either([NAN, l]), [UNSPECIFIED] * size
    if factor == 0 and abs(whole) > fmt.max:
        return Either([l, NAN]), d
    return product(factor, whole, fmt) if mp.isfinite(whole) and mp.isfinite(factor) else l, d


def multi_margin(o, fmt, x, target, weight=None):
    margin, p, c = mpf(o.get("margin", 1.0)), o.get("p", 1), len(x)
    w = mpf(1) if weight is None else weight[target]
    if w == 0:
        return mpf(0), {"input": zeros(x)}
    l, d = hinges([(margin - x[target] + x[j], target, j) for j in range(c) if j != target], w / c, p, c, fmt)
    return l, {"input": d}


def multilabel_margin(o, fmt, x, target):
    prefix = target[: target.index(-1)] if -1 in target else target
    others = [b for b in range(len(x)) if b not in prefix]
    l, d = hinges([(1 - x[a] + x[b], a, b) for a in prefix for b in others], mpf(1) / len(x), 1, len(x), fmt)
    return l, {"input": d}


multi_margin.needs_format = multilabel_margin.needs_format = True


def multilabel_soft_margin(o, fmt, x, target, weight=None):
    c = len(x)

    def share(v):
        return product(mpf(1) / c, v, fmt)

    w = [mpf(1)] * c if weight is None else weight
    e, dx, dt = [], [], []
    for v, t, k in zip(x, target, w):
        if mp.isinf(t) or (mp.isinf(v) and t != (0 if v > 0 else 1)):
            e.append(UNSPECIFIED)
            dx.append(UNSPECIFIED)
        elif mp.isinf(v):
            e.append(INF)
            dx.append(share(k * sign(v)))
        else:
            e.append(t * softplus(-v) + (1 - t) * softplus(v))
            dx.append(share(k * ((1 - t) * sigmoid(v) - t * sigmoid(-v))))
        dt.append(share(-k * v))
    # Terms, and their sum, are formed before they are divided by C.
    l = lift(lambda *terms: sum(terms), *[lift(lambda v, k=k: share(k * v), v) for v, k in zip(e, w)])
    e = [lift(share, v) for v in e]
    return l, {"input": dx, "target": dt, "weight": e}


multilabel_soft_margin.needs_format = True
multilabel_soft_margin.terms = 7  # at most: they may be added up before any is divided


# ---- vectors


def minus(a, b):
    """a - b, unspecified where that cancels."""
    return UNSPECIFIED if a * b > 0 and abs(a - b) < (abs(a) + abs(b)) / 20 else a - b


def cosine_embedding(o, a, b, target):
    margin = mpf(o.get("margin", 0.0))
    if target not in (1, -1):
        return mpf(0), {"input1": zeros(a), "input2": zeros(b)}
    c, da, db = NAN, [NAN] * len(a), [NAN] * len(b)
    if all(mp.isfinite(v) for v in a + b):
        aa, bb, ab = sum(v * v for v in a) + E32, sum(v * v for v in b) + E32, sum(v * w for v, w in zip(a, b))
        r = mp.sqrt(aa * bb)
        c = ab / r
        da, db = [minus(w / r, c * v / aa) for v, w in zip(a, b)], [minus(v / r, c * w / bb) for v, w in zip(a, b)]
    if target == 1:
        return 1 - c, {"input1": [lift(lambda v: -v, v) for v in da], "input2": [lift(lambda v: -v, v) for v in db]}
    if mp.isnan(c):
        return c, {"input1": [Either([NAN, mpf(0)])] * len(a), "input2": [Either([NAN, mpf(0)])] * len(b)}
    if c < margin:
        return mpf(0), {"input1": zeros(a), "input2": zeros(b)}
    return c - margin, {"input1": da, "input2": db}


def cosine_similarity(o, a, b):
    eps = mpf(o.get("eps", 1e-8))
    if not all(mp.isfinite(v) for v in a + b):
        return NAN, {"x1": [NAN] * len(a), "x2": [NAN] * len(b)}
    if any(0 < abs(v * w) < SMALLEST for v, w in zip(a, b)):
        return UNSPECIFIED, {"x1": [UNSPECIFIED] * len(a), "x2": [UNSPECIFIED] * len(b)}  # products that no dtype holds
    ra, rb = mp.sqrt(sum(v * v for v in a)), mp.sqrt(sum(v * v for v in b))
    na, nb = max(ra, eps), max(rb, eps)
    s = sum(v * w for v, w in zip(a, b)) / (na * nb)
    da = [minus(w / (na * nb), s * v / (na * ra) if ra > 0 and ra >= eps else 0) for v, w in zip(a, b)]
    db = [minus(v / (na * nb), s * w / (nb * rb) if rb > 0 and rb >= eps else 0) for v, w in zip(a, b)]
    return s, {"x1": da, "x2": db}


def distance(o, a, b):
    """‖a - b + eps‖_p and its partials by a."""
    p, eps = o.get("p", 2.0), mpf(o.get("eps", 1e-6))
    p = math.inf if p == "inf" else p
    u = [v - w + eps for v, w in zip(a, b)]
    if p == 0:
        return (UNSPECIFIED if any(mp.isnan(v) for v in u) else mpf(sum(v != 0 for v in u))), zeros(u)
    if p == 1:
        return sum(abs(v) for v in u), [sign(v) for v in u]
    if any(mp.isnan(v) for v in u):
        return NAN, [Either([NAN, mpf(0)]) if p == math.inf else NAN] * len(u)
    if p == math.inf:
        d = max(abs(v) for v in u)
        ties = sum(abs(v) == d for v in u)
        return d, [sign(v) / ties if abs(v) == d else mpf(0) for v in u]
    s = sum(abs(v) if mp.isinf(v) else power(abs(v), mpf(p)) for v in u)
    if s == INF:
        return INF, [NAN if mp.isinf(v) else mpf(0) for v in u]
    d = mp.sqrt(s) if p == 2 else power(s, 1 / mpf(p))
    if 0 < d < SMALLEST:
        return d, [UNSPECIFIED] * len(u)  # a distance of one or two digits
    return d, [sign(v) * power(abs(v), mpf(p) - 1) / power(d, mpf(p) - 1) if v != 0 else mpf(0) for v in u]


def pairwise_distance(o, a, b):
    d, partials = distance(o, a, b)
    return d, {"x1": partials, "x2": [lift(lambda v: -v, v) for v in partials]}


def forgiving(partials):
    """An infinite entry of an infinite distance has the slope inf/inf, which a difference of distances may take for 0."""
    return [Either([v, mpf(0)]) if isinstance(v, type(NAN)) and mp.isnan(v) else v for v in partials]


def triplet_margin(o, anchor, positive, negative):
    margin = mpf(o.get("margin", 1.0))
    ap, d_ap = distance(o, anchor, positive)
    an, d_an = distance(o, anchor, negative)
    names = ("anchor", "positive", "negative")
    unknown = {name: [UNSPECIFIED] * len(anchor) for name in names}
    d_ap, d_an = forgiving(d_ap), forgiving(d_an)
    first = {"anchor": d_ap, "positive": [lift(lambda v: -v, v) for v in d_ap]}
    second = {"anchor": d_an, "negative": [lift(lambda v: -v, v) for v in d_an]}
    if o.get("swap", False):
        pn, d_pn = distance(o, positive, negative)
        d_pn = forgiving(d_pn)
        if mp.isnan(an) or mp.isnan(pn) or an == pn:
            return UNSPECIFIED, unknown
        if pn < an:
            an, second = pn, {"positive": d_pn, "negative": [lift(lambda v: -v, v) for v in d_pn]}
    u = margin + ap - an
    if mp.isnan(u):
        return NAN, unknown
    if mp.isfinite(u) and abs(u) < (ap + an) / 1000:
        return UNSPECIFIED, unknown  # the difference of two roundings
    if u < 0:
        return mpf(0), {name: zeros(anchor) for name in names}
    partials = {}
    for name in names:
        plus, minus = first.get(name, zeros(anchor)), second.get(name, zeros(anchor))
        partials[name] = [lift(lambda v, w: v - w, v, w) for v, w in zip(plus, minus)]
    return u, partials


# ---- samples


def ratio(top, bottom, d_top, d_bottom):
    """top/bottom and its partials, those that cancel left out."""
    if not (mp.isfinite(top) and mp.isfinite(bottom)):
        return NAN, [NAN] * len(d_top)
    r = top / bottom
    d = []
    for a, b in zip(d_top, d_bottom):
        v = (a - r * b) / bottom
        d.append(UNSPECIFIED if abs(a - r * b) < (abs(a) + abs(r * b)) / 1000 else v)
    return r, d


def dice(o, p, t):
    s = mpf(o.get("smooth", 1.0))
    r, d = ratio(2 * sum(a * b for a, b in zip(p, t)) + s, sum(p) + sum(t) + s, [2 * v for v in t], [mpf(1)] * len(t))
    return 1 - r, {"input": [lift(lambda v: -v, v) for v in d]}


def tversky(o, p, t):
    alpha, beta, s, gamma = (mpf(o.get(k, v)) for k, v in (("alpha", 0.5), ("beta", 0.5), ("smooth", 1.0), ("gamma", 1.0)))
    tp, fp, fn = sum(a * b for a, b in zip(p, t)), sum(a * (1 - b) for a, b in zip(p, t)), sum((1 - a) * b for a, b in zip(p, t))
    r, d = ratio(tp + s, tp + alpha * fp + beta * fn + s, list(t), [v + alpha * (1 - v) - beta * v for v in t])
    l = 1 - r
    return power(l, gamma), {"input": [lift(lambda v: -gamma * power(l, gamma - 1) * v, v) for v in d]}


def self_minus(l, mean, divisor, overflow):
    if overflow or not mp.isfinite(divisor) or (mp.isfinite(l) and abs(l - mean) < (abs(l) + abs(mean)) / 1000):
        return UNSPECIFIED
    return (l - mean) / divisor


def weighted_mean(loss):
    """Σ w·l / Σ w, the mean of L1 and MSE with a weight."""

    def function(o, fmt, x, t, weight):
        each = [loss(o, fmt, a, b) for a, b in zip(x, t)]
        w_sum = sum(weight)
        products = [w * l for w, (l, _) in zip(weight, each)]
        mean = div(sum(products), w_sum)
        overflow = any(mp.isfinite(v) and abs(v) > fmt.max for v in products + [sum(products)] + [l for l, _ in each])
        partials = {"weight": [self_minus(l, mean, w_sum, overflow) for l, _ in each]}
        for k, name in enumerate(("input", "target")):
            partials[name] = [scaled(w * d[k], div(1, w_sum), fmt) if mp.isfinite(w_sum) else UNSPECIFIED
                              for w, (_, d) in zip(weight, each)]
        return Either([mean, INF * sign(mean)]) if overflow and mp.isfinite(mean) else mean, partials

    function.needs_format = True
    return function
