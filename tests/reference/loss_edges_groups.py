"""Groups of loss_edges.py with inputs of any shape: what is replaced in each cell, and what that changes."""

import math

from mpmath import mp, mpf

from loss_edges_numbers import NAN, UNSPECIFIED, ZERO, div, flat, lift, rounded, scaled, total


def difference(before, after):
    return {i: v for i, (u, v) in enumerate(zip(before, after)) if u != v}


class Group:
    """One group. Arguments are lists of rows; `places` name an entry, or several, that take each special value in turn, `extra` are
    lists of (argument, row, column, value), for the first reduction or for each."""

    products = False

    def __init__(self, name, function, wrt=(), options=None, reductions=("none", "mean", "sum"), places=(), extra=(), repeats_extra=True,
                 only=None, few=False, slack=1):
        self.name, self.function, self.wrt, self.options, self.reductions = name, function, list(wrt), options or {}, reductions
        self.places, self.extra, self.repeats_extra, self.only, self.few, self.slack = places, extra, repeats_extra, only, few, slack

    def cells(self, reduction, fmt):
        """(replaced entries: name, row, column, value); "mean" and "sum" differ by a divisor only, and share the rare values."""
        special = [v for v in fmt.specials(few=self.few or reduction != self.reductions[0]) if self.only is None or self.only(v)]
        if reduction == "sum" and len(self.reductions) > 1:
            special = special[::2]
        for place in self.places:
            for v in special:
                yield [(*p, v) for p in (place if isinstance(place, list) else [place])]
        for change in self.extra if self.repeats_extra or reduction == self.reductions[0] else ():
            yield [(name, row, column, self.named(v, fmt)) for name, row, column, v in change]

    @staticmethod
    def named(v, fmt):
        names = {"max": fmt.max, "-max": -fmt.max, "inf": math.inf, "-inf": -math.inf, "nan": math.nan, "denormal": fmt.denormal}
        return names[v] if isinstance(v, str) else v if isinstance(v, int) else fmt.rounded(v)

    @staticmethod
    def held(rows, fmt):
        """As the dtype holds them; integers stay."""
        return [[fmt.rounded(v) if isinstance(v, float) else v for v in row] for row in rows]

    def group(self, reduction, fmt):
        base = self.base(fmt)
        line = {"loss": self.name, "options": self.options, "reduction": reduction, "dtype": fmt.name, "wrt": self.wrt, "inputs": {}}
        for name, rows in base.items():
            is_int = all(isinstance(v, int) for row in rows for v in row)
            line["inputs"][name] = {"shape": self.shape(name), "data": [v if is_int else fmt.text(float(v)) for v in self.laid_out(name, rows)]}
            if is_int:
                line["inputs"][name]["dtype"] = "int64"
        upstream = [[1.0, -2.0, 0.5, 3.0][n % 4] for n in range(self.count())]
        if reduction == "none":
            line["upstream"] = upstream
        if self.slack != 1:
            line["slack"] = self.slack
        if self.products:
            line["products"] = True
        line["value"], line["grads"] = self.results(reduction, fmt, base, upstream)
        line["cells"] = [self.cell(reduction, fmt, base, upstream, line, change) for change in self.cells(reduction, fmt)]
        return line

    def cell(self, reduction, fmt, base, upstream, line, change):
        """[what is replaced, what that changes of the value, and of each gradient]"""
        data = {name: [list(row) for row in rows] for name, rows in base.items()}
        patches = {}
        for name, row, column, v in change:
            data[name][row][column] = v
            patches.setdefault(name, {})[self.flat_index(name, row, column)] = v if isinstance(v, int) else fmt.text(v)
        value, grads = self.results(reduction, fmt, data, upstream)
        changes = {name: difference(line["grads"][name], g) for name, g in grads.items()}
        return [patches, difference(line["value"], value), {name: d for name, d in changes.items() if d}]

    def value(self, reduction, fmt, values, divisor, terms=1):
        if reduction == "none":
            return [rounded(v, fmt) for v in values]
        value = NAN if divisor == 0 else total(values, divisor, fmt, terms)
        if 0 < abs(divisor) < mpf(fmt.denormal) * 2**fmt.digits:  # products with such weights may be rounded to 0 first
            value = flat([value, total([lift(lambda v: mpf(fmt.rounded(v)), v) for v in values], divisor, fmt)])
        return [rounded(value, fmt)]


