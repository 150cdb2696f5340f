// Reading and writing along one dimension.
#include "slope/autograd/ops/index/index.h"

#include <algorithm>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/ops/index/internal/index_inplace.h"
#include "slope/autograd/ops/index/internal/one_zero.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/internal/window.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/number.h"

namespace slope {

namespace detail {

void check_index(const Tensor& index, const char* op, SourceLoc loc) {
  if (!index.defined()) throw ValueError(concat(op, ": the index is an undefined tensor"), loc);
  if (index.dtype() != DType::int64)
    throw DTypeError(concat(op, ": expected dtype int64 for index, got ", dtype_name(index.dtype())), loc);
}

void check_range(const Tensor& index, std::int64_t low, std::int64_t size, int dim, const char* op, SourceLoc loc) {
  std::int64_t bad = 0;
  if (find_out_of_range(index.impl(), low, size, &bad))
    throw IndexError(concat(op, ": index ", bad, " is out of bounds for dimension ", dim, " with size ", size), loc);
}

}  // namespace detail

namespace {

using detail::check_index;
using detail::check_range;

// ---- geometry shared by the operations

/// A 0-d tensor counts as one element of a 1-d one.
Tensor at_least_1d(const Tensor& t, SourceLoc loc) { return t.dim() == 0 ? reshape({t, loc}, {1}) : t; }

Tensor vector_of(const Tensor& index, const char* op, SourceLoc loc) {
  check_index(index, op, loc);
  if (index.dim() > 1)
    throw ShapeError(concat(op, ": the index must be a vector, but has shape ", to_text(index.shape())), loc);
  return at_least_1d(index, loc);
}

/// The shape with dimensions dim..dim+span-1 merged.
Shape merge_dims(const Shape& shape, int dim, int span) {
  Shape merged;
  for (int i = 0; i < shape.size(); ++i) {
    if (i > dim && i < dim + span)
      merged[dim] *= shape[i];
    else
      merged.push_back(shape[i]);
  }
  return merged;
}

std::int64_t product(const Shape& shape, int begin, int end) {
  std::int64_t n = 1;
  for (int i = begin; i < end; ++i) n *= shape[i];
  return n;
}

/// Strides of an index vector laid out along dimension `dim` of `shape`.
StridedArg along(const Tensor& index, const Shape& shape, int dim) {
  StridedArg arg{index.raw_data(), Shape::filled(shape.size(), 0)};
  arg.byte_strides[dim] = index.strides()[0] * static_cast<std::int64_t>(sizeof(std::int64_t));
  return arg;
}

LaneArg lanes_of(const Tensor& t, int dim) {
  const auto item = static_cast<std::int64_t>(itemsize(t.dtype()));
  LaneArg arg{{t.raw_data(), t.strides()}, t.strides()[dim] * item};
  for (std::int64_t& s : arg.lanes.byte_strides) s *= item;
  arg.lanes.byte_strides[dim] = 0;
  return arg;
}

/// to[index[i, j], j] = src[i, j] or +=, for checked operands; no graph.
void scatter_into(const Tensor& to, int dim, const Tensor& index, const Tensor& src, bool add) {
  if (index.numel() == 0) return;
  Shape lanes = index.shape();
  lanes[dim] = 1;
  scatter_kernel(lanes, index.shape()[dim], to.dtype(), lanes_of(to, dim), to.shape()[dim], lanes_of(index, dim),
                 lanes_of(src, dim), add);
}

/// An index vector over dimension `dim` of a tensor of `shape`, repeated over the other dimensions.
Tensor spread(const Tensor& index, int dim, const Shape& shape) {
  Shape along_dim = Shape::filled(shape.size(), 1);
  along_dim[dim] = index.numel();
  return expand(reshape(index, along_dim), shape);
}

/// The same as scatter_into with += for whole slices of a dense tensor.
void add_slices_into(const Tensor& to, int dim, const Tensor& index, const Tensor& source, Scalar alpha) {
  const Shape& shape = to.shape();
  const std::int64_t inner = product(shape, dim + 1, shape.size());
  constexpr std::int64_t short_row = 8;  // shorter rows do not repay grouping the indices
  if (inner < short_row && alpha.to<double>() == 1)
    return scatter_into(to, dim, spread(index, dim, source.shape()), source, true);
  const Tensor dense_index = contiguous(index), dense_source = contiguous(source);
  add_rows_kernel(to.dtype(), to.raw_data(), dense_source.raw_data(), dense_index.impl().ptr<std::int64_t>(),
                  product(shape, 0, dim), shape[dim], index.numel(), inner, alpha);
}

// ---- operations

/// Slices named by an index vector, over dimensions dim..dim+span-1 counted as one.
struct IndexSelect {
  static constexpr std::string_view name = "IndexSelect";
  int dim, span;
  Shape base{};
  struct Saved {
    SavedTensor index;
  };

