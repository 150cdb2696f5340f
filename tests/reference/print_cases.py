#!/usr/bin/env python3
"""Writes tests/data/print_cases.txt: tensors and the text PyTorch prints for them.

    python3 tests/reference/print_cases.py > tests/data/print_cases.txt

Needs torch (written with 1.13.1); the tests read only the text file. One case:

    case NAME
    dtype float32 | float64 | int64 | bool
    sizes 3 2                  geometry over the storage, as torch.as_strided takes it
    strides 1 3
    offset 0
    grad none | leaf | mul     plain, requires_grad, or multiplied by 1.0 while requiring grad
    default float32 | float64  the default dtype
    options precision=4 threshold=1000 edgeitems=3 linewidth=80
    storage 12 0x1.8p+0 nan    the numbers, or
    formula 2000 7 13 6 4      2000 numbers, number i being ((i * 7) % 13 - 6) / 4, the division in float64 for floats, none for integers
    text 2                     the expected text, each line with a bar before it
    |tensor([[1., 2.],
    |        [3., 4.]])

Lines `grad`, `default` and `options` are left out where they say the first of their values above. The text differs from PyTorch's in
one point: dtype=float64 instead of dtype=torch.float64, which also moves where such a line breaks.
"""

import math
import random

import torch
from torch import _tensor_str

TYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "bool": torch.bool}
DEFAULTS = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80)
rng = random.Random(20240607)
count = 0


def render(t):
    """str(t), with this project's names of the dtypes."""
    indent = len("tensor(")
    empty = t.numel() == 0
    body = "[]" if empty else _tensor_str._tensor_str(t, indent)
    default = torch.get_default_dtype()
    suffixes = []
    if empty and t.dim() != 1:
        suffixes.append("size=" + str(tuple(t.shape)))
    if t.dtype != default and (empty or t.dtype not in (torch.int64, torch.bool)):
        suffixes.append("dtype=" + str(t.dtype).replace("torch.", ""))
    if t.grad_fn is not None:
        suffixes.append("grad_fn=<" + type(t.grad_fn).__name__ + ">")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    text = _tensor_str._add_suffixes("tensor(" + body, suffixes, indent, False)
    if not any(s.startswith("dtype") for s in suffixes):
        assert text == str(t), (text, str(t))
    return text


def token(v):
    """An exact and short spelling that strtod reads."""
    if not math.isfinite(v):
        return "nan" if math.isnan(v) else "inf" if v > 0 else "-inf"
    if v == int(v) and abs(v) < 1e6 and str(v) != "-0.0":
        return str(int(v))
    mantissa, exponent = v.hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent


def dense_strides(sizes):
    strides, step = [], 1
    for s in reversed(sizes):
        strides.insert(0, step)
        step *= max(s, 1)
    return strides


def emit(name, dtype, sizes, storage, strides=None, offset=0, grad="none", default="float32", **options):
    """`storage`: the numbers, or the five integers of a formula."""
    global count
    count += 1
    strides = dense_strides(sizes) if strides is None else strides
    if isinstance(storage, tuple):
        n, a, m, c, d = storage
        numbers = [((i * a) % m - c) for i in range(n)]
        if dtype.startswith("float"):
            numbers = [v / d for v in numbers]
        line = "formula " + " ".join(map(str, storage))
    else:
        numbers = list(storage)
        line = None
    torch.set_default_dtype(TYPES[default])
    torch.set_printoptions(**{**DEFAULTS, **options})
    base = torch.tensor(numbers, dtype=TYPES[dtype])
    if line is None:
        kept = base.tolist()
        if dtype.startswith("float"):
            tokens = [token(v) for v in kept]
        else:
            tokens = [str(int(v)) for v in kept]
        line = " ".join(["storage"] + tokens)
    t = torch.as_strided(base, sizes, strides, offset)
    if grad != "none":
        t = t.detach().requires_grad_()
    if grad == "mul":
        t = t * 1.0
    text = render(t).split("\n")
    torch.set_default_dtype(torch.float32)

    print("case", name)
    print("dtype", dtype)
    print(" ".join(["sizes"] + [str(s) for s in sizes]))
    print(" ".join(["strides"] + [str(s) for s in strides]))
    print("offset", offset)
    if grad != "none":
        print("grad", grad)
    if default != "float32":
        print("default", default)
    if options:
        print("options", " ".join(f"{k}={v}" for k, v in options.items()))
    print(line)
    print("text", len(text))
    for part in text:
        print("|" + part)
    print()


