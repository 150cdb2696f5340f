"""Elementwise losses for loss_edges.py: value and stated partial derivatives of one element, as written in the specification.

Each function takes the options and the element of every argument, and returns the value and the partials by the arguments in `wrt`.
What an infinity or a NaN gives follows from the formula, a branch being chosen and not multiplied by 0. Declared exceptions stand
where they are made:
  UNSPECIFIED    the specification says nothing, or that it does not test this
  Either([...])  several readings of one formula
"""

from mpmath import mp, mpf

from loss_edges_numbers import (FLOAT32, INF, NAN, UNSPECIFIED, ZERO, Either, Refused, clamp_min_0, div, exp, lift, log, logsigmoid,
                                maximum, power, product, readings, sigmoid, sign, softplus, subtract, tanh)


def l1(o, fmt, x, t):
    d = x - t
    return abs(d), [sign(d), -sign(d)]


def mse(o, fmt, x, t):
    d = x - t
    return d * d, [2 * d, -2 * d]


def smooth_l1(o, fmt, x, t):
    beta = mpf(o.get("beta", 1.0))
    if beta == 0:
        return l1(o, fmt, x, t)
    d = x - t
    near = abs(d) < beta
    l = d * d / (2 * beta) if near else abs(d) - beta / 2
    g = d / beta if near else sign(d)
    return l, [g, -g]


def huber(o, fmt, x, t):
    delta = mpf(o.get("delta", 1.0))
    d = x - t
    l = d * d / 2 if abs(d) < delta else product(delta, abs(d) - delta / 2, fmt)
    g = d if mp.isnan(d) else min(max(d, -delta), delta)
    return l, [g, -g]


def weighted(loss):
    """w·l, differentiable by w. (The means of L1 and MSE divide by Σw and stand in loss_edges_rows.py.)"""

    def function(o, fmt, x, t, w):
        l, partials = loss(o, fmt, x, t)
        return lift(lambda v: product(w, v, fmt), l), [product(w, p, fmt) for p in partials] + [l]

    return function


def poisson(o, fmt, x, t):
    eps, full = mpf(o.get("eps", 1e-8)), o.get("full", False)
    if o.get("log_input", True):
        l, dx, dt = exp(x) - t * x, exp(x) - t, -x
        if mp.isfinite(x) and mp.isinf(mpf(fmt.rounded(exp(x)))) and (mp.isinf(t) or abs(t * x) > fmt.max):
            l = UNSPECIFIED  # eˣ - t·x with both beyond the range
    else:
        # eps is added in the dtype of the input, as the formula says; a reading that keeps it apart is as good.
        logs = readings(fmt, log(mpf(fmt.rounded(x + mpf(fmt.rounded(eps))))), log(x + eps))
        l = lift(lambda s: x - t * s, logs)
        dx = 1 - div(t, x + eps)
        dt = lift(lambda s: -s, logs)
    if full:
        if t > 1:
            stirling = t * log(t) - t + log(2 * mp.pi * t) / 2
            l = UNSPECIFIED if mp.isinf(t) else lift(lambda v: v + stirling, l)
            dt = lift(lambda v: v + log(t) + 1 / (2 * t), dt)
        elif mp.isnan(t):
            dt = UNSPECIFIED
    return l, [dx, dt]


def gaussian(o, fmt, x, t, var):
    if var < 0:
        raise Refused("var has negative entry/entries")
    v = maximum(var, mpf(o.get("eps", 1e-6)))
    d = x - t
    s = div(d, v)
    squares = d * s if mp.isfinite(d) else div(d * d, v)
    l = (log(v) + squares) / 2
    if o.get("full", False):
        l += log(2 * mp.pi) / 2
    dvar = (div(1, v) - s * s) / 2
    if mp.isinf(v) and mp.isinf(d):
        dvar = UNSPECIFIED
    return l, [s, -s, dvar]


def log_cosh(o, fmt, x, t):
    d = x - t
    a = abs(d)
    return a + softplus(-2 * a) - log(mpf(2)), [tanh(d), -tanh(d)]


def charbonnier(o, fmt, x, t):
    d, eps = x - t, mpf(o.get("eps", 1e-3))
    l = mp.sqrt(d * d + eps * eps)
    g = Either([sign(d), NAN]) if mp.isinf(d) else d / l  # the limit, or inf/inf
    return l, [g, lift(lambda v: -v, g)]