  Tensor forward(Saved& s, const Tensor& x, NoGrad index) {
    s.index = save(index);
    base = x.shape();
    const Shape merged = merge_dims(base, dim, span);
    Shape shape = merged;
    shape[dim] = index.numel();
    Tensor out = make_empty(shape, x.dtype());
    if (out.numel() == 0) return out;
    const auto item = static_cast<std::int64_t>(itemsize(x.dtype()));
    const std::int64_t inner = product(merged, dim + 1, merged.size());
    const auto strides =
        x.is_contiguous() ? contiguous_strides(merged) : detail::view_strides(base, x.strides(), merged);
    if (x.is_contiguous() && inner > 1 && index.is_contiguous()) {
      gather_rows_kernel(static_cast<char*>(out.raw_data()), static_cast<const char*>(x.raw_data()),
                         index.impl().ptr<std::int64_t>(), product(merged, 0, dim), merged[dim], index.numel(),
                         inner * item);
      return out;
    }
    StridedArg from{x.raw_data(), Shape::filled(shape.size(), 0)};
    if (strides) {
      for (int i = 0; i < shape.size(); ++i) from.byte_strides[i] = i == dim ? 0 : (*strides)[i] * item;
      gather_kernel(out.impl(), from, along(index, shape, dim), (*strides)[dim] * item);
      return out;
    }
    // Dimensions that cannot be seen as one: where each position lies, in bytes.
    for (int i = 0; i < shape.size(); ++i)
      if (i != dim) from.byte_strides[i] = x.strides()[i < dim ? i : i + span - 1] * item;
    Tensor offsets = make_empty(index.shape(), DType::int64);
    map<std::int64_t, std::int64_t>(offsets.impl(), index.impl(), [&](std::int64_t at) {
      std::int64_t offset = 0;
      for (int i = dim + span - 1; i >= dim; --i) {
        offset += at % base[i] * x.strides()[i] * item;
        at /= base[i];
      }
      return offset;
    });
    gather_kernel(out.impl(), from, along(offsets, shape, dim), 1);
    return out;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor zero = detail::one_zero(merge_dims(base, dim, span), g.dtype());
    return {reshape(index_add(zero, dim, s.index.get(), g), base)};
  }
};

struct IndexAdd {
  static constexpr std::string_view name = "IndexAdd";
  int dim;
  Scalar alpha;
  struct Saved {
    SavedTensor index;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& source, NoGrad index) {
    s.index = save(index);
    Tensor out = dense_copy(x);
    add_slices_into(out, dim, index, source, alpha);
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = g;
    if (needs_grad(1)) {
      grads[1] = index_select(g, dim, s.index.get());
      if (alpha.to<double>() != 1) grads[1] = mul(grads[1], alpha);
    }
    return grads;
  }
};

struct Gather {
  static constexpr std::string_view name = "Gather";
  int dim;
  Shape base{};
  struct Saved {
    SavedTensor index;
  };
  Tensor forward(Saved& s, const Tensor& x, NoGrad index) {
    s.index = save(index);
    base = x.shape();
    Tensor out = make_empty(index.shape(), x.dtype());
    if (out.numel() == 0) return out;
    const LaneArg from = lanes_of(x, dim);
    gather_kernel(out.impl(), from.lanes, {index.raw_data(), broadcast_byte_strides(index.impl(), index.shape())},
                  from.step);
    return out;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    return {scatter_add(detail::one_zero(base, g.dtype()), dim, s.index.get(), g)};
  }
};

/// `g` at the places named by `index`, but 0 for entries that another one overwrote later.
Tensor of_the_last(const Tensor& g, int dim, const Tensor& index) {
  const Tensor at = gather(g, dim, index);
  if (index.shape()[dim] < 2) return at;
  Tensor last;
  {
    NoGradGuard no_grad;
    Shape along_dim = Shape::filled(index.dim(), 1);
    along_dim[dim] = index.shape()[dim];
    const Tensor order = expand(reshape(arange(index.shape()[dim]), along_dim), index.shape());
    const Tensor written = make_empty(g.shape(), DType::int64);
    scatter_into(written, dim, index, order, false);
    last = eq(gather(written, dim, index), order);
  }
  return where(last, at, 0);
}

/// Overwrites places named by an index tensor, or adds to them.
template <bool Add>
struct ScatterOp {
  static constexpr std::string_view name = Add ? "ScatterAdd" : "Scatter";
  int dim;
  struct Saved {
    SavedTensor index;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& src, NoGrad index) {
    s.index = save(index);
    Tensor out = dense_copy(x);
    scatter_into(out, dim, index, src, Add);
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = Add ? g : scatter(g, dim, s.index.get(), 0);
    if (needs_grad(1)) grads[1] = Add ? gather(g, dim, s.index.get()) : of_the_last(g, dim, s.index.get());
    return grads;
  }
};

// ---- checked arguments

struct Write {
  int dim;
  Tensor index, src;  // of the same shape
};

void check_same_dtype(const Tensor& x, const Tensor& src, const char* op, SourceLoc loc) {
  if (!src.defined()) throw ValueError(concat(op, ": the source is an undefined tensor"), loc);
  if (src.dtype() != x.dtype())
    throw DTypeError(concat(op, ": the tensor and the source must have one dtype, but are ", dtype_name(x.dtype()),
                            " and ", dtype_name(src.dtype())),
                     loc);
}

/// A number as a tensor of the dtype of `x`.
Tensor number_for(const Tensor& x, Scalar value, const char* op, SourceLoc loc) {
  detail::require_storable(op, value.dtype(), x.dtype(), loc);
  detail::check_number(op, value, x.dtype(), loc);
  return make_number(value, x.dtype());
}

/// Dimensions and sizes that gather and scatter share: `index` fits into `x` but for `dim`.
int check_lanes(const Tensor& x, std::int64_t dim, const Tensor& index, const char* op, SourceLoc loc) {
  check_index(index, op, loc);
  const int d = wrap_dim(dim, x.dim(), op, loc);
  if (std::max(x.dim(), 1) != std::max(index.dim(), 1))
    throw ShapeError(concat(op, ": the index must have as many dimensions as the tensor, but the shapes are ",
                            to_text(index.shape()), " and ", to_text(x.shape())),
                     loc);
  if (index.numel() == 0) return d;
  for (int i = 0; i < index.dim() && i < x.dim(); ++i)
    if (i != d && index.shape()[i] > x.shape()[i])
      throw ShapeError(concat(op, ": an index of shape ", to_text(index.shape()), " does not fit into ",
                              to_text(x.shape()), ", in dimension ", i, "; only dimension ", d, " may be larger"),
                       loc);
  check_range(index, 0, x.dim() == 0 ? 1 : x.shape()[d], d, op, loc);
  return d;
}

Write check_scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Operand& src, const char* op,
                    SourceLoc loc) {
  const int d = check_lanes(x, dim, index, op, loc);
  Write w{d, at_least_1d(index, loc), {}};
  if (!src.tensor) {
    w.src = expand(number_for(x, src.scalar, op, loc), w.index.shape());
    return w;
  }
  check_same_dtype(x, *src.tensor, op, loc);
  w.src = at_least_1d(*src.tensor, loc);
  if (w.src.dim() != w.index.dim())
    throw ShapeError(concat(op, ": the index must have as many dimensions as the source, but the shapes are ",
                            to_text(index.shape()), " and ", to_text(src.tensor->shape())),
                     loc);
  for (int i = 0; i < w.index.dim(); ++i) {
    const std::int64_t want = w.index.shape()[i], have = w.src.shape()[i];
    if (want > have)
      throw ShapeError(concat(op, ": an index of shape ", to_text(index.shape()),
                              " does not fit into the source of shape ", to_text(src.tensor->shape())),
                       loc);
    if (want < have) w.src = narrow({w.src, loc}, i, 0, want);
  }
  return w;
}

/// An index vector and a source with one slice for each of its entries.
Write check_slices(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, const char* op,
                   SourceLoc loc) {
  Write w{wrap_dim(dim, x.dim(), op, loc), vector_of(index, op, loc), {}};
  check_same_dtype(x, source, op, loc);
  Shape want = x.dim() == 0 ? Shape{1} : x.shape();
  want[w.dim] = w.index.numel();
  const Tensor given = at_least_1d(source, loc);
  if (given.dim() == want.size() && given.shape()[w.dim] != want[w.dim])
    throw ShapeError(
        concat(op, ": ", want[w.dim], " indices need as many slices of the source, which has ", given.shape()[w.dim]),
        loc);
  if (given.shape() != want)
    throw ShapeError(
        concat(op, ": but for dimension ", w.dim, " the source must have the shape of the tensor; the shapes are ",
               to_text(source.shape()), " and ", to_text(x.shape())),
        loc);
  check_range(w.index, 0, x.dim() == 0 ? 1 : x.shape()[w.dim], w.dim, op, loc);
  w.src = given;
  return w;
}

/// The same as a scatter.
Write spread_index(Write w) {
  w.index = spread(w.index, w.dim, w.src.shape());
  return w;
}

Write check_fill(const Tensor& x, std::int64_t dim, const Tensor& index, Scalar value, const char* op, SourceLoc loc) {
  Write w{wrap_dim(dim, x.dim(), op, loc), vector_of(index, op, loc), {}};
  check_range(w.index, 0, x.dim() == 0 ? 1 : x.shape()[w.dim], w.dim, op, loc);
  Shape shape = x.dim() == 0 ? Shape{1} : x.shape();
  shape[w.dim] = w.index.numel();
  w.src = expand(number_for(x, value, op, loc), shape);
  return spread_index(w);
}

template <class Op>
Tensor run_write(In x, const Write& w, Op op) {
  const Tensor out = apply(x.loc, op, at_least_1d(x, x.loc), w.src, w.index);
  return x->dim() == 0 ? reshape({out, x.loc}, {}) : out;
}

/// The memory of `self` without its history, at least 1-d.
Tensor raw_view(const Tensor& self) {
  const Tensor plain = self.detach();
  return plain.dim() == 0 ? detail::alias_of(plain, {{1}, {1}}) : plain;
}

template <class Compute>
TensorAlias scatter_in_place(const Tensor& self, SourceLoc loc, const char* op, const Write& w, bool add,
                             const Compute& compute) {
  if (detail::may_write_directly(self, {&w.index, &w.src}))
    return detail::write_directly(self, loc, op, [&] { scatter_into(raw_view(self), w.dim, w.index, w.src, add); });
  return in_place(self, loc, op, compute);
}

}  // namespace

