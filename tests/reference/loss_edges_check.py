#!/usr/bin/env python3
"""Compares the derivatives that loss_edges.py states with differences of its values, at the ordinary entries of every group.

    python3 tests/reference/loss_edges_check.py

Entries at a kink, where the specification chooses a subgradient, are told apart by their one-sided differences and counted. Ends with
1 when a derivative is wrong.
"""

import sys

from mpmath import mpf

import loss_edges_batch_table
import loss_edges_ctc
import loss_edges_row_table
from loss_edges_groups import Batch
from loss_edges_numbers import FLOAT64, UNSPECIFIED, Either
from loss_edges_pointwise import ELEMENTWISE

STEP = mpf(10) ** -12  # differences of two numbers are formed in float64 by some losses: not smaller
TOLERANCE = mpf(10) ** -3


def of_rows(group):
    head = (group.options, FLOAT64) if getattr(group.function, "needs_format", False) else (group.options,)
    for n in range(len(next(iter(group.vectors.values())))):
        row = {name: [v if isinstance(v, int) else mpf(v) for v in rows[n]] for name, rows in group.vectors.items()}
        row |= {name: labels[n] for name, labels in group.labels.items()}
        row |= {name: [mpf(v) for v in values] for name, values in group.shared.items()}
        _, partials = group.function(*head, *row.values())
        for name in group.wrt:
            for j, partial in enumerate(partials[name]):

                def value(v, group=group, head=head, row=row, name=name, j=j):
                    changed = row | {name: row[name][:j] + [v] + row[name][j + 1:]}
                    return group.function(*head, *changed.values())[0]

                yield f"{group.name} {group.options} {name}[{n}][{j}]", partial, value, row[name][j]


def of_batch(group):
    data = group.exact(group.base(FLOAT64))
    values, gradients = group.function(group.options, FLOAT64, data)
    factors = [mpf(n % 3) - mpf(3) / 2 for n in range(len(values))]
    grads = gradients(factors)
    for name in group.wrt:
        flat = name in group.flat
        for i, partials in enumerate([grads[name]] if flat else grads[name]):
            for j, partial in enumerate(partials):

                def value(v, group=group, name=name, i=i, j=j, flat=flat):
                    changed = dict(data)
                    if flat:
                        changed[name] = data[name][:j] + [v] + data[name][j + 1:]
                    else:
                        changed[name] = [row[:j] + [v] + row[j + 1:] if k == i else row for k, row in enumerate(data[name])]
                    return sum(f * l for f, l in zip(factors, group.function(group.options, FLOAT64, changed)[0]))

                yield f"{group.name} {group.options} {name}[{i}][{j}]", partial, value, data[name][j] if flat else data[name][i][j]


def stated_and_differences():
    """(what, stated derivative, the value as a function of the entry, the entry)"""
    for loss in ELEMENTWISE:
        for options in loss.options:
            for k in range(5):
                entries = [mpf(tile[k]) for tile in loss.tile]
                _, partials = loss.function(options, FLOAT64, *entries)
                for name, partial in zip(loss.wrt, partials):
                    i = loss.arguments.index(name)

                    def value(v, loss=loss, options=options, entries=entries, i=i):
                        return loss.function(options, FLOAT64, *entries[:i], v, *entries[i + 1:])[0]

                    yield f"{loss.name} {options} {name} of {[float(v) for v in entries]}", partial, value, entries[i]
    for family in loss_edges_row_table.FAMILIES + loss_edges_batch_table.FAMILIES:
        for group in family():
            yield from (of_batch if isinstance(group, Batch) else of_rows)(group)
    frames = [[mpf(v) for v in frame[0]] for frame in loss_edges_ctc.FRAMES]
    for label in ([1, 2], [1, 1], [2], []):
        _, partials = loss_edges_ctc.sample(frames, label, 0, 3, False)
        for t in range(len(frames)):
            for c in range(3):

                def value(v, label=label, t=t, c=c):
                    changed = [list(frame) for frame in frames]
                    changed[t][c] = v
                    return loss_edges_ctc.sample(changed, label, 0, 3, False)[0]

                yield f"ctc_loss {label} [{t}][{c}]", partials[t][c], value, frames[t][c]


def main():
    checked = kinks = wrong = 0
    for what, stated, value, at in stated_and_differences():
        if stated is UNSPECIFIED or isinstance(stated, Either) or isinstance(value(at), Either):
            continue
        below, here, above = value(at - STEP), value(at), value(at + STEP)
        left, right = (here - below) / STEP, (above - here) / STEP
        allowed = TOLERANCE * (1 + abs(stated))
        checked += 1
        if abs(left - right) > allowed:
            kinks += 1
            between = min(left, right) - allowed <= stated <= max(left, right) + allowed
        else:
            between = abs((above - below) / (2 * STEP) - stated) <= allowed
        if not between:
            wrong += 1
            print(f"{what}: stated {float(stated)}, differences {float(left)} and {float(right)}")
    print(f"{checked} derivatives, {kinks} at kinks, {wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