def hand_picked():
    inf, nan = math.inf, math.nan
    rows = {
        "one_row": ([1, 2], [1, 2]),
        "scalar": ([], [3]),
        "scalar_fraction": ([], [0.1]),
        "scalar_tiny": ([], [1e-5]),
        "scalar_large": ([], [1e9]),
        "scalar_limit_1e8": ([], [1e8]),
        "scalar_above_1e8": ([], [100000008.0]),
        "scalar_nan": ([], [nan]),
        "scalar_inf": ([], [inf]),
        "scalar_minus_inf": ([], [-inf]),
        "scalar_zero": ([], [0.0]),
        "scalar_minus_zero": ([], [-0.0]),
        "fixed": ([3], [1.5, 2, 1000]),
        "ratio_is_1000_exactly": ([2], [0.5, 500]),
        "ratio_above_1000": ([2], [0.5, 500.5]),
        "small_makes_scientific": ([2], [1e-5, 1]),
        "just_1e-4": ([1], [1e-4]),
        "below_1e-4": ([1], [0.99e-4]),
        "nan_beside_integer": ([2], [nan, 1]),
        "inf_beside_fraction": ([2], [inf, -1.5]),
        "empty": ([0], []),
        "empty_2_0": ([2, 0], []),
        "empty_0_3_0": ([0, 3, 0], []),
        "wide_ratio": ([2], [9.9999e4, 0.5]),
        "integral_ratio_1000": ([2], [1, 1000]),
        "integral_ratio_1001": ([2], [1, 1001]),
        "integral_with_zero": ([3], [0, 5, 1000]),
        "zeros": ([2, 2], [0, 0, 0, 0]),
        "minus_zeros": ([3], [-0.0, 0.0, -0.0]),
        "minus_zero_fraction": ([3], [-0.0, 0.25, 1]),
        "all_special": ([4], [nan, inf, -inf, 0]),
        "special_and_scientific": ([5], [nan, inf, -inf, 0, 1e10]),
        "special_and_negative": ([4], [nan, -inf, 1.25, -3]),
        "denormal": ([2], [1e-40, 0]),
        "denormal_double_range": ([2], [5e-324, 1]),
        "largest": ([2], [3.4028234e38, 1]),
        "rounding_half": ([4], [0.00005, 0.12345, 2.00005, 0.5]),
        "rounds_to_next_width": ([2], [9.99996, 1.5]),
        "thirds": ([2, 3], [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2]),
        "three_blocks": ([3, 2, 2], [i / 4 for i in range(12)]),
        "four_dims": ([2, 1, 2, 2], list(range(8))),
        "eight_dims": ([1, 2, 1, 1, 2, 1, 1, 2], list(range(8))),
        "eight_ones": ([1] * 8, [0.5]),
        "column": ([4, 1], [1, 10, 100, 999]),
        "mixed_magnitudes": ([4], [1, 22, 333, 4444]),
        "hundred_million": ([2], [1e8, 1e8]),
    }
    for name, (sizes, values) in rows.items():
        for dtype in ("float32", "float64"):
            emit(f"{name}_{dtype}", dtype, sizes, values)
    emit("double_as_default", "float64", [2], [1.5, 2], default="float64")
    emit("float_when_double_is_default", "float32", [2], [1.5, 2], default="float64")
    emit("int_when_double_is_default", "int64", [2], [1, 2], default="float64")
    emit("empty_double_as_default", "float64", [0, 2], [], default="float64")
    for dtype in ("int64", "bool"):
        emit(f"empty_{dtype}", dtype, [0], [])
        emit(f"empty_2_0_{dtype}", dtype, [2, 0], [])
    emit("ints", "int64", [3], [-1, 20, 300])
    emit("int_limits", "int64", [2], [-(2**63), 2**63 - 1])
    emit("int_scalar", "int64", [], [-7])
    emit("int_lines", "int64", [40], (40, 37, 101, 50, 1))
    emit("int_long_numbers_one_per_line", "int64", [3], [10**18, -(10**18), 5], linewidth=24)
    emit("bools", "bool", [2], [True, False])
    emit("bool_scalar", "bool", [], [True])
    emit("bools_true", "bool", [2, 2], [True] * 4)
    emit("bool_lines", "bool", [3, 15], (45, 5, 2, 0, 1))

    for dtype in ("float32", "float64"):
        for grad in ("leaf", "mul"):
            emit(f"{grad}_{dtype}", dtype, [1], [2], grad=grad)
            emit(f"{grad}_scalar_{dtype}", dtype, [], [2.5], grad=grad)
            emit(f"{grad}_matrix_{dtype}", dtype, [2, 3], [i / 8 for i in range(6)], grad=grad)
            emit(f"{grad}_empty_{dtype}", dtype, [0, 3], [], grad=grad)
            emit(f"{grad}_long_{dtype}", dtype, [30], (30, 7, 31, 10, 3), grad=grad)
    # Suffixes near the right margin: each length of the last line from well before to well past the break.
    for n in range(8, 27):
        emit(f"suffix_margin_{n}", "float64", [n], list(range(n)), grad="mul" if n % 2 else "leaf")
    for n in (16, 17, 18, 19):
        emit(f"suffix_margin_second_line_{n}", "float32", [2, n], (2 * n, 1, 10, 0, 1), grad="leaf")

    emit("transposed", "float32", [3, 2], [1, 2, 3, 4, 5, 6], strides=[1, 3])
    emit("expanded_rows", "float32", [3, 2], [1.5, 2.5], strides=[0, 1])
    emit("expanded_scalar", "int64", [2, 3], [7], strides=[0, 0])
    emit("every_second", "float64", [4], list(range(8)), strides=[2], offset=1)
    emit("column_of_matrix", "bool", [3], [True, False, False, True, True, True], strides=[2], offset=1)
    emit("permuted_3d", "float32", [4, 2, 3], [i / 2 for i in range(24)], strides=[1, 12, 4])
    emit("overlapping_windows", "float32", [4, 3], [0.5, 1, 2, 3, 4, 5], strides=[1, 1])
    emit("offset_scalar", "float32", [], [1, 2, 3], strides=[], offset=2)
    emit("expanded_summary", "float32", [50, 40], [0.25], strides=[0, 0])
    emit("transposed_summary", "int64", [60, 20], (1200, 1, 5000, 0, 1), strides=[1, 60])

    for n in (1000, 1001):
        for dtype in ("float32", "float64", "int64", "bool"):
            emit(f"threshold_{n}_{dtype}", dtype, [n], (n, 7919, 2003 if dtype != "bool" else 2, 0, 8))
    for sizes in ([7, 200], [6, 200], [200, 6], [200, 7], [5, 2, 13, 9], [2, 3, 7, 30], [1001, 1], [1, 1001], [3, 400, 1], [7, 8, 2, 10],
                  [1, 1, 1, 1, 1, 1, 1, 1100], [1, 2, 2, 1, 2, 2, 9, 15], [7, 1, 1, 1, 11, 1, 1, 15]):
        n = math.prod(sizes)
        name = "x".join(map(str, sizes))
        emit(f"summary_{name}", "float32", sizes, (n, 7919, 2003, 1001, 8))
        emit(f"summary_{name}_int", "int64", sizes, (n, 31, 997, 400, 1), grad="none")
        emit(f"summary_{name}_leaf", "float64", sizes, (n, 1, 100000, 0, 1000), grad="leaf")

    for option in ({"precision": 0}, {"precision": 1}, {"precision": 8}, {"precision": 16}, {"linewidth": 20}, {"linewidth": 8},
                   {"linewidth": 1}, {"linewidth": 200}, {"edgeitems": 1}, {"edgeitems": 5}, {"threshold": 0}, {"threshold": 5},
                   {"threshold": 5, "edgeitems": 1, "precision": 2, "linewidth": 40}):
        name = "_".join(f"{k}{v}" for k, v in option.items())
        emit(f"option_{name}_fractions", "float32", [4, 9], (36, 17, 101, 50, 7), **option)
        emit(f"option_{name}_scientific", "float64", [3, 2, 4], (24, 40507, 999983, 5, 1024), **option)
        emit(f"option_{name}_ints", "int64", [12, 3], (36, 7919, 100003, 50000, 1), **option)
        emit(f"option_{name}_grad", "float64", [12], (12, 13, 29, 9, 4), grad="mul", **option)