namespace detail {
Tensor select_positions(SourceLoc loc, const Tensor& x, int dim, int span, const Tensor& index) {
  return apply(loc, IndexSelect{dim, span}, x, index);
}
}  // namespace detail

Tensor index_select(In x, std::int64_t dim, const Tensor& index) {
  CallerScope scope(x.loc);
  const int d = wrap_dim(dim, x->dim(), "index_select", x.loc);
  const Tensor vector = vector_of(index, "index_select", x.loc);
  if (x->dim() == 0 && vector.numel() != 1)
    throw ShapeError(concat("index_select: of a single number only one index can be taken, got ", vector.numel()),
                     x.loc);
  check_range(vector, 0, x->dim() == 0 ? 1 : x->shape()[d], d, "index_select", x.loc);
  const Tensor out = detail::select_positions(x.loc, at_least_1d(x, x.loc), d, 1, vector);
  return x->dim() == 0 ? reshape({out, x.loc}, {}) : out;
}

Tensor gather(In x, std::int64_t dim, const Tensor& index) {
  CallerScope scope(x.loc);
  const int d = check_lanes(x, dim, index, "gather", x.loc);
  const Tensor out = apply(x.loc, Gather{d}, at_least_1d(x, x.loc), at_least_1d(index, x.loc));
  return index.dim() == 0 ? reshape({out, x.loc}, {}) : out;
}

