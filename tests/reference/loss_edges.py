#!/usr/bin/env python3
"""Writes tests/data/loss_edges.jsonl: what each of the 40 losses gives for 0, -0, denormals, 1e-30, 1, 1e30, the largest number,
infinities and NaN, and where its tails leave the range of the naive formula.

    python3 tests/reference/loss_edges.py > tests/data/loss_edges.jsonl

Needs python3-mpmath; the tests read only the file. Values and gradients are those of the formulas in the specification (docs/spec/losses.md), computed with
800 digits (loss_edges_numbers.py) from the inputs as the dtype holds them and rounded once, independently of the library.
A result that the dtype can hold is required, whatever an intermediate would overflow to, but for two declared exceptions, where
infinity is accepted as well: what reduces or scales an element that is itself beyond the range, and a sum that is. (Logits of adaptive
softmax come out of a layer, in the dtype, and are infinite beyond its range.)

loss_edges_pointwise.py holds the formulas of single elements; loss_edges_rows.py and loss_edges_boxes.py those of rows, which do not
meet; loss_edges_batch.py those of whole batches, whose rows do (Lovász, contrastive and angular losses); loss_edges_ctc.py CTC. Which
inputs they get stands in loss_edges_row_table.py and loss_edges_batch_table.py, what a group of them is in loss_edges_groups.py.

One JSON object per line, a group of cells. Numbers that are not finite are strings. An expected number may be
    null        the specification does not say, or says that it is not tested
    [a, b]      either is right
0 is exactly 0; other numbers hold within the relative tolerance of the group's dtype, or 4 steps of the smallest denormal.

Elementwise groups have "tile": five ordinary entries per argument, repeated to "n" elements (0: 0-d tensors), each cell being
    [position, [the special entry of every argument], value, [partial by each argument in "wrt", times what comes in]]
"value" of a cell is the element for "none" and the result otherwise; the elements and gradients elsewhere are those of the tile:
"value" and "grads" of the group. "upstream" (five, repeated) comes in for "none", 1 otherwise.
    [position, [entries], "!text"]                                                   the call throws, text being in the message

Other groups have "inputs", name to shape and flat data, and what comes of them, "value" and "grads". A cell says what differs:
    [inputs: name to {index: entry}, value: {index: number}, grads: name to {index: number}]
"upstream" is flat, too. "slack" multiplies the tolerance of a group: x^99 has 99 times the relative error of x. "products" tells that
rows meet in a matrix product: what is not finite comes back from it as NaN, even if nothing comes in.
"""

import math

from mpmath import mpf

from loss_edges_batch_table import batch_groups
from loss_edges_ctc import ctc_groups
from loss_edges_numbers import FLOAT32, FLOAT64, Refused, dump, rounded, scaled, total
from loss_edges_pointwise import ELEMENTWISE
from loss_edges_row_table import row_groups

N = 37  # two vectors of 16 and a tail, four of 8 and a tail
POSITIONS = [0, 15, 36, 7, 16, 31, 32, 20]
UPSTREAM = [1.0, -2.0, 0.5, 3.0, 0.25]


def number(symbol, fmt):
    """A special value by name, or a number as the format holds it."""
    names = {"max": fmt.max, "denormal": fmt.denormal, "inf": math.inf, "nan": math.nan}
    if isinstance(symbol, str):
        return -names[symbol[1:]] if symbol.startswith("-") else names[symbol]
    return math.copysign(fmt.rounded(symbol), symbol)


class ElementwiseGroups:
    def __init__(self, loss, options, fmt):
        self.loss, self.options, self.fmt = loss, options, fmt
        self.tile = [[number(v, fmt) for v in entries] for entries in loss.tile]
        self.ordinary = [self.element([entries[k] for entries in self.tile]) for k in range(5)]

    def element(self, entries):
        return self.loss.function(self.options, self.fmt, *[mpf(v) for v in entries])

    def specials(self, few=False):
        """(entries with None for what stays ordinary)"""
        fmt, count = self.fmt, len(self.loss.arguments)
        for k in range(count):
            for v in fmt.specials(few):
                yield [v if i == k else None for i in range(count)]
        for pair in (list(self.loss.pairs) + list(self.loss.tails))[:: 3 if few else 1]:
            yield [number(v, fmt) for v in pair]

    def factor(self, reduction, position, n):
        """What comes in for each element."""
        if reduction == "none":
            return mpf(UPSTREAM[position % 5])
        return mpf(1) / max(n, 1) if reduction in ("mean", "batchmean") else mpf(1)

    def cell(self, reduction, n, position, special):
        fmt = self.fmt
        entries = [tile[position % 5] if v is None else v for v, tile in zip(special, self.tile)]
        head = [position, [fmt.text(v) for v in entries]]
        try:
            l, partials = self.element(entries)
        except Refused as error:
            return head + ["!" + str(error)]
        if reduction == "none" or n == 0:
            value = l
        else:
            count = n if reduction in ("mean", "batchmean") else 1
            value = total([l if i == position else self.ordinary[i % 5][0] for i in range(n)], count, fmt)
        grads = [rounded(scaled(p, self.factor(reduction, position, n), fmt), fmt) for p in partials]
        return head + [rounded(value, fmt), grads]

    def group(self, reduction, n, cells):
        loss, fmt = self.loss, self.fmt
        line = {"loss": loss.name, "options": self.options, "reduction": reduction, "dtype": fmt.name, "arguments": loss.arguments,
                "wrt": loss.wrt, "n": n}
        if n > 0:
            line["tile"] = [[fmt.text(v) for v in entries] for entries in self.tile]
            line["value"] = [rounded(l, fmt) for l, _ in self.ordinary]
            line["grads"] = [[rounded(scaled(p[k], self.factor(reduction, i, n), fmt), fmt) for i, (_, p) in enumerate(self.ordinary)]
                             for k in range(len(loss.wrt))]
        if reduction == "none":
            line["upstream"] = UPSTREAM
        line["cells"] = cells
        return line

    def lines(self):
        for reduction in self.loss.reductions:
            specials = list(self.specials(few=reduction == "sum" or self.options != self.loss.options[0]))
            yield self.group(reduction, N, [self.cell(reduction, N, POSITIONS[i % 8], s) for i, s in enumerate(specials)])
        scalars = [s for s in self.specials() if s[0] is not None]
        for k, reduction in enumerate(self.loss.reductions):
            if reduction != "batchmean":
                yield self.group(reduction, 0, [self.cell(reduction, 0, 0, s) for s in scalars[k::3]])


def main():
    for loss in ELEMENTWISE:
        for options in loss.options:
            for fmt in (FLOAT32, FLOAT64):
                for line in ElementwiseGroups(loss, options, fmt).lines():
                    print(dump(line))
    for fmt in (FLOAT32, FLOAT64):
        for line in row_groups(fmt):
            print(dump(line))
        for line in batch_groups(fmt):
            print(dump(line))
        for line in ctc_groups(fmt):
            print(dump(line))


if __name__ == "__main__":
    main()