def random_value(dtype, style):
    if dtype == "bool":
        return rng.random() < 0.5
    if dtype == "int64":
        return rng.randint(-(10 ** rng.randint(1, style["digits"])), 10 ** rng.randint(1, style["digits"]))
    if rng.random() < style["special"]:
        return rng.choice([math.nan, math.inf, -math.inf, 0.0, -0.0])
    kind = style["kind"]
    sign = -1 if rng.random() < style["negative"] else 1
    if kind == "integral":
        return sign * float(rng.randint(0, 10 ** style["digits"]))
    if kind == "unit":
        return sign * rng.random()
    if kind == "normal":
        return rng.gauss(0, 10 ** rng.randint(-2, 3))
    return sign * 10 ** rng.uniform(-style["span"], style["span"])


def random_cases(cases):
    for k in range(cases):
        dtype = rng.choice(["float32"] * 4 + ["float64"] * 3 + ["int64"] * 2 + ["bool"])
        ndim = rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8])
        sizes = [rng.choice([1, 2, 2, 3, 4, 7, 11]) for _ in range(ndim)]
        while math.prod(sizes) > 90:
            sizes[rng.randrange(ndim)] = 1
        if ndim == 1 and rng.random() < 0.5:
            sizes = [rng.randint(1, 60)]
        style = dict(special=rng.choice([0, 0, 0.1, 0.5]), negative=rng.choice([0, 0, 0.5]), span=rng.choice([1, 3, 6, 30]),
                     digits=rng.choice([1, 2, 3, 5, 9]), kind=rng.choice(["integral", "unit", "normal", "powers"]))
        dims = list(range(ndim))
        rng.shuffle(dims)
        strides, step = [0] * ndim, 1
        for d in dims:
            stretched = rng.random() < 0.15
            strides[d] = 0 if stretched else step
            if not stretched:
                step *= sizes[d] * rng.choice([1, 1, 1, 2])
        if rng.random() < 0.5:
            strides, step = dense_strides(sizes), math.prod(sizes)
        offset = rng.choice([0, 0, 1, 3])
        reach = offset + 1 + sum((s - 1) * t for s, t in zip(sizes, strides))
        if reach > 260:
            strides, offset, reach = dense_strides(sizes), 0, math.prod(sizes)
        storage = [random_value(dtype, style) for _ in range(reach)]
        grad = rng.choice(["none", "none", "leaf", "mul"]) if dtype.startswith("float") else "none"
        options = {}
        if rng.random() < 0.25:
            options["precision"] = rng.randint(0, 9)
        if rng.random() < 0.25:
            options["linewidth"] = rng.randint(10, 120)
        if rng.random() < 0.25:
            options["threshold"], options["edgeitems"] = rng.randint(0, 60), rng.randint(1, 4)
        emit(f"random_{k}", dtype, sizes, storage, strides, offset, grad, rng.choice(["float32"] * 5 + ["float64"]), **options)


print("# Written by tests/reference/print_cases.py, which states the format.")
print()
hand_picked()
random_cases(150)