Tensor scatter(In x, std::int64_t dim, const Tensor& index, const Operand& src) {
  CallerScope scope(x.loc);
  const Write w = check_scatter(x, dim, index, src, "scatter", x.loc);
  return run_write(x, w, ScatterOp<false>{w.dim});
}

Tensor scatter_add(In x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  CallerScope scope(x.loc);
  const Write w = check_scatter(x, dim, index, src, "scatter_add", x.loc);
  return run_write(x, w, ScatterOp<true>{w.dim});
}

Tensor index_add(In x, std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha) {
  CallerScope scope(x.loc);
  const Write w = check_slices(x, dim, index, source, "index_add", x.loc);
  (void)number_for(x, alpha, "index_add", x.loc);
  return run_write(x, w, IndexAdd{w.dim, alpha});
}

Tensor index_copy(In x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  CallerScope scope(x.loc);
  const Write w = spread_index(check_slices(x, dim, index, source, "index_copy", x.loc));
  return run_write(x, w, ScatterOp<false>{w.dim});
}

Tensor index_fill(In x, std::int64_t dim, const Tensor& index, Scalar value) {
  CallerScope scope(x.loc);
  const Write w = check_fill(x, dim, index, value, "index_fill", x.loc);
  return run_write(x, w, ScatterOp<false>{w.dim});
}

