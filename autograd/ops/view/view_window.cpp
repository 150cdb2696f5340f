// Views of a part of a tensor, and the pieces it can be cut into.
#include <algorithm>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/view/internal/window.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace detail {

Geometry SliceWindow::place(const Shape& sizes, const Shape& strides) const {
  Geometry g{sizes, strides, start * strides[dim]};
  g.sizes[dim] = length;
  g.strides[dim] *= step;
  return g;
}

Geometry SelectWindow::place(const Shape& sizes, const Shape& strides) const {
  Geometry g{sizes, strides, index * strides[dim]};
  g.sizes.erase(dim);
  g.strides.erase(dim);
  return g;
}

Geometry DiagonalWindow::place(const Shape& sizes, const Shape& strides) const {
  const std::int64_t down = std::max<std::int64_t>(-offset, 0), right = std::max<std::int64_t>(offset, 0);
  const std::int64_t length = std::max<std::int64_t>(std::min(sizes[dim1] - down, sizes[dim2] - right), 0);
  Geometry g{sizes, strides, length > 0 ? down * strides[dim1] + right * strides[dim2] : 0};
  const std::int64_t stride = strides[dim1] + strides[dim2];
  for (int d : {std::max(dim1, dim2), std::min(dim1, dim2)}) {
    g.sizes.erase(d);
    g.strides.erase(d);
  }
  g.sizes.push_back(length);
  g.strides.push_back(stride);
  return g;
}

Geometry UnfoldWindow::place(const Shape& sizes, const Shape& strides) const {
  if (sizes.empty()) return {{size}, {1}};
  Geometry g{sizes, strides};
  g.sizes[dim] = (sizes[dim] - size) / step + 1;
  g.strides[dim] *= step;
  g.sizes.push_back(size);
  g.strides.push_back(strides[dim]);
  return g;
}

namespace {
template <class T>
void add_values(const TensorImpl& to, const TensorImpl& values) {
  map<T, T, T>(to, to, values, [](T a, T b) {
    if constexpr (std::is_same_v<T, bool>)
      return a || b;
    else
      return static_cast<T>(a + b);
  });
}
}  // namespace

// Values that fall onto the same element lie in different positions of the last dimension: adding position by position
// keeps each step free of collisions and the order of additions fixed.
Tensor embed_values(const Tensor& values, const Shape& base, const Geometry& g, bool overlaps) {
  Tensor out = zeros(base, {.dtype = values.dtype()});
  if (values.numel() == 0) return out;
  if (!overlaps) {
    copy_kernel(alias_of(out, g).impl(), values.impl());
    return out;
  }
  const DType dtype = values.dtype();
  const bool widen = dtype == DType::float32;  // sums of many windows stay accurate
  const Tensor total = widen ? zeros(base, {.dtype = DType::float64}) : out;
  const Tensor wide = widen ? make_empty(values.shape(), DType::float64) : values;
  if (widen) copy_kernel(wide.impl(), values.impl());
  const int last = g.sizes.size() - 1;
  for (std::int64_t i = 0; i < g.sizes[last]; ++i) {
    const SelectWindow position{last, i};
    Geometry there = position.place(g.sizes, g.strides);
    there.offset += g.offset;
    const Tensor to = alias_of(total, there), from = alias_of(wide, position.place(wide.shape(), wide.strides()));
    visit_dtype(total.dtype(), [&](auto tag) { add_values<typename decltype(tag)::type>(to.impl(), from.impl()); });
  }
  if (widen) copy_kernel(out.impl(), total.impl());
  return out;
}

}  // namespace detail

namespace {

void need_dimension(In x, const char* op) {
  if (x->dim() == 0)
    throw IndexError(concat(op, ": a single number has no dimension to work on; reshape it to {1} first"), x.loc);
}

/// The pieces of a dimension. They share a node: their gradients are joined once, instead of each being spread over the
/// whole.
template <bool Unbind>
struct Cut {
  static constexpr std::string_view name = Unbind ? "Unbind" : "Split";
  int dim;
  std::vector<std::int64_t> sizes;
  Shape base{};
  struct Saved {};

  /// f(window) for the piece of `size` elements that starts at `start`.
  template <class F>
  auto at(std::int64_t start, std::int64_t size, const F& f) const {
    if constexpr (Unbind)
      return f(detail::SelectWindow{dim, start});
    else
      return f(detail::SliceWindow{dim, start, size, 1});
  }

  std::vector<View> forward(Saved&, const Tensor& x) {
    base = x.shape();
    std::vector<View> pieces;
    pieces.reserve(sizes.size());
    std::int64_t start = 0;
    for (const std::int64_t n : sizes) {
      pieces.emplace_back(at(start, n, [&](const auto& w) { return detail::alias_of(x, w.place(base, x.strides())); }));
      start += n;
    }
    return pieces;
  }

