"""Losses whose rows meet, for loss_edges.py: each function takes the options, the format and all arguments, and returns the values and
the gradients, as a function of what comes in for each value.

Derivatives are chains written out by hand. A number of such a chain is a pair: what it is, and the size of the terms it was added up
from, which is what rounding errors are relative to; a result much smaller than that size cancels, and is left out.
"""

from mpmath import mp, mpf

from loss_edges_numbers import NAN, UNSPECIFIED, ZERO, div, exp, maximum, sign
from loss_edges_rows import log_softmax


def exactly(v):
    return v, abs(v)


def times(a, b):
    return a[0] * b[0], a[1] * b[1]


def added(terms):
    terms = list(terms)
    return sum((v for v, _ in terms), mpf(0)), sum((s for _, s in terms), mpf(0))


def dot(a, b):
    return added(times(v, w) for v, w in zip(a, b))


def settled(x, fmt):
    v, size = x
    # What the dtype rounds to 0 has no digits to lose.
    cancels = mp.isfinite(v) and abs(v) < size / 50 and size > mpf(fmt.denormal) / 4
    return UNSPECIFIED if cancels else v


def column(rows, j):
    return [row[j] for row in rows]


def settled_rows(rows, fmt):
    return [[settled(v, fmt) for v in row] for row in rows]


def combined(factors, rows):
    """Σ factor·row."""
    return [dot(factors, column(rows, k)) for k in range(len(rows[0]))]


class Unit:
    """v / max(‖v‖, 1e-12)."""

    def __init__(self, v, fmt):
        norm = mp.sqrt(sum(x * x for x in v))
        least = mpf(fmt.rounded(1e-12))
        self.constant, self.norm = norm < least, maximum(norm, least)
        self.values = [exactly(div(x, self.norm)) for x in v]

    def gradient(self, g):
        """Of v, given that of the unit vector; max is constant where the norm is smaller."""
        along = (mpf(0), mpf(0)) if self.constant else dot(self.values, g)
        return [((a[0] - u[0] * along[0]) / self.norm, (a[1] + u[1] * along[1]) / self.norm) for u, a in zip(self.values, g)]


def classified(logits, label):
    """-ln softmax of the label, and its derivatives by the logits."""
    lp = log_softmax([v for v, _ in logits])
    p = [exp(v) for v in lp]
    # Not p - 1, which is what the others have, whatever its digits.
    at_label = -sum((v for j, v in enumerate(p) if j != label), mpf(0))
    return -lp[label], [exactly(at_label if j == label else v) for j, v in enumerate(p)]


def scaled_rows(factors, rows):
    return [[(f * v, abs(f) * s) for v, s in row] for f, row in zip(factors, rows)]


def info_nce(o, fmt, data):
    tau = mpf(o.get("temperature", 0.1))
    q, k = ([Unit(v, fmt) for v in data[name]] for name in ("query", "key"))
    sharp = [[(v / tau, s / tau) for v, s in u.values] for u in q]
    results = [classified([dot(a, b.values) for b in k], n) for n, a in enumerate(sharp)]

    def gradients(factors):
        by_logits = scaled_rows(factors, [d for _, d in results])
        over_tau = scaled_rows([1 / tau] * len(q), by_logits)
        dq = [u.gradient(combined(row, [b.values for b in k])) for u, row in zip(q, over_tau)]
        dk = [u.gradient(combined(column(over_tau, j), [a.values for a in q])) for j, u in enumerate(k)]
        return {"query": settled_rows(dq, fmt), "key": settled_rows(dk, fmt)}

    return [l for l, _ in results], gradients