Tensor take_along_dim(In x, const Tensor& index, std::optional<std::int64_t> dim) {
  CallerScope scope(x.loc);
  check_index(index, "take_along_dim", x.loc);
  if (!dim) return gather({flatten(x), x.loc}, 0, flatten({index, x.loc}));
  const int d = wrap_dim(*dim, x->dim(), "take_along_dim", x.loc);
  if (x->dim() != index.dim())
    throw ShapeError(concat("take_along_dim: input and indices should have the same number of dimensions, but got ",
                            x->dim(), " dimensions for input, and ", index.dim(), " dimensions for indices"),
                     x.loc);
  if (x->dim() == 0) return gather(x, 0, index);
  Shape a = x->shape(), b = index.shape();
  a[d] = b[d] = 1;
  const Shape common = broadcast_shapes(a, b, "take_along_dim", x.loc);
  a = b = common;
  a[d] = x->shape()[d];
  b[d] = index.shape()[d];
  return gather({expand(x, a), x.loc}, d, expand({index, x.loc}, b));
}

Tensor take(In x, const Tensor& index) {
  CallerScope scope(x.loc);
  check_index(index, "take", x.loc);
  check_range(index, 0, x->numel(), 0, "take", x.loc);
  const Tensor out = detail::select_positions(x.loc, flatten(x), 0, 1, flatten({index, x.loc}));
  return reshape({out, x.loc}, index.shape());
}

