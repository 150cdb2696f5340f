#!/usr/bin/env python3
"""Writes tests/data/index_cases.txt: what PyTorch's x[...] reads, writes and differentiates.

    python3 tests/reference/index_cases.py > tests/data/index_cases.txt

Needs torch (written with 1.13.1); the tests read only the text file. x holds 0, 1, 2, ... in its shape. One case:

    case 17
    shape 3 4 2
    int -1                     the indices, in order:
    slice _ 3 2                start stop step, _ for an open end
    none
    ellipsis
    bool 1
    long 2 3 : 0 1 2 -1 0 1    shape : values
    mask 3 4 : 0 1 ...
    error                      the reading throws, or
    view 0 | 1                 whether the result shares the memory of x
    result 2 3 : ...           shape : values
    grad ...                   gradient of sum(result * (1, 2, 3, ...)) with respect to x
    assigned ...               x after x[...] = (-1, -2, -3, ...); left out when positions repeat
"""

import random
import warnings

import torch

warnings.simplefilter("error", DeprecationWarning)  # an index out of range in an empty selection
rng = random.Random(20240531)


def numbers(t):
    return " ".join(str(int(v)) for v in t.reshape(-1).tolist())


def shaped(t):
    return " ".join(map(str, t.shape)) + " : " + numbers(t)


def random_index(sizes):
    """A list of (text, python index) for a tensor of these sizes."""
    items = []
    common = [rng.choice([1, 2, 3]) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
    ellipsis_at = rng.randrange(len(sizes) + 1) if rng.random() < 0.3 else None
    d = 0
    while d < len(sizes):
        if ellipsis_at == d and d > 0:
            items.append(("ellipsis", Ellipsis))
            left = rng.randrange(len(sizes) - d + 1)
            d = len(sizes) - left
            ellipsis_at = None
            continue
        if rng.random() < 0.1:
            items.append(("none", None))
        if rng.random() < 0.04:
            on = rng.random() < 0.6
            items.append((f"bool {int(on)}", on))
        if rng.random() < 0.12:
            break
        n = sizes[d]
        kind = rng.random()
        slack = 1 if rng.random() < 0.03 else 0
        if kind < 0.2:
            if n + slack == 0:
                break
            i = rng.randrange(-n - slack, n + slack)
            items.append((f"int {i}", i))
        elif kind < 0.5:
            start = rng.choice([None, rng.randrange(-n - 2, n + 3)])
            stop = rng.choice([None, rng.randrange(-n - 2, n + 3)])
            step = rng.choice([1, 1, 2, 3])
            text = " ".join("_" if v is None else str(v) for v in (start, stop, step))
            items.append((f"slice {text}", slice(start, stop, step)))
        elif kind < 0.85 or d + 1 > len(sizes):
            shape = [s if rng.random() < 0.8 else 1 for s in common[rng.randrange(len(common) + 1) if rng.random() < 0.3 else 0:]]
            count = 1
            for s in shape:
                count *= s
            if n == 0:
                shape, count = [0], 0
            values = [rng.randrange(-n - slack, n + slack) for _ in range(count)]
            t = torch.tensor(values, dtype=torch.int64).reshape(shape)
            items.append((f"long {shaped(t)}", t))
        else:
            dims = rng.choice([1, 1, 2])
            dims = min(dims, len(sizes) - d)
            t = torch.tensor([rng.random() < 0.5 for _ in range(torch.Size(sizes[d : d + dims]).numel())], dtype=torch.bool)
            t = t.reshape(sizes[d : d + dims])
            items.append((f"mask {shaped(t)}", t))
            d += dims
            continue
        d += 1
    if rng.random() < 0.03:
        items += [("int 0", 0)] * (len(sizes) + 1)
    return items


def emit(number, sizes, items):
    x = torch.arange(torch.Size(sizes).numel(), dtype=torch.float64).reshape(sizes)
    # A mask of several dimensions stands for the coordinates where it is true. PyTorch 1.13 counts it as one dimension
    # when an integer or a slice follows, so the coordinates are given here.
    index = []
    for _, i in items:
        masks = isinstance(i, torch.Tensor) and i.dtype == torch.bool and i.dim() > 1
        index += i.nonzero(as_tuple=True) if masks else [i]
    index = tuple(index)
    leaf = x.clone().requires_grad_()
    try:
        result = leaf[index]
    except IndexError:
        result = None
    if result is not None and result.numel() == 0:
        # PyTorch does not look at indices when nothing is selected; NumPy and slope always do.
        try:
            x.numpy()[tuple(i.numpy() if isinstance(i, torch.Tensor) else i for i in index)]
        except (IndexError, DeprecationWarning):
            return
    print(f"case {number}")
    print("shape", *sizes)
    for text, _ in items:
        print(text)
    if result is None:
        print("error")
        return
    print("view", int(result.numel() > 0 and leaf.storage().data_ptr() == result.storage().data_ptr()))
    print("result", shaped(result))
    weights = torch.arange(1, result.numel() + 1, dtype=torch.float64).reshape(result.shape)
    (result * weights).sum().backward()
    print("grad", numbers(leaf.grad))
    seen = x.clone().requires_grad_()
    seen[index].sum().backward()
    if seen.grad.numel() == 0 or seen.grad.max() <= 1:
        x[index] = -weights
        print("assigned", numbers(x))


shapes = [[4], [3, 4], [2, 3, 4], [3, 2, 2, 3], [2, 1, 3], [0, 3], [5, 1], [2, 2, 2, 2, 2], [3, 0, 2]]
for number in range(420):
    sizes = rng.choice(shapes)
    emit(number, sizes, random_index(sizes))