def nt_xent(o, fmt, data):
    tau, n = mpf(o.get("temperature", 0.5)), len(data["z1"])
    z = [Unit(v, fmt) for v in data["z1"] + data["z2"]]
    results = []
    for i, u in enumerate(z):
        others = [j for j in range(2 * n) if j != i]
        l, d = classified([dot([(v / tau, s / tau) for v, s in u.values], z[j].values) for j in others], others.index((i + n) % (2 * n)))
        results.append((l, d[:i] + [(ZERO, ZERO)] + d[i:]))

    def gradients(factors):
        over_tau = scaled_rows([f / tau for f in factors], [d for _, d in results])
        dz = []
        for i, u in enumerate(z):
            others = [j for j in range(2 * n) if j != i]
            both = [added([over_tau[i][j], over_tau[j][i]]) for j in others]
            dz.append(u.gradient(combined(both, [z[j].values for j in others])))
        rows = settled_rows(dz, fmt)
        return {"z1": rows[:n], "z2": rows[n:]}

    return [l for l, _ in results], gradients


def angular_margin(o, c):
    """cos(θ + m) of c = cos θ, and its derivative; None where rounding decides how far c is from ±1, or on which side of a step."""
    m = mpf(o.get("margin", 0.5))
    last = mpf(0) if o.get("easy_margin", False) else mp.cos(mp.pi - m)
    if mp.isfinite(c) and (abs(c - last) < mpf(10) ** -4 and c != 0):
        return None
    if not c > last:
        step = mpf(0) if o.get("easy_margin", False) else m * mp.sin(mp.pi - m)
        return c - step, (mpf(1), mpf(1))
    if abs(c) > mpf("0.999"):
        return None
    root = mp.sqrt(1 - c * c)
    return c * mp.cos(m) - root * mp.sin(m), added([exactly(mp.cos(m)), exactly(mp.sin(m) * c / root)])


def arcface(o, fmt, data):
    scale = mpf(o.get("scale", 64.0))
    x, w = ([Unit(v, fmt) for v in data[name]] for name in ("input", "weight"))
    results, bent, unknown = [], [], []
    for u, label in zip(x, data["target"]):
        cosines = [dot(u.values, b.values) for b in w]
        turned = angular_margin(o, cosines[label][0])
        unknown.append(turned is None)
        bent.append((NAN, NAN) if turned is None else turned[1])
        logits = [(scale * v, scale * s) for v, s in cosines]
        if turned is not None:
            logits[label] = exactly(scale * turned[0])
        results.append(classified(logits, label))

    def gradients(factors):
        by_cosine = scaled_rows([scale * f for f in factors], [d for _, d in results])
        for row, label, slope in zip(by_cosine, data["target"], bent):
            row[label] = times(row[label], slope)
        dx = [u.gradient(combined(row, [b.values for b in w])) for u, row in zip(x, by_cosine)]
        dw = [u.gradient(combined(column(by_cosine, j), [a.values for a in x])) for j, u in enumerate(w)]
        dx = [[UNSPECIFIED] * len(row) if lost else row for lost, row in zip(unknown, settled_rows(dx, fmt))]
        return {"input": dx, "weight": [[UNSPECIFIED] * len(row) for row in dw] if any(unknown) else settled_rows(dw, fmt)}

    return [UNSPECIFIED if lost else l for lost, (l, _) in zip(unknown, results)], gradients


def jaccard(errors, truth):
    """J_i - J_(i-1) for each element, at its own place; equal errors stand in the order of their positions."""
    order = sorted(range(len(errors)), key=lambda i: -errors[i])
    in_set, weights, last, members, others = sum(truth), [None] * len(errors), mpf(0), 0, 0
    for i in order:
        members += truth[i]
        others += not truth[i]
        j = 1 - div(in_set - members, in_set + others)
        weights[i], last = j - last, j
    return weights


def lovasz_sum(errors, truth):
    """Σ max(e, 0)·w over descending errors, and w; None where NaN leaves no order."""
    if any(mp.isnan(e) for e in errors):
        return NAN, None
    w = jaccard(errors, truth)
    l = mpf(0)
    for e, v in zip(errors, w):
        l += max(e, mpf(0)) * v
    return l, w