  Grads<1> backward(const Saved&, std::span<const Tensor> g) const {
    std::size_t arrived = 0, first = 0;
    for (std::size_t i = g.size(); i-- > 0;)
      if (g[i].defined()) {
        ++arrived;
        first = i;
      }
    if (arrived == 1 && g.size() > 1) {
      std::int64_t start = 0;
      for (std::size_t i = 0; i < first; ++i) start += sizes[i];
      return {at(start, sizes[first], [&](const auto& w) { return detail::embed({}, w, base, g[first]); })};
    }
    std::vector<Tensor> pieces(g.begin(), g.end());
    const Tensor nothing = zeros({}, {.dtype = g[first].dtype()});
    for (std::size_t i = 0; i < pieces.size(); ++i)
      if (!pieces[i].defined()) {
        Shape shape = base;
        if constexpr (Unbind)
          shape.erase(dim);
        else
          shape[dim] = sizes[i];
        pieces[i] = expand(nothing, shape);
      }
    return {Unbind ? stack(pieces, dim) : cat(pieces, dim)};
  }
};

template <bool Unbind>
std::vector<Tensor> cut(In x, int dim, std::vector<std::int64_t> sizes) {
  Cut<Unbind> op{dim, std::move(sizes)};
  if (op.sizes.size() <= UINT16_MAX) return apply(x.loc, std::move(op), x.tensor);
  // More than one node can number.
  std::vector<Tensor> out;
  out.reserve(op.sizes.size());
  std::int64_t start = 0;
  for (const std::int64_t n : op.sizes) {
    out.push_back(op.at(start, n, [&](const auto& w) { return detail::show(x.loc, w, x.tensor); }));
    start += n;
  }
  return out;
}

}  // namespace

Tensor narrow(In x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  CallerScope scope(x.loc);
  need_dimension(x, "narrow");
  const int d = wrap_dim(dim, x->dim(), "narrow", x.loc);
  const std::int64_t size = x->shape()[d];
  if (length < 0) throw ValueError(concat("narrow: the length must not be negative, got ", length), x.loc);
  if (start < -size || start > size)
    throw IndexError(concat("narrow: start out of range (expected to be in range of [", -size, ", ", size,
                            "], but got ", start, ")"),
                     x.loc);
  const std::int64_t first = start < 0 ? start + size : start;
  if (length > size - first)
    throw IndexError(concat("narrow: start (", first, ") + length (", length, ") exceeds dimension size (", size,
                            ") of dimension ", d),
                     x.loc);
  return detail::show(x.loc, detail::SliceWindow{d, first, length, 1}, x.tensor);
}