def msle(o, fmt, x, t):
    a, b = log(1 + x), log(1 + t)
    d = a - b
    if mp.isfinite(d) and 0 < abs(d) < (abs(a) + abs(b)) / 20:
        return UNSPECIFIED, [UNSPECIFIED] * 2  # cancels
    # Of an infinite entry the limit, or inf/inf.
    dx, dt = (Either([NAN, mpf(0)]) if v == INF else div(2 * d, 1 + v) for v in (x, t))
    return d * d, [dx, lift(lambda v: -v, dt)]


def mape(o, fmt, x, t):
    """|x/t - 1| where |t| >= eps, which has the derivatives sign(x - t)/|t| and -sign(x - t)·x/(t·|t|)."""
    eps = mpf(fmt.rounded(o.get("eps", 1e-7)))
    d, scale = x - t, maximum(abs(t), eps)
    l = div(abs(d), scale)
    if mp.isfinite(d) and abs(d) > fmt.max:
        l = Either([l, INF])
    dx = div(sign(d), scale)
    if abs(t) < eps:
        dt = -dx
    else:
        dt = Either([NAN, mpf(0)]) if mp.isinf(t) else -dx * div(x, t)
    return l, [dx, dt]


def quantile(o, fmt, x, t):
    q = mpf(o.get("q", 0.5))
    u = t - x
    l = maximum(q * u, (q - 1) * u)
    if mp.isfinite(u) and abs(u) > fmt.max:
        l = Either([l, INF])
    g = Either([NAN, mpf(0)]) if mp.isnan(u) else -q if u > 0 else 1 - q if u < 0 else mpf(0)
    return l, [g, lift(lambda v: -v, g)]


E32 = mpf(FLOAT32.rounded(mpf("1e-12")))


def cross_entropy_of_probability(x, t):
    if not 0 <= x <= 1:
        raise Refused("all elements of input should be between 0 and 1")
    floor = mpf(-100)
    l = -(t * max(log(x), floor) + (1 - t) * max(log(1 - x), floor))
    dx = (x - t) / max(x * (1 - x), E32)
    dt = UNSPECIFIED if x in (0, 1) else log(1 - x) - log(x)
    return l, dx, dt


def bce(o, fmt, x, t):
    l, dx, dt = cross_entropy_of_probability(x, t)
    return l, [dx, dt]


def bce_weighted(o, fmt, x, t, w):
    l, dx, dt = cross_entropy_of_probability(x, t)
    return w * l, [w * dx, lift(lambda v: w * v, dt)]


def cross_entropy_of_logit(x, t):
    """(1-t)·x - logsigmoid(x), with σ(x) - t written so that its tails are seen."""
    if mp.isinf(x):
        if x > 0 and t == 0:
            return INF, mpf(1), -INF
        return (UNSPECIFIED,) * 3
    l = (1 - t) * x - logsigmoid(x)
    dx = sigmoid(x) - t
    return l, dx, -x


def bce_with_logits(o, fmt, x, t):
    l, dx, dt = cross_entropy_of_logit(x, t)
    return l, [dx, dt]


def bce_with_logits_weighted(o, fmt, x, t, w, p):
    if mp.isinf(x) or mp.isinf(t):
        return UNSPECIFIED, [UNSPECIFIED] * 2
    l = w * ((1 - t) * softplus(x) + p * t * softplus(-x))
    dx = w * ((1 - t) * sigmoid(x) - p * t * sigmoid(-x))
    return l, [dx, w * (p * softplus(-x) - softplus(x))]


def focal_value(gamma, alpha, m, t, ce):
    return (t * alpha + (1 - t) * (1 - alpha)) * power(m, gamma) * ce


def focal(o, fmt, x, t):
    gamma, alpha = mpf(o.get("gamma", 2.0)), mpf(o.get("alpha", 0.75))
    ce, ce_x, ce_t = cross_entropy_of_probability(x, t)
    if mp.isinf(t) or abs(ce) * 4 > fmt.max:
        return (UNSPECIFIED if mp.isinf(t) else focal_value(gamma, alpha, x * (1 - t) + (1 - x) * t, t, ce)), [UNSPECIFIED] * 2
    at = t * alpha + (1 - t) * (1 - alpha)
    m = x * (1 - t) + (1 - x) * t
    mg, slope = power(m, gamma), (gamma * power(m, gamma - 1) if gamma != 0 else mpf(0))
    dx = at * (mg * ce_x + slope * (1 - 2 * t) * ce)
    dt = lift(lambda c: (2 * alpha - 1) * mg * ce + at * (slope * (1 - 2 * x) * ce + mg * c), ce_t)
    return at * mg * ce, [dx, dt]