def lovasz_hinge(o, fmt, data):
    x, t = data["input"], [int(v) for v in data["target"]]
    # As the dtype holds them, since that decides which are equal.
    errors = [mpf(fmt.rounded(1 - v * (2 * y - 1))) for v, y in zip(x, t)]
    l, w = lovasz_sum(errors, t)

    def gradients(factors):
        if w is None:
            return {"input": [UNSPECIFIED] * len(x)}
        return {"input": [factors[0] * (1 - 2 * y) * v if e > 0 else ZERO for e, y, v in zip(errors, t, w)]}

    return [l], gradients


def lovasz_softmax(o, fmt, data):
    p, labels = data["input"], data["target"]
    present = sorted(set(labels))
    parts = {}
    for c in present:
        truth = [int(y == c) for y in labels]
        differences = [mpf(fmt.rounded(v - y)) for v, y in zip(column(p, c), truth)]
        parts[c] = (*lovasz_sum([abs(d) for d in differences], truth), differences)
    l = mpf(0)
    for value, _, _ in parts.values():
        l += value / len(present)

    def gradients(factors):
        d = [[ZERO] * len(p[0]) for _ in p]
        for c, (_, w, differences) in parts.items():
            for i, v in enumerate(differences):
                d[i][c] = UNSPECIFIED if w is None else factors[0] * sign(v) * w[i] / len(present)
        return {"input": d}

    return [l], gradients


def layer(weight, row, fmt):
    """What a linear layer puts out, in the dtype: infinite beyond the range."""
    sums = [dot(w, row) for w in weight]
    return [(mpf(fmt.rounded(v)), abs(mpf(fmt.rounded(v)))) if abs(v) > fmt.max else (v, s) for v, s in sums]


def adaptive_log_softmax(o, fmt, data):
    """-ln p of the target. Parameters "head_weight", and "tail_i_0" and "tail_i_1" for each cluster."""
    cutoffs = o["cutoffs"] + [o["n_classes"]]
    x, head = ([[exactly(v) for v in row] for row in data[name]] for name in ("input", "head_weight"))
    tails = [[[[exactly(v) for v in row] for row in data[f"tail_{i}_{k}"]] for k in (0, 1)] for i in range(len(cutoffs) - 1)]
    routes, head_results, tail_results = [], [], []
    for row, c in zip(x, data["target"]):
        cluster = next((i for i in range(len(tails)) if cutoffs[i] <= c < cutoffs[i + 1]), None)
        routes.append(cluster)
        head_results.append(classified(layer(head, row, fmt), c if cluster is None else cutoffs[0] + cluster))
        if cluster is None:
            tail_results.append(None)
            continue
        first, second = tails[cluster]
        hidden = layer(first, row, fmt)
        tail_results.append((hidden, *classified(layer(second, hidden, fmt), c - cutoffs[cluster])))

    def gradients(factors):
        by_head = scaled_rows(factors, [d for _, d in head_results])
        dx = [combined(row, head) for row in by_head]
        grads = {"head_weight": [combined(column(by_head, j), x) for j in range(len(head))]}
        for i, (first, second) in enumerate(tails):
            own = [n for n, cluster in enumerate(routes) if cluster == i]
            by_logits = scaled_rows([factors[n] for n in own], [tail_results[n][2] for n in own])
            hidden = [tail_results[n][0] for n in own]
            by_hidden = [combined(row, second) for row in by_logits]
            for n, row in zip(own, by_hidden):
                dx[n] = [added(pair) for pair in zip(dx[n], combined(row, first))]
            grads[f"tail_{i}_0"] = [combined(column(by_hidden, j), [x[n] for n in own]) for j in range(len(first))]
            grads[f"tail_{i}_1"] = [combined(column(by_logits, j), hidden) for j in range(len(second))]
        grads["input"] = dx
        return {name: settled_rows(rows, fmt) for name, rows in grads.items()}

    values = [l if tail is None else l + tail[1] for (l, _), tail in zip(head_results, tail_results)]
    return values, gradients
