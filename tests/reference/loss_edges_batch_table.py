"""Which batches loss_edges.py writes, and the rows of losses that came with them."""

from loss_edges_batch import adaptive_log_softmax, arcface, info_nce, lovasz_hinge, lovasz_softmax, nt_xent
from loss_edges_boxes import box_loss
from loss_edges_groups import Batch, Rows
from loss_edges_row_table import LOGITS, A, B, C, D, at, groups_of, whole_row
from loss_edges_rows import class_divisor, sce, triplet_margin

VIEWS = [[[0.5, -1.25, 2.0, 0.75], [1.5, 0.25, -0.75, 1.0], [-1.0, 0.5, 1.75, -0.25]],
         [[1.0, -0.5, 1.25, 0.25], [2.0, -0.5, 0.25, 1.25], [-0.5, 1.5, 0.75, -1.0]]]


def symmetric_cross_entropy():
    common = dict(wrt=["input"], divisor=class_divisor)
    tails = [[("input", 0, 2, v)] for v in (20.0, -20.0, 37.43, -37.43, 104.0, -1000.0)]
    tails += [whole_row("input", 0, 5, "-inf"), whole_row("input", 0, 5, "max")]
    ignored = [[("target", n, 0, -100) for n in range(3)] + whole_row("input", 0, 5, "nan")]
    yield Rows("sce_loss", sce, {"input": LOGITS}, {"target": [2, 0, 4]}, places=[at("input", 0, 2), at("input", 0, 4)], extra=tails, **common)
    yield Rows("sce_loss", sce, {"input": LOGITS}, {"target": [2, 1, -100]}, places=[at("input", 0, 2), at("input", 2, 1),
                                                                                 [("input", 2, j) for j in range(5)]],
               extra=ignored, options={"alpha": 6.0, "beta": 0.5, "log_zero": -2.0}, few=True, **common)
    yield Rows("sce_loss", sce, {"input": LOGITS}, {"target": [2, 0, 1]}, places=[at("input", 0, 2), at("input", 1, 4)],
               options={"ignore_index": 2}, few=True, **common)
    yield Rows("sce_loss", sce, {"input": LOGITS}, {"target": [2, 0, -100]}, places=[at("input", 0, 2), at("input", 2, 4)], layout="columns",
               few=True, **common)


def boxes():
    # Overlapping, apart, one within the other.
    p = [[0.25, 0.5, 2.0, 3.5], [-3.0, -2.0, -1.0, -0.5], [0.5, 0.75, 3.0, 2.25]]
    q = [[1.0, 1.25, 3.0, 4.75], [0.5, 1.0, 2.5, 4.0], [-1.0, -1.5, 4.0, 3.0]]
    ties = [[("boxes1", 0, k, q[0][k])] for k in range(4)] + [[("boxes1", 0, k, q[0][k]) for k in range(4)]]
    ties += [[("boxes1", 0, 2, 1.0)], whole_row("boxes1", 0, 4, 0.0), whole_row("boxes1", 2, 4, 1.0)]
    ties += [whole_row("boxes1", 0, 4, 1e30) + whole_row("boxes2", 0, 4, 1e30)]
    # All of a pair larger or smaller by the same factor.
    for factor in (2.0**-10, 2.0**30, 2.0**100, 2.0**120):
        ties.append([(name, 0, k, v * factor) for name, rows in (("boxes1", p), ("boxes2", q)) for k, v in enumerate(rows[0])])
    yield Rows("generalized_box_iou_loss", box_loss, {"boxes1": p, "boxes2": q}, wrt=["boxes1", "boxes2"], extra=ties, repeats_extra=False, slack=4,
               places=[at("boxes1", 0, 2), at("boxes1", 0, 1), at("boxes2", 1, 0), at("boxes2", 2, 3)])


def triplets():
    rows = {"anchor": [A, C, B], "positive": [B, D, A], "negative": [C, A, D]}
    places = [at("anchor", 0, 1), at("positive", 0, 4), at("negative", 1, 0)]
    same = [[(n, 0, j, v) for j in range(5) for n in rows] for v in (1.0, 0.0, "denormal")]
    for options in ({}, {"margin": 2.5}, {"swap": True}):
        yield Rows("triplet_margin_with_distance_loss", triplet_margin, rows, wrt=list(rows), options=options, few=bool(options), places=places,
                   extra=same if not options.get("margin") else (), repeats_extra=False, reductions=("none",) if options else ("none", "mean", "sum"))


def contrastive():
    for name, function, first, second in (("info_nce_loss", info_nce, "query", "key"), ("nt_xent_loss", nt_xent, "z1", "z2")):
        null = [whole_row(n, 0, 4, v) for n in (first, second) for v in (0.0, "denormal", 1e-30, 1e-10, 1e30)]
        null += [whole_row(first, 1, 4, "inf"), whole_row(first, 1, 4, "nan"), whole_row(first, 0, 4, 1e15) + whole_row(second, 0, 4, -1e15)]
        # The same direction in both views, and among all rows.
        null += [[(n, 0, j, v) for n in (first, second) for j, v in enumerate((3.0, -1.0, 2.0, 0.5))]]
        for options in ({}, {"temperature": 1.0 if name == "nt_xent_loss" else 1e-30}):
            yield Batch(name, function, {first: VIEWS[0], second: VIEWS[1]}, wrt=[first, second], products=True, options=options, few=bool(options), slack=10,
                        places=[at(first, 0, 1), at(second, 1, 2)], extra=null if not options else (), reductions=("none", "mean", "sum") if not options else ("mean",))