def sigmoid_focal(o, fmt, x, t):
    gamma, alpha = mpf(o.get("gamma", 2.0)), mpf(o.get("alpha", 0.25))
    if mp.isinf(x) or mp.isinf(t):
        return (INF if x == INF and t == 0 else UNSPECIFIED), [UNSPECIFIED] * 2
    if alpha < 0 and abs(t) > 1e15:
        return UNSPECIFIED, [UNSPECIFIED] * 2  # with t + (1-t) in front
    ce, ce_x, ce_t = cross_entropy_of_logit(x, t)
    p, n = sigmoid(x), sigmoid(-x)
    at, at_t = (t * alpha + (1 - t) * (1 - alpha), 2 * alpha - 1) if alpha >= 0 else (mpf(1), mpf(0))
    m = p * (1 - t) + n * t
    mg, slope = power(m, gamma), (gamma * power(m, gamma - 1) if gamma != 0 else mpf(0))
    dx = at * (mg * ce_x + slope * p * n * (1 - 2 * t) * ce)
    dt = at_t * mg * ce + at * (slope * (n - p) * ce + mg * ce_t)
    if abs(ce) * 8 > fmt.max:
        dt = UNSPECIFIED if abs(t) > 1 else Either([dt, INF * mp.sign(dt)])  # terms of dt are larger than their sum
        dx = UNSPECIFIED if abs(t) > 1 else dx
    return at * mg * ce, [dx, dt]


def soft_margin(o, fmt, x, t):
    z = -t * x
    dx = -t * sigmoid(z)
    if mp.isinf(t):
        dx = UNSPECIFIED
    return softplus(z), [dx]


def hinge_embedding(o, fmt, x, t):
    u = mpf(o.get("margin", 1.0)) - x
    l = (x if t != -1 else mpf(0)) + (clamp_min_0(u) if t != 1 else mpf(0))
    if x == -INF and abs(t) != 1:
        l = Either([l, mpf(o.get("margin", 1.0))])  # -inf + inf, or max(x, margin)
    return l, [mpf(t != -1) - mpf(t != 1 and u >= 0)]


def margin_ranking(o, fmt, x1, x2, t):
    d = subtract(x1, x2, fmt)
    u = -t * d + mpf(o.get("margin", 0.0))
    if mp.isnan(u):  # [u >= 0] does not hold, yet a NaN may well come through
        return u, [Either([NAN, mpf(0), v]) for v in (-t, t, -d)]
    u = mpf(fmt.rounded(u))
    return clamp_min_0(u), [v if u >= 0 else ZERO for v in (-t, t, -d)]


def kl_div(o, fmt, x, t):
    if o.get("log_target", False):
        if t == -INF:
            return UNSPECIFIED, [mpf(0), UNSPECIFIED]
        e = exp(t)
        return e * (t - x), [-e, e * (t - x + 1)]
    own = mpf(0) if t == 0 else t * log(t)
    l = own - t * x
    dt = UNSPECIFIED if t == 0 else log(t) + 1 - x
    return l, [-t, dt]




class Elementwise:
    """A loss with the ordinary entries it is mixed with (five per argument) and companions of a special value."""

    def __init__(self, name, function, arguments, tile, options=({},), wrt=None, reductions=("none", "mean", "sum"), pairs=(), tails=()):
        self.name, self.function, self.arguments, self.tile = name, function, arguments, tile
        self.options, self.reductions, self.pairs, self.tails = options, reductions, pairs, tails
        self.wrt = arguments if wrt is None else wrt


