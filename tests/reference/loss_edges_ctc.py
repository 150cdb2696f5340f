"""CTC for loss_edges.py: the sum over all alignments, written out; there are at most 3^4."""

import itertools
import math

from mpmath import mp, mpf

from loss_edges_groups import difference
from loss_edges_numbers import INF, NAN, UNSPECIFIED, ZERO, Either, exp, log, rounded, scaled, total


def collapsed(path, blank):
    return [c for c, _ in itertools.groupby(path) if c != blank]


def sample(lp, label, blank, classes, zero_infinity):
    """Loss of one sample of len(lp) frames, and its derivative by each entry."""
    frames = len(lp)
    used = set(label) | {blank}
    zero = [[ZERO] * classes for _ in lp]
    if any(not mp.isfinite(lp[t][c]) and lp[t][c] != -INF for t in range(frames) for c in used):
        nan = any(mp.isnan(lp[t][c]) for t in range(frames) for c in used)
        return NAN if nan else UNSPECIFIED, [[UNSPECIFIED] * classes for _ in lp]
    paths = [p for p in itertools.product(range(classes), repeat=frames) if collapsed(p, blank) == label]
    weights = [(p, sum((lp[t][c] for t, c in enumerate(p)), mpf(0))) for p in paths]
    largest = max((w for _, w in weights), default=-INF)
    if largest == -INF:
        if zero_infinity:
            return mpf(0), zero
        return INF, [[NAN if c in used else Either([NAN, mpf(0)]) for c in range(classes)] for _ in lp]
    if abs(largest) > 1e15:
        # A loss of this size has no digits left for the ratios of alignments.
        return -largest, [[UNSPECIFIED] * classes for _ in lp]
    occupancy = [[mpf(0)] * classes for _ in lp]
    whole = mpf(0)
    for p, w in weights:
        e = exp(w - largest) if w != -INF else mpf(0)
        whole += e
        for t, c in enumerate(p):
            occupancy[t][c] += e
    return -(largest + log(whole)), [[-v / whole for v in row] for row in occupancy]


class Ctc:
    """Frames, samples and classes of one call; log_probs[t][n][c]."""

    def __init__(self, log_probs, targets, input_lengths, target_lengths, options, places, extra=(), reductions=("none",),
                 concatenated=False, few=False):
        self.log_probs, self.targets, self.options, self.places, self.extra = log_probs, targets, options, places, extra
        self.input_lengths, self.target_lengths, self.reductions = input_lengths, target_lengths, reductions
        self.concatenated, self.few = concatenated, few

    def results(self, reduction, fmt, log_probs, upstream):
        blank, classes, count = self.options.get("blank", 0), len(log_probs[0][0]), len(self.input_lengths)
        values, partials = [], []
        for n in range(count):
            frames, length = self.input_lengths[n], self.target_lengths[n]
            lp = [[mpf(v) for v in log_probs[t][n]] for t in range(frames)]
            l, d = sample(lp, list(self.targets[n][:length]), blank, classes, self.options.get("zero_infinity", False))
            if reduction == "mean":
                l = UNSPECIFIED if l is UNSPECIFIED else l / max(length, 1)
                factor = mpf(1) / (count * max(length, 1))
            else:
                factor = mpf(upstream[n]) if reduction == "none" else mpf(1)
            values.append(l)
            partials.append([[scaled(v, factor, fmt) for v in row] for row in d])
        if reduction == "none":
            value = [rounded(v, fmt) for v in values]
        else:
            value = [rounded(total(values, mpf(count) if reduction == "mean" else mpf(1), fmt), fmt)]
        grad = [rounded(partials[n][t][c], fmt) if t < self.input_lengths[n] else 0.0
                for t in range(len(log_probs)) for n in range(count) for c in range(classes)]
        return value, {"log_probs": grad}

    def group(self, reduction, fmt):
        frames, count, classes = len(self.log_probs), len(self.input_lengths), len(self.log_probs[0][0])
        base = [[[fmt.rounded(v) for v in row] for row in frame] for frame in self.log_probs]
        upstream = [[1.0, -2.0, 0.5, 3.0][n % 4] for n in range(count)]
        targets = [v for row, length in zip(self.targets, self.target_lengths) for v in (row[:length] if self.concatenated else row)]
        line = {"loss": "ctc_loss", "options": self.options, "reduction": reduction, "dtype": fmt.name, "wrt": ["log_probs"], "inputs": {
            "log_probs": {"shape": [frames, count, classes], "data": [fmt.text(v) for frame in base for row in frame for v in row]},
            "targets": {"shape": [len(targets)] if self.concatenated else [count, len(self.targets[0])], "dtype": "int64", "data": targets},
            "input_lengths": {"shape": [count], "dtype": "int64", "data": self.input_lengths},
            "target_lengths": {"shape": [count], "dtype": "int64", "data": self.target_lengths}}}
        if reduction == "none":
            line["upstream"] = upstream
        line["value"], line["grads"] = self.results(reduction, fmt, base, upstream)
        line["cells"] = []
        special = fmt.specials(few=self.few or reduction != self.reductions[0])
        for change in [[(*place, v)] for place in self.places for v in special] + list(self.extra):
            data = [[list(row) for row in frame] for frame in base]
            patches = {}
            for t, n, c, v in change:
                data[t][n][c] = fmt.rounded(v)
                patches[(t * count + n) * classes + c] = fmt.text(fmt.rounded(v))
            value, grads = self.results(reduction, fmt, data, upstream)
            changed = difference(line["grads"]["log_probs"], grads["log_probs"])
            line["cells"].append([{"log_probs": patches}, difference(line["value"], value), {"log_probs": changed} if changed else {}])
        return line


