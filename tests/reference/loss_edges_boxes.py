"""Generalized intersection over union of boxes (x1, y1, x2, y2) for loss_edges.py, one pair at a time."""

from mpmath import mp, mpf

from loss_edges_numbers import NAN, UNSPECIFIED, div, maximum


def minimum(a, b):
    return -maximum(-a, -b)


def share_of_larger(a, b):
    """d max(a, b)/da: half at a tie."""
    return mpf(a > b) if a != b else mpf(1) / 2


class Axis:
    """Of two extents: how long they are, what they share and what they span, and the derivatives by (p1, p2, q1, q2)."""

    def __init__(self, p1, p2, q1, q2):
        high, low = share_of_larger(p2, q2), share_of_larger(p1, q1)
        self.p, self.dp = p2 - p1, (-1, 1, 0, 0)
        self.q, self.dq = q2 - q1, (0, 0, -1, 1)
        self.meet, self.dmeet = minimum(p2, q2) - maximum(p1, q1), (-low, 1 - high, low - 1, high)
        self.reach, self.dreach = maximum(p2, q2) - minimum(p1, q1), (low - 1, high, -low, 1 - high)


def box_loss(o, fmt, boxes1, boxes2):
    eps = mpf(fmt.rounded(o.get("eps", 1e-7)))
    x, y = Axis(boxes1[0], boxes1[2], boxes2[0], boxes2[2]), Axis(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    meets = x.meet > 0 and y.meet > 0
    areas = x.p * y.p, x.q * y.q
    shared = x.meet * y.meet if meets else mpf(0)
    union, around = areas[0] + areas[1] - shared, x.reach * y.reach
    l = 1 - div(shared, union + eps) + div(around - union, around + eps)
    unknown = {"boxes1": [UNSPECIFIED] * 4, "boxes2": [UNSPECIFIED] * 4}
    if not all(mp.isfinite(v) for v in boxes1 + boxes2):
        return (NAN if mp.isnan(union) else l), unknown  # partials are differences of infinities
    if abs(union + eps) < (abs(areas[0]) + abs(areas[1]) + shared) / 10 or abs(around + eps) < abs(x.reach * y.reach) / 10:
        return UNSPECIFIED, unknown  # divisors that cancel: boxes turned inside out
    d_shared = -1 / (union + eps)
    d_union = shared / (union + eps) ** 2 - 1 / (around + eps)
    d_around = 1 / (around + eps) - (around - union) / (around + eps) ** 2
    partials = []
    for k in range(8):
        # The edge, and the other axis that multiplies it.
        axis, other, i = (x, y, k // 4 * 2 + k % 4 // 2) if k % 2 == 0 else (y, x, k // 4 * 2 + k % 4 // 2)
        by_shared = axis.dmeet[i] * other.meet if meets else mpf(0)
        terms = [(d_shared - d_union) * by_shared, d_union * axis.dp[i] * other.p, d_union * axis.dq[i] * other.q,
                 d_around * axis.dreach[i] * other.reach]
        size = sum(abs(v) for v in terms)
        partials.append(UNSPECIFIED if abs(sum(terms)) < size / 20 and size > mpf(fmt.denormal) / 4 else sum(terms))
    size = 1 + abs(shared / (union + eps)) + abs((around - union) / (around + eps))
    return UNSPECIFIED if abs(l) < size / 20 else l, {"boxes1": partials[:4], "boxes2": partials[4:]}


box_loss.needs_format = True