class Rows(Group):
    """Rows that do not meet: the function takes the options and one of each argument, and returns its value and partials.

    vectors: per row; labels: one int per row; shared: for all rows. layout "rows" is (N, D), "single" (D), "columns" (1, D, N).
    """

    def __init__(self, name, function, vectors, labels=None, shared=None, layout="rows", divisor=None, **common):
        super().__init__(name, function, **common)
        self.vectors, self.labels, self.shared, self.layout, self.divisor = vectors, labels or {}, shared or {}, layout, divisor

    def counts(self):
        first = next(iter(self.vectors.values()))
        return len(first), len(first[0])

    def count(self):
        return self.counts()[0]

    def base(self, fmt):
        base = {n: self.held(rows, fmt) for n, rows in self.vectors.items()}
        base |= {n: [[v] for v in values] for n, values in self.labels.items()}
        return base | {n: [[fmt.rounded(v) for v in values]] for n, values in self.shared.items()}

    def flat_index(self, name, row, column):
        rows, width = self.counts()
        if name not in self.vectors:
            return column if name in self.shared else row
        return column * rows + row if self.layout == "columns" else row * width + column

    def shape(self, name):
        rows, width = self.counts()
        if name in self.shared:
            return [width]
        if name in self.labels:
            return {"rows": [rows], "single": [], "columns": [1, rows]}[self.layout]
        return {"rows": [rows, width], "single": [width], "columns": [1, width, rows]}[self.layout]

    def laid_out(self, name, rows):
        """Rows of one argument, in the order of memory."""
        if self.layout == "columns" and name in self.vectors:
            return [row[j] for j in range(len(rows[0])) for row in rows]
        return [v for row in rows for v in row]

    def results(self, reduction, fmt, data, upstream):
        count = len(upstream)
        rows = []
        for n in range(count):
            row = {name: [v if isinstance(v, int) else mpf(v) for v in data[name][n]] for name in self.vectors}
            row |= {name: data[name][n][0] for name in self.labels}
            row |= {name: [mpf(v) for v in data[name][0]] for name in self.shared}
            rows.append(row)
        head = (self.options, fmt) if getattr(self.function, "needs_format", False) else (self.options,)
        results = [self.function(*head, *row.values()) for row in rows]
        divisor = mpf(1)
        if reduction == "mean":
            divisor = self.divisor(self.options, rows) if self.divisor else mpf(count)
        value = self.value(reduction, fmt, [l for l, _ in results], divisor, getattr(self.function, "terms", 1))
        factors = [mpf(u) for u in upstream] if reduction == "none" else [div(1, divisor)] * count
        grads = {}
        for name in self.wrt:
            parts = [[self.scale(v, f, divisor, fmt) for v in partials[name]] for f, (_, partials) in zip(factors, results)]
            if name in self.shared:
                grads[name] = [rounded(total(list(column), mpf(1), fmt), fmt) for column in zip(*parts)]
            else:
                grads[name] = self.laid_out(name, [[rounded(v, fmt) for v in row] for row in parts])
        return value, grads

    @staticmethod
    def scale(v, factor, divisor, fmt):
        if divisor == 0 or not mp.isfinite(divisor):  # nothing counted, or weights that sum to 0
            return ZERO if v is ZERO else UNSPECIFIED
        return scaled(v, factor, fmt)


class Batch(Group):
    """Rows that meet: the function takes the options, the format and all arguments, by name, and returns the values, and the gradients
    (argument to rows) as a function of what comes in for each value.

    inputs: lists of rows, or, of one dimension, a row. products: rows meet in a matrix product.
    """

    def __init__(self, name, function, inputs, products=False, **common):
        super().__init__(name, function, repeats_extra=False, **common)
        self.products = products
        self.flat = {n for n, rows in inputs.items() if not isinstance(rows[0], list)}
        self.inputs = {n: [rows] if n in self.flat else rows for n, rows in inputs.items()}

    def count(self):
        return self.outputs

    def base(self, fmt):
        base = {n: self.held(rows, fmt) for n, rows in self.inputs.items()}
        self.outputs = len(self.function(self.options, fmt, self.exact(base))[0])
        return base

    def flat_index(self, name, row, column):
        return row * len(self.inputs[name][0]) + column

    def shape(self, name):
        rows = self.inputs[name]
        return [len(rows[0])] if name in self.flat else [len(rows), len(rows[0])]

    @staticmethod
    def laid_out(name, rows):
        return [v for row in rows for v in row]

    def exact(self, data):
        exact = {n: [[v if isinstance(v, int) else mpf(v) for v in row] for row in rows] for n, rows in data.items()}
        return {n: rows[0] if n in self.flat else rows for n, rows in exact.items()}

    def results(self, reduction, fmt, data, upstream):
        values, gradients = self.function(self.options, fmt, self.exact(data))
        divisor = mpf(len(values)) if reduction == "mean" else mpf(1)
        factors = [mpf(u) for u in upstream] if reduction == "none" else [1 / divisor] * len(values)
        grads = gradients(factors)
        rows = {n: [grads[n]] if n in self.flat else grads[n] for n in self.wrt}
        return self.value(reduction, fmt, values, divisor), {n: [rounded(v, fmt) for v in self.laid_out(n, r)] for n, r in rows.items()}