Tensor slice(In x, std::int64_t dim, std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
             std::int64_t step) {
  CallerScope scope(x.loc);
  need_dimension(x, "slice");
  const int d = wrap_dim(dim, x->dim(), "slice", x.loc);
  if (step < 1)
    throw ValueError(concat("slice: slice step must be positive, got ", step, "; use flip() to reverse"), x.loc);
  const std::int64_t size = x->shape()[d];
  const auto bound = [size](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
  const std::int64_t first = bound(start.value_or(0)), last = std::max(first, bound(stop.value_or(size)));
  const std::int64_t length = last > first ? (last - first - 1) / step + 1 : 0;
  // The stride of fewer than two elements is never used; a huge step must not overflow it.
  return detail::show(x.loc, detail::SliceWindow{d, first, length, length > 1 ? step : 1}, x.tensor);
}

Tensor select(In x, std::int64_t dim, std::int64_t index) {
  CallerScope scope(x.loc);
  need_dimension(x, "select");
  const int d = wrap_dim(dim, x->dim(), "select", x.loc);
  const std::int64_t size = x->shape()[d];
  if (index < -size || index >= size)
    throw IndexError(concat("select: index ", index, " is out of bounds for dimension ", d, " with size ", size),
                     x.loc);
  return detail::show(x.loc, detail::SelectWindow{d, index < 0 ? index + size : index}, x.tensor);
}

std::vector<Tensor> split(In x, std::int64_t size, std::int64_t dim) {
  CallerScope scope(x.loc);
  need_dimension(x, "split");
  const int d = wrap_dim(dim, x->dim(), "split", x.loc);
  const std::int64_t n = x->shape()[d];
  if (size < 0) throw ValueError(concat("split: the size of a piece must not be negative, got ", size), x.loc);
  if (size == 0 && n != 0)
    throw ValueError(concat("split: pieces of size 0 never cover a dimension of size ", n), x.loc);
  std::vector<std::int64_t> sizes;
  for (std::int64_t at = 0; at < n; at += std::min(size, n - at)) sizes.push_back(std::min(size, n - at));
  if (sizes.empty()) sizes.push_back(0);
  return cut<false>(x, d, std::move(sizes));
}

std::vector<Tensor> split(In x, const std::vector<std::int64_t>& sizes, std::int64_t dim) {
  CallerScope scope(x.loc);
  need_dimension(x, "split");
  const int d = wrap_dim(dim, x->dim(), "split", x.loc);
  std::int64_t total = 0;
  bool valid = true;
  for (std::int64_t s : sizes) valid &= s >= 0 && !__builtin_add_overflow(total, s, &total);
  if (!valid || total != x->shape()[d])
    throw ShapeError(concat("split: the sizes of the pieces must add up to ", x->shape()[d], ", the size of dimension ",
                            d, ", but are ", std::span<const std::int64_t>(sizes)),
                     x.loc);
  return cut<false>(x, d, sizes);
}

std::vector<Tensor> chunk(In x, std::int64_t count, std::int64_t dim) {
  CallerScope scope(x.loc);
  need_dimension(x, "chunk");
  const int d = wrap_dim(dim, x->dim(), "chunk", x.loc);
  if (count <= 0) throw ValueError(concat("chunk: the number of chunks must be at least 1, got ", count), x.loc);
  const std::int64_t n = x->shape()[d];
  // As many tensors: no more than lists of them are made of otherwise.
  if (n == 0 && count > 1'000'000)
    throw ValueError(concat("chunk: ", count, " pieces of a dimension of size 0 are too many"), x.loc);
  if (n == 0) return cut<false>(x, d, std::vector<std::int64_t>(static_cast<std::size_t>(count), 0));
  return split(x, (n - 1) / count + 1, d);
}

std::vector<Tensor> unbind(In x, std::int64_t dim) {
  CallerScope scope(x.loc);
  need_dimension(x, "unbind");
  const int d = wrap_dim(dim, x->dim(), "unbind", x.loc);
  return cut<true>(x, d, std::vector<std::int64_t>(static_cast<std::size_t>(x->shape()[d]), 1));
}

Tensor diagonal(In x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  CallerScope scope(x.loc);
  const int n = x->dim();
  if (n < 2)
    throw ShapeError(concat("diagonal: needs a tensor of at least 2 dimensions, got shape ", to_text(x->shape())),
                     x.loc);
  const int a = wrap_dim(dim1, n, "diagonal", x.loc), b = wrap_dim(dim2, n, "diagonal", x.loc);
  if (a == b) throw ShapeError(concat("diagonal: diagonal dimensions cannot be identical ", dim1, ", ", dim2), x.loc);
  // Beyond the matrix every offset shows nothing; kept small so that nothing overflows.
  const std::int64_t outermost = std::max(x->shape()[a], x->shape()[b]);
  return detail::show(x.loc, detail::DiagonalWindow{std::clamp(offset, -outermost, outermost), a, b}, x.tensor);
}

Tensor unfold(In x, std::int64_t dim, std::int64_t size, std::int64_t step) {
  CallerScope scope(x.loc);
  const int d = wrap_dim(dim, x->dim(), "unfold", x.loc);
  const std::int64_t n = x->dim() == 0 ? 1 : x->shape()[d];
  if (size < 0) throw ValueError(concat("unfold: size is ", size, " but must be >= 0"), x.loc);
  if (size > n)
    throw ShapeError(concat("unfold: a window of ", size, " does not fit into dimension ", d, " of size ", n), x.loc);
  if (step <= 0) throw ValueError(concat("unfold: step is ", step, " but must be > 0"), x.loc);
  return detail::show(x.loc, detail::UnfoldWindow{d, size, std::min(step, n + 1)}, x.tensor);
}

// ---- methods
TensorAlias Tensor::operator[](At position) const { return slope::select({*this, position.loc}, 0, position.index); }
Tensor Tensor::narrow(std::int64_t dim, std::int64_t start, std::int64_t length, SourceLoc loc) const {
  return slope::narrow({*this, loc}, dim, start, length);
}
Tensor Tensor::slice(std::int64_t dim, std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                     std::int64_t step, SourceLoc loc) const {
  return slope::slice({*this, loc}, dim, start, stop, step);
}
Tensor Tensor::select(std::int64_t dim, std::int64_t index, SourceLoc loc) const {
  return slope::select({*this, loc}, dim, index);
}
std::vector<Tensor> Tensor::split(std::int64_t size, std::int64_t dim, SourceLoc loc) const {
  return slope::split({*this, loc}, size, dim);
}
std::vector<Tensor> Tensor::split(const std::vector<std::int64_t>& sizes, std::int64_t dim, SourceLoc loc) const {
  return slope::split({*this, loc}, sizes, dim);
}
std::vector<Tensor> Tensor::chunk(std::int64_t count, std::int64_t dim, SourceLoc loc) const {
  return slope::chunk({*this, loc}, count, dim);
}
std::vector<Tensor> Tensor::unbind(std::int64_t dim, SourceLoc loc) const { return slope::unbind({*this, loc}, dim); }
Tensor Tensor::diagonal(std::int64_t offset, std::int64_t dim1, std::int64_t dim2, SourceLoc loc) const {
  return slope::diagonal({*this, loc}, offset, dim1, dim2);
}
Tensor Tensor::unfold(std::int64_t dim, std::int64_t size, std::int64_t step, SourceLoc loc) const {
  return slope::unfold({*this, loc}, dim, size, step);
}

}  // namespace slope
