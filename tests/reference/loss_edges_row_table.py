"""Which rows loss_edges.py writes."""

from loss_edges_groups import Rows
from loss_edges_pointwise import l1, mse
from loss_edges_rows import (class_divisor, cosine_embedding, cosine_similarity, cross_entropy, cross_entropy_probabilities, dice,
                             multi_margin, multilabel_margin, multilabel_soft_margin, nll, pairwise_distance, triplet_margin, tversky,
                             weighted_mean)

# 19 columns are a vector of 16 and a tail, two of 8 and a tail.
WIDE = 19


def ramp(count, start, step, period):
    """Ordinary entries without a pattern that a row shares with its neighbour."""
    return [start + step * (k * 7 % period) for k in range(count)]


LOGITS = [[0.5, -1.25, 2.0, 0.75, -0.5], [1.5, 0.25, -0.75, 1.0, -2.0], [-1.125, 0.5, 1.75, -0.25, 0.125]]
LOG_PROBABILITIES = [[-0.5, -1.25, -2.0, -0.75, -1.5], [-1.5, -0.25, -0.875, -1.125, -2.0], [-1.0, -2.5, -1.75, -0.25, -0.125]]
CLASS_WEIGHT = [1.0, 0.5, 2.0, 0.0, 1.5]
WIDE_LOGITS = [ramp(WIDE, -2.0, 0.25, 17), ramp(WIDE, -1.5, 0.125, 13)]
A, B = [0.5, -1.25, 2.0, 0.75, -0.5], [1.5, 0.25, -0.75, 1.0, -2.0]
C, D = [-1.0, 0.5, 1.75, -0.25, 0.125], [2.0, -0.5, 0.25, 1.25, -1.5]
WIDE_A = [ramp(WIDE, -2.0, 0.25, 17), ramp(WIDE, 1.5, -0.125, 13)]
WIDE_B = [ramp(WIDE, 1.0, -0.125, 11), ramp(WIDE, -0.75, 0.25, 9)]
MASS = [[0.25, 0.125, 0.5, 0.0, 0.125], [0.0, 1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.25, 0.25, 0.125]]


def at(name, row, column):
    return [(name, row, column)]


def whole_row(name, row, width, value):
    return [(name, row, j, value) for j in range(width)]


def classes():
    for ce in (False, True):
        name, function, x = ("cross_entropy", cross_entropy, LOGITS) if ce else ("nll_loss", nll, LOG_PROBABILITIES)
        common = dict(wrt=["input"], divisor=class_divisor)
        at_label, elsewhere = at("input", 0, 2), at("input", 0, 4)
        # The weight of class 3 is 0; row 1 is of that class, row 2 is ignored.
        labels, ignored = {"target": [2, 0, 4]}, {"target": [2, 3, -100]}
        all_ignored = [[("target", n, 0, -100) for n in range(3)], [("target", n, 0, -100) for n in range(3)] + whole_row("input", 0, 5, "nan")]
        yield Rows(name, function, {"input": x}, labels, places=[at_label, elsewhere], extra=all_ignored, **common)
        yield Rows(name, function, {"input": x}, ignored, {"weight": CLASS_WEIGHT}, extra=all_ignored, few=True,
                   places=[at_label, at("input", 1, 3), at("input", 1, 0), at("input", 2, 1), at("weight", 0, 2), at("weight", 0, 3),
                           [("input", 2, j) for j in range(5)]], **common)
        # A class that is ignored, and one outside of the range: the entries there are like any other of an ignored row.
        for index in (2, 255, -1):
            yield Rows(name, function, {"input": x}, {"target": [index, 0, 1]}, options={"ignore_index": index}, few=True,
                       places=[at("input", 0, 2), at("input", 0, 0)], **common)
        yield Rows(name, function, {"input": [A]}, {"target": [3]}, layout="single", few=True, places=[at("input", 0, 3), at("input", 0, 1)], **common)
        yield Rows(name, function, {"input": x}, ignored, layout="columns", few=True, places=[at_label, at("input", 1, 3), at("input", 2, 1)], **common)
    tails = [[("input", 0, 2, v)] for v in (20.0, 37.43, -37.43, 104.0, 1000.0, 746.0)]
    tails += [whole_row("input", 0, 5, "-inf"), whole_row("input", 0, 5, 0.0), whole_row("input", 0, 5, "max"),
              [("input", 0, 0, 1000.0), ("input", 0, 1, 0.0), ("input", 0, 2, -1000.0)]]
    ce = dict(wrt=["input"], divisor=class_divisor)
    yield Rows("cross_entropy", cross_entropy, {"input": LOGITS}, {"target": [2, 0, 4]}, extra=tails, **ce)
    yield Rows("cross_entropy", cross_entropy, {"input": WIDE_LOGITS}, {"target": [5, 18]}, reductions=("mean",), few=True,
               places=[at("input", 0, 5), at("input", 0, 18), at("input", 1, 17)], extra=[[("input", 1, 18, 40.0)], [("input", 0, 5, 30.0)]], **ce)
    for weight in (None, {"weight": CLASS_WEIGHT}):
        yield Rows("cross_entropy", cross_entropy, {"input": LOGITS}, {"target": [2, 0, -100]}, weight, options={"label_smoothing": 0.25}, few=True,
                   places=[at("input", 0, 2), at("input", 0, 4), at("input", 0, 3), at("input", 2, 1)], **ce)
        probabilities = dict(wrt=["input", "target"], places=[at("input", 0, 2), at("input", 1, 3), at("target", 0, 1), at("target", 2, 3)])
        for options in ({},) if weight else ({}, {"label_smoothing": 0.25}):
            yield Rows("cross_entropy", cross_entropy_probabilities, {"input": LOGITS, "target": MASS}, None, weight, options=options,
                       few=bool(options or weight), reductions=("none", "mean"), **probabilities)
    confident = [[("input", 1, 1, v)] for v in (20.0, 37.43, 104.0, 1000.0)]
    yield Rows("cross_entropy", cross_entropy_probabilities, {"input": LOGITS, "target": MASS}, wrt=["input", "target"], extra=confident)