FRAMES = [[[-1.0, -0.5, -2.0], [-0.75, -1.25, -1.5], [-0.25, -2.5, -3.0]],
          [[-1.5, -0.625, -1.75], [-0.5, -2.0, -1.0], [-0.375, -1.75, -2.25]],
          [[-0.875, -1.0, -1.25], [-2.0, -0.25, -1.625], [-1.25, -0.5, -2.75]],
          [[-0.5, -2.25, -1.0], [-1.0, -1.0, -1.0], [-3.0, -0.75, -0.5]]]
# What stands after target_lengths[n] is never read.
GARBAGE = [2**62, -(2**62)]
LOST = -math.inf


def ctc_groups(fmt):
    frames = [(t, 0, c) for t, c in ((0, 1), (1, 0), (3, 2))]
    padding = [(3, 1, 0), (3, 1, 2), (2, 2, 1), (3, 2, 0)]
    impossible = [[(t, 0, c, LOST) for t in range(4) for c in cs] for cs in ((0,), (1,), (2,), (1, 2), (0, 1, 2))]
    impossible += [[(t, 2, 0, LOST) for t in range(2)], [(t, 1, c, LOST) for t in range(3) for c in range(3)]]
    certain = [[(t, 0, c, 0.0 if c == p else v) for t, p in enumerate((1, 0, 2, 0)) for c in range(3)] for v in (-1000.0, -1e5, -1e30)]
    far = [[(t, n, c, v * (1 + 0.125 * c)) for t in range(4) for n in range(3) for c in range(3)] for v in (-100.0, -1e4, -1e30)]
    targets, lengths, labels = [[1, 2], [1] + GARBAGE[:1], GARBAGE], [4, 3, 2], [2, 1, 0]
    for options in ({}, {"zero_infinity": True}):
        group = Ctc(FRAMES, targets, lengths, labels, options, frames + padding, impossible + certain + far, few=bool(options))
        yield from (group.group(r, fmt) for r in (("mean", "none", "sum") if not options else ("mean",)))
    # A repeated label needs a blank between: 3 frames at least, sample 1 has 2. Sample 2 has no frame.
    repeated = Ctc(FRAMES, [[1, 1], [2, 2], [1, 1]], [3, 2, 0], [2, 2, 0], {}, [(0, 0, 1), (1, 0, 0), (3, 0, 0), (2, 1, 0), (0, 2, 1)])
    infeasible = Ctc(FRAMES, [[1, 1], [2, 2], [1, 1]], [3, 2, 0], [2, 2, 1], {"zero_infinity": True}, [(0, 0, 1), (3, 0, 0), (0, 1, 2), (0, 2, 1)],
                     few=True)
    last_blank = Ctc(FRAMES, [[1, 0], [0], [1]], [4, 3, 2], [2, 1, 1], {"blank": 2}, [(0, 0, 1), (3, 1, 0)], concatenated=True)
    for group in (repeated, infeasible, last_blank):
        yield from (group.group(r, fmt) for r in ("mean", "none"))