PREDICTION, TARGET = [0.75, -1.5, 2.25, -0.5, 1.25], [0.25, 0.5, -1.0, 1.5, -0.375]
WEIGHT = [1.0, 2.0, 0.5, 0.75, 1.5]
UNIT, PROBABILITY = [0.125, 0.75, 0.375, 0.9375, 0.25], [0.25, 0.375, 1.0, 0.0, 0.875]
LOGIT = [0.75, -1.5, 2.25, -3.0, 0.5]
# Where e^-|x| leaves the range of 1 + x, of float32, of float64.
LOGITS = [(s * x, t) for x in (20.0, 37.43, 88.0, 103.0, 700.0, 744.0) for s in (1, -1) for t in (0.0, 1.0, 0.25)]
SMALL = [(x, t) for x in (1e-3, 1e-7, 1e-10, 0.9999, 1e-18) for t in (0.0, 1.0)]
X_T = ["input", "target"]
# Of losses of x - t: both the same, and differences that are exactly the special value.
SAME = [(v, v) for v in ("denormal", 1e30, "max", "inf", "-inf", "nan")] + [("max", "-max"), ("inf", "-inf")]
ALONE = [(v, 0.0) for v in (0.0, "denormal", "-denormal", 1e-30, -1e-30, 1.0, -1.0, 1e30, -1e30, "max", "-max")]
DIFFERENCE = SAME + ALONE
DIFFERENCE_3 = [(*c, 1.5) for c in DIFFERENCE]