def margins():
    weight = {"weight": [1.0, 0.5, 2.0, 0.0, 1.5]}
    places = [at("input", 0, 2), at("input", 0, 4), at("input", 1, 3)]
    for options in ({}, {"p": 2}, {"margin": 0.25}):
        yield Rows("multi_margin_loss", multi_margin, {"input": LOGITS}, {"target": [2, 3, 0]}, wrt=["input"], options=options, places=places)
    yield Rows("multi_margin_loss", multi_margin, {"input": LOGITS}, {"target": [2, 3, 0]}, weight, wrt=["input"],
               places=places + [at("weight", 0, 2), at("weight", 0, 3)])
    yield Rows("multi_margin_loss", multi_margin, {"input": [A]}, {"target": [0]}, wrt=["input"], layout="single", places=[at("input", 0, 0), at("input", 0, 3)])
    # Labels after the first -1 do not count; a row that starts with -1 gives 0 whatever it holds.
    targets = [[3, 0, -1, 2, 1], [-1, 4, 4, 2, 0], [2, 2, -1, -1, 4]]
    yield Rows("multilabel_margin_loss", multilabel_margin, {"input": LOGITS, "target": targets}, wrt=["input"],
               places=[at("input", 0, 3), at("input", 0, 2), at("input", 1, 4), [("input", 1, j) for j in range(5)], at("input", 2, 2)])
    every = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, -1, 1, 1, 1]]
    yield Rows("multilabel_margin_loss", multilabel_margin, {"input": LOGITS, "target": every}, wrt=["input"], places=[at("input", 2, 0)])
    yield Rows("multilabel_margin_loss", multilabel_margin, {"input": [A], "target": [[-1, 0, 1, 2, 3]]}, wrt=["input"], layout="single",
               places=[at("input", 0, 0)])
    labels = [[0.0, 1.0, 0.0, 1.0, 0.25], [1.0, 0.0, 0.5, 0.0, 1.0], [0.0, 0.0, 1.0, 0.75, 1.0]]
    tails = [[("input", 0, c, v)] for c in (0, 1) for v in (20.0, -20.0, 37.43, -37.43, 103.0, -103.0, 700.0, -700.0)]
    soft = dict(wrt=["input", "target", "weight"], places=[at("input", 0, 1), at("input", 0, 0), at("target", 1, 2), at("weight", 0, 0)])
    yield Rows("multilabel_soft_margin_loss", multilabel_soft_margin, {"input": LOGITS, "target": labels}, None, {"weight": [1.0, 0.5, 2.0, 0.75, 1.5]}, **soft)
    yield Rows("multilabel_soft_margin_loss", multilabel_soft_margin, {"input": LOGITS, "target": labels}, wrt=["input", "target"], places=[at("input", 0, 1)], extra=tails)
    wide = [[1.0 if v > 0 else 0.0 for v in ramp(WIDE, -1.0, 0.25, 8)], [1.0 if v > 0 else 0.0 for v in ramp(WIDE, -1.0, 0.25, 7)]]
    yield Rows("multilabel_soft_margin_loss", multilabel_soft_margin, {"input": WIDE_LOGITS, "target": wide}, wrt=["input"], few=True,
               places=[at("input", 0, 0), at("input", 1, 18)])