// ---- methods
Tensor Tensor::index_select(std::int64_t dim, const Tensor& index, SourceLoc loc) const {
  return slope::index_select({*this, loc}, dim, index);
}
Tensor Tensor::gather(std::int64_t dim, const Tensor& index, SourceLoc loc) const {
  return slope::gather({*this, loc}, dim, index);
}
Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Operand& src) const {
  return slope::scatter({*this, src.loc}, dim, index, src);
}
Tensor Tensor::scatter_add(std::int64_t dim, const Tensor& index, const Tensor& src, SourceLoc loc) const {
  return slope::scatter_add({*this, loc}, dim, index, src);
}
Tensor Tensor::index_add(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha,
                         SourceLoc loc) const {
  return slope::index_add({*this, loc}, dim, index, source, alpha);
}
Tensor Tensor::index_copy(std::int64_t dim, const Tensor& index, const Tensor& source, SourceLoc loc) const {
  return slope::index_copy({*this, loc}, dim, index, source);
}
Tensor Tensor::index_fill(std::int64_t dim, const Tensor& index, Scalar value, SourceLoc loc) const {
  return slope::index_fill({*this, loc}, dim, index, value);
}
Tensor Tensor::take(const Tensor& index, SourceLoc loc) const { return slope::take({*this, loc}, index); }
Tensor Tensor::take_along_dim(const Tensor& index, std::optional<std::int64_t> dim, SourceLoc loc) const {
  return slope::take_along_dim({*this, loc}, index, dim);
}

TensorAlias Tensor::scatter_(std::int64_t dim, const Tensor& index, const Operand& src) const {
  CallerScope scope(src.loc);
  const Write w = check_scatter(*this, dim, index, src, "scatter_", src.loc);
  return scatter_in_place(*this, src.loc, "scatter_", w, false,
                          [&](const Tensor& old) { return run_write({old, src.loc}, w, ScatterOp<false>{w.dim}); });
}
TensorAlias Tensor::scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& src, SourceLoc loc) const {
  CallerScope scope(loc);
  const Write w = check_scatter(*this, dim, index, Operand(src, loc), "scatter_add_", loc);
  return scatter_in_place(*this, loc, "scatter_add_", w, true,
                          [&](const Tensor& old) { return run_write({old, loc}, w, ScatterOp<true>{w.dim}); });
}
TensorAlias Tensor::index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha,
                               SourceLoc loc) const {
  CallerScope scope(loc);
  const Write w = check_slices(*this, dim, index, source, "index_add_", loc);
  (void)number_for(*this, alpha, "index_add_", loc);
  if (is_contiguous() && detail::may_write_directly(*this, {&w.index, &w.src}))
    return detail::write_directly(*this, loc, "index_add_",
                                  [&] { add_slices_into(raw_view(*this), w.dim, w.index, w.src, alpha); });
  return in_place(*this, loc, "index_add_",
                  [&](const Tensor& old) { return run_write({old, loc}, w, IndexAdd{w.dim, alpha}); });
}
TensorAlias Tensor::index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source, SourceLoc loc) const {
  CallerScope scope(loc);
  const Write w = spread_index(check_slices(*this, dim, index, source, "index_copy_", loc));
  return scatter_in_place(*this, loc, "index_copy_", w, false,
                          [&](const Tensor& old) { return run_write({old, loc}, w, ScatterOp<false>{w.dim}); });
}
TensorAlias Tensor::index_fill_(std::int64_t dim, const Tensor& index, Scalar value, SourceLoc loc) const {
  CallerScope scope(loc);
  const Write w = check_fill(*this, dim, index, value, "index_fill_", loc);
  return scatter_in_place(*this, loc, "index_fill_", w, false,
                          [&](const Tensor& old) { return run_write({old, loc}, w, ScatterOp<false>{w.dim}); });
}

}  // namespace slope