ELEMENTWISE = [
    Elementwise("l1_loss", l1, X_T, [PREDICTION, TARGET], pairs=DIFFERENCE),
    Elementwise("l1_loss", weighted(l1), X_T + ["weight"], [PREDICTION, TARGET, WEIGHT], reductions=("none", "sum"), pairs=DIFFERENCE_3),
    Elementwise("mse_loss", mse, X_T, [PREDICTION, TARGET], pairs=DIFFERENCE),
    Elementwise("mse_loss", weighted(mse), X_T + ["weight"], [PREDICTION, TARGET, WEIGHT], reductions=("none", "sum"), pairs=DIFFERENCE_3),
    Elementwise("smooth_l1_loss", smooth_l1, X_T, [PREDICTION, TARGET], [{}, {"beta": 0.0}, {"beta": 1e-30}, {"beta": 1e30}], pairs=DIFFERENCE),
    Elementwise("huber_loss", huber, X_T, [PREDICTION, TARGET], [{}, {"delta": 0.25}, {"delta": 1e30}], pairs=DIFFERENCE),
    Elementwise("huber_loss", weighted(huber), X_T + ["weight"], [PREDICTION, TARGET, WEIGHT], pairs=DIFFERENCE_3),
    Elementwise("poisson_nll_loss", poisson, X_T, [[0.75, -1.5, 2.25, -0.5, 1.25], [0.25, 0.5, 0.0, 3.0, 0.75]],
                [{}, {"full": True}], tails=[(88.0, 0.5), (89.0, 0.5), (709.0, 0.5), (710.0, 0.5), (-103.0, 0.0), (-744.0, 0.0)]),
    Elementwise("poisson_nll_loss", poisson, X_T, [[0.75, 0.5, 2.25, 0.125, 3.0], [0.25, 1.5, 0.0, 3.0, 0.875]],
                [{"log_input": False}, {"log_input": False, "full": True}], tails=[(0.0, 1.0), (0.0, 0.0)]),
    Elementwise("gaussian_nll_loss", gaussian, X_T + ["var"], [PREDICTION, TARGET, [2.0, 3.0, 2.5, 3.5, 1.75]], [{}, {"full": True}],
                pairs=[(1e30, 0.0, 1e30), (1e30, 1.0, "max"), ("max", 0.0, "max"), (0.5, 0.0, 0.0), ("inf", 0.0, "inf"), (1e30, 0.0, 1.0),
                       (1e-30, 0.0, 1e-30)]),
    Elementwise("log_cosh_loss", log_cosh, X_T, [PREDICTION, TARGET], pairs=DIFFERENCE,
                tails=[(x, 0.0) for x in (1e-3, -1e-5, 1e-8, 1e-15, 0.5, 1.0, 9.0, -20.0, 400.0, 1000.0)]),
    Elementwise("charbonnier_loss", charbonnier, X_T, [PREDICTION, TARGET], [{}, {"eps": 1e-30}, {"eps": 1e30}], pairs=DIFFERENCE,
                tails=[(x, 0.0) for x in (1e-3, -1e-5, 1e-8, 0.5, -9.0, 1e6, 1e7, 1e15)]),
    # Below -1 there is no logarithm; at -1 it is infinite.
    Elementwise("msle_loss", msle, X_T, [[0.75, 1.5, 2.25, -0.5, 0.125], [0.25, 0.5, 7.0, 1.5, -0.375]],
                pairs=DIFFERENCE + [(-1.0, -1.0), (1.0, -1.0)],
                tails=[(v, 0.0) for v in (-0.5, -0.999, -1 + 2.0 ** -20, -1.5, 1e-3, 1e-8, -1e-15, 1e7)]),
    Elementwise("mape_loss", mape, X_T, [PREDICTION, TARGET], [{}, {"eps": 0.4375}], pairs=DIFFERENCE + [(t, x) for x, t in ALONE],
                tails=[(0.5, 1e-7), (0.5, 1e-8), (0.5, -1e-6), (1e-3, 1e30), (1e30, 1e30), (1e30, -1e28), ("max", "max")]),
    Elementwise("quantile_loss", quantile, X_T, [PREDICTION, TARGET], [{}, {"q": 0.25}], pairs=DIFFERENCE),
    Elementwise("binary_cross_entropy", bce, X_T, [UNIT, PROBABILITY], tails=SMALL),
    Elementwise("binary_cross_entropy", bce_weighted, X_T + ["weight"], [UNIT, PROBABILITY, WEIGHT], wrt=X_T),
    Elementwise("binary_cross_entropy_with_logits", bce_with_logits, X_T, [LOGIT, PROBABILITY], tails=LOGITS),
    Elementwise("binary_cross_entropy_with_logits", bce_with_logits_weighted, X_T + ["weight", "pos_weight"],
                [LOGIT, PROBABILITY, WEIGHT, [0.25, 0.5, 1.0, 2.0, 0.75]], wrt=X_T, tails=[c + (2.0, 3.0) for c in LOGITS]),
    Elementwise("sigmoid_focal_loss", sigmoid_focal, X_T, [LOGIT, PROBABILITY], [{}, {"alpha": -1.0, "gamma": 1.5}, {"gamma": 0.0}],
                tails=LOGITS),
    Elementwise("focal_loss", focal, X_T, [UNIT, PROBABILITY], [{}, {"alpha": 0.25, "gamma": 1.5}, {"gamma": 0.0}], tails=SMALL),
    Elementwise("soft_margin_loss", soft_margin, X_T, [LOGIT, [1.0, -1.0, 1.0, -1.0, 0.5]], wrt=["input"],
                tails=[(x, t) for x, t0 in ((20.0, 1), (37.43, 1), (103.0, 1), (700.0, 1), (744.0, 1), (1000.0, 1)) for t in (1.0, -1.0)]),
    Elementwise("hinge_embedding_loss", hinge_embedding, X_T, [PREDICTION, [1.0, -1.0, 1.0, -1.0, 0.5]], [{}, {"margin": 2.5}],
                wrt=["input"], pairs=[(v, t) for v in ("-max", "max", "inf", "-inf", "nan", 1e30, -1e30) for t in (1.0, -1.0, 0.0)]),
    Elementwise("margin_ranking_loss", margin_ranking, ["input1", "input2", "target"], [PREDICTION, TARGET, [1.0, -1.0, 1.0, -1.0, -1.0]],
                [{}, {"margin": 0.5}], pairs=[("max", 0.0, 1.0), ("max", 0.0, -1.0), ("-max", "max", 1.0), ("inf", 1.0, -1.0),
                                              ("-inf", 1.0, -1.0), ("inf", "inf", 1.0)]),
    Elementwise("kl_div", kl_div, X_T, [[-0.75, -1.5, -2.25, -0.5, -1.25], [0.25, 0.5, 0.125, 0.875, 0.375]],
                reductions=("none", "mean", "sum", "batchmean"), pairs=[("-inf", 0.0), ("-inf", 1.0), ("inf", 0.0), ("nan", 0.0)]),
    Elementwise("kl_div", kl_div, X_T, [[-0.75, -1.5, -2.25, -0.5, -1.25], [-0.25, -3.5, -1.125, -0.875, -2.375]], [{"log_target": True}],
                reductions=("none", "mean", "sum", "batchmean")),
]