def angular():
    x, w = VIEWS[0], VIEWS[1] + [[0.25, 1.0, -1.5, 0.5]]
    null = [whole_row(n, 0, 4, v) for n in ("input", "weight") for v in (0.0, "denormal", 1e-30, 1e-10, 1e30, "nan")]
    # Past 180 degrees with the margin; across from a weight; along one.
    null += [[("input", 0, j, -v + 0.25 * (j == 1)) for j, v in enumerate(w[0])], [("input", 0, j, v) for j, v in enumerate(w[0])]]
    null += [[("target", 0, 0, 3)] + whole_row("weight", 0, 4, "inf")]
    for options in ({"scale": 4.0}, {"scale": 4.0, "easy_margin": True}, {}, {"scale": 1e30}):
        yield Batch("arcface_loss", arcface, {"input": x, "weight": w, "target": [0, 3, 1]}, wrt=["input", "weight"], options=options, products=True,
                    few=options != {"scale": 4.0}, slack=10 if options else 100, extra=null if options.get("scale") == 4.0 else (),
                    places=[at("input", 0, 1), at("weight", 0, 2), at("weight", 2, 0)][: 2 if "easy_margin" in options else 3],
                    reductions=("none", "mean", "sum") if options == {"scale": 4.0} else ("mean",))


def lovasz():
    x, t = [0.75, -1.5, 2.25, -0.5, 1.25, 0.375, -2.0], [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    labels = [[("target", 0, n, v) for n in range(7)] for v in (0.0, 1.0)]
    labels += [[("target", 0, n, 0.0) for n in range(7)] + [("input", 0, 2, v)] for v in ("inf", "-inf", "max", "nan")]
    # An error of exactly 0, equal errors, all beyond the margin.
    ties = [[("input", 0, 0, 1.0)], [("input", 0, 1, -1.0)], [("input", 0, 0, 0.0), ("input", 0, 3, 0.0), ("input", 0, 1, -0.0)]]
    ties += [[("input", 0, n, v * (2 * y - 1)) for n, y in enumerate(t)] for v in (3.0, 1e30)]
    single = dict(wrt=["input"], reductions=("sum",))
    yield Batch("lovasz_hinge_loss", lovasz_hinge, {"input": x, "target": t}, places=[at("input", 0, n) for n in (0, 2, 6)],
                extra=labels + ties, **single)
    yield Batch("lovasz_hinge_loss", lovasz_hinge, {"input": x, "target": [int(v) for v in t]}, places=[at("input", 0, 1)], few=True, **single)
    p = [[0.25, 0.5, 0.125, 0.125], [0.625, 0.125, 0.1875, 0.0625], [0.375, 0.25, 0.3125, 0.0625], [0.0625, 0.75, 0.125, 0.0625],
         [0.5, 0.3125, 0.125, 0.0625]]
    # No row is of class 2, nor of class 3: what stands there does not count.
    places = [at("input", 0, 1), at("input", 0, 0), at("input", 3, 0), at("input", 2, 2), [("input", n, 3) for n in range(5)]]
    sure = [[("input", 0, 1, v), ("input", 0, 0, 1 - v)] for v in (0.0, 1.0)] + [[("input", n, 1, 0.5) for n in range(5)]]
    sure += [[("target", 0, n, 2) for n in range(5)], [("target", 0, n, n % 4) for n in range(5)]]
    yield Batch("lovasz_softmax_loss", lovasz_softmax, {"input": p, "target": [1, 0, 0, 1, 0]}, places=places, extra=sure, **single)


def adaptive():
    x = [[0.5, -1.25, 2.0, 0.75], [1.5, 0.25, -0.75, 1.0], [-1.0, 0.5, 1.75, -0.25], [0.125, 2.0, -0.5, -1.5]]
    head = [[0.25, -0.5, 0.375, 0.125], [-0.75, 0.5, 0.25, 0.625], [0.5, 0.125, -0.25, -0.375], [0.125, 0.375, 0.75, -0.5]]
    tails = {"tail_0_0": [[0.5, -0.25, 0.125, 0.75], [-0.375, 0.625, 0.25, -0.125]], "tail_0_1": [[0.25, -0.75], [0.5, 0.375]],
             "tail_1_0": [[0.75, 0.25, -0.5, 0.125]], "tail_1_1": [[0.625], [-0.25]]}
    large = [whole_row("input", 0, 4, v) for v in (1e30, "nan", 0.0, "denormal", 100.0)] + [[("input", 1, 1, 1000.0)], [("input", 1, 1, -1000.0)]]
    yield Batch("adaptive_log_softmax_with_loss", adaptive_log_softmax, {"input": x, "target": [1, 2, 5, 0], "head_weight": head, **tails},
                options={"n_classes": 6, "cutoffs": [2, 4], "div_value": 2.0}, wrt=["input", "head_weight", *tails], extra=large, slack=4,
                products=True, reductions=("none", "mean"), places=[at("input", 0, 1), at("input", 1, 2), at("head_weight", 1, 0), at("tail_1_1", 1, 0)])


FAMILIES = (symmetric_cross_entropy, boxes, triplets, contrastive, angular, lovasz, adaptive)


def batch_groups(fmt):
    yield from groups_of(FAMILIES, fmt)