def vectors():
    pair = dict(wrt=["input1", "input2"], labels={"target": [1, -1, 0]})
    rows = {"input1": [A, C, B], "input2": [B, D, A]}
    places = [at("input1", 0, 1), at("input2", 0, 4), at("input1", 1, 2), at("input1", 2, 0)]
    null = [whole_row("input1", 0, 5, v) for v in (0.0, "denormal", 1e-30, 1e30)] + [whole_row("input2", 1, 5, 0.0)]
    null += [whole_row(n, 2, 5, v) for n in ("input1", "input2") for v in ("nan", "inf", 0.0)]
    for options in ({}, {"margin": -0.5}):
        yield Rows("cosine_embedding_loss", cosine_embedding, rows, options=options, few=bool(options),
                   reductions=("none",) if options else ("none", "mean", "sum"), places=places, extra=null, **pair)
    similarity = dict(wrt=["x1", "x2"], reductions=("none",))
    null = [whole_row(n, 0, 5, v) for n in ("x1", "x2") for v in (0.0, "denormal", 1e-30, 1e-10, 1e30)]
    yield Rows("cosine_similarity", cosine_similarity, {"x1": [[3.0, 4.0, 1.0, -2.0, 0.5], C], "x2": [[4.0, 3.0, -1.0, 0.5, 2.0], D]},
               places=[at("x1", 0, 1), at("x2", 0, 4), at("x1", 1, 2)], extra=null, **similarity)
    yield Rows("cosine_similarity", cosine_similarity, {"x1": WIDE_A, "x2": WIDE_B}, few=True, places=[at("x1", 0, 0), at("x2", 1, 18)], **similarity)
    for options in ({}, {"p": 1.0}, {"p": 3.0}, {"p": "inf"}, {"p": 0.0}, {"p": 100.0}, {"eps": 0.0}):
        same = [[("x1", 0, j, v), ("x2", 0, j, v)] for j in (1,) for v in (1.0, 1e30, "max")]
        same += [[(n, 0, j, v) for j in range(5) for n in ("x1", "x2")] for v in (1.0, "denormal", 1e30)]
        if options.get("eps") == 0.0:
            same += [whole_row("x1", 0, 5, v) + whole_row("x2", 0, 5, 0.0) for v in ("denormal", 1e-30, 1e30)]
        yield Rows("pairwise_distance", pairwise_distance, {"x1": [A, C], "x2": [B, D]}, options=options, few=bool(options),
                   slack=4 if options.get("p") == 100.0 else 1, places=[at("x1", 0, 1), at("x2", 0, 4)], extra=same, **similarity)
    yield Rows("pairwise_distance", pairwise_distance, {"x1": WIDE_A, "x2": WIDE_B}, few=True, places=[at("x1", 0, 16), at("x2", 1, 3)], **similarity)
    triple = {"anchor": [A, C, B], "positive": [B, D, A], "negative": [C, A, D]}
    places = [at("anchor", 0, 1), at("positive", 0, 4), at("negative", 0, 2), at("negative", 1, 0)]
    for options in ({}, {"p": 1.0, "margin": 2.0}, {"swap": True}):
        yield Rows("triplet_margin_loss", triplet_margin, triple, wrt=["anchor", "positive", "negative"], options=options, few=True,
                   reductions=("none",) if options else ("none", "mean"), places=places)


def samples():
    p = [[0.25, 0.5, 0.125, 0.875, 0.75, 0.375], [0.625, 0.25, 0.5, 0.125, 0.875, 0.75]]
    t = [[0.25, 1.0, 0.0, 1.0, 0.5, 0.0], [1.0, 0.0, 0.0, 0.25, 1.0, 1.0]]
    null = [whole_row("input", 0, 6, 0.0), whole_row("input", 0, 6, 0.0) + whole_row("target", 0, 6, 0.0), whole_row("input", 0, 6, "denormal")]
    places = dict(places=[at("input", 0, 0), at("input", 1, 3)], extra=null, only=lambda v: not v < -1, wrt=["input"])
    yield Rows("dice_loss", dice, {"input": p, "target": t}, **places)
    yield Rows("dice_loss", dice, {"input": p, "target": t}, options={"smooth": 1e-6}, **places)
    for options in ({}, {"alpha": 0.75, "beta": 0.25, "gamma": 2.0}):
        yield Rows("tversky_loss", tversky, {"input": p, "target": t}, options=options, **places)
    weighted = dict(wrt=["input", "target", "weight"], layout="single", reductions=("mean",),
                    places=[at("input", 0, 0), at("target", 0, 3), at("weight", 0, 6)])
    for name, loss in (("l1_loss", l1), ("mse_loss", mse)):
        yield Rows(name, weighted_mean(loss), {"input": [[0.75, -1.5, 2.25, -0.5, 1.25, 0.5, -0.25]],
                                               "target": [[0.25, 0.5, -1.0, 1.5, -0.375, 2.0, 1.0]],
                                               "weight": [[1.0, 2.0, 0.5, 0.75, 1.5, 0.25, 3.0]]}, **weighted)


def groups_of(families, fmt):
    for family in families:
        for group in family():
            for reduction in group.reductions:
                yield group.group(reduction, fmt)


FAMILIES = (classes, margins, vectors, samples)


def row_groups(fmt):
    yield from groups_of(FAMILIES, fmt)
