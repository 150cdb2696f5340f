// Views and rearrangements that are made of others.
#include <algorithm>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

using detail::require_defined;

Tensor ravel(In x) { return reshape(x, {x->numel()}); }

Tensor atleast_1d(In x) { return x->dim() >= 1 ? x.tensor : reshape(x, {1}); }
Tensor atleast_2d(In x) { return x->dim() >= 2 ? x.tensor : reshape(x, {1, x->numel()}); }
Tensor atleast_3d(In x) {
  if (x->dim() == 2) return unsqueeze(x, 2);
  return x->dim() >= 3 ? x.tensor : reshape(x, {1, x->numel(), 1});
}

// ---- pieces

namespace {

constexpr std::int64_t most_pieces = 65535;

std::vector<Tensor> pieces_between(In x, int d, const std::vector<std::int64_t>& ends) {
  const std::int64_t n = x->shape()[d];
  std::vector<Tensor> pieces;
  std::int64_t start = 0;
  for (std::size_t i = 0; i <= ends.size(); ++i) {
    // As slices: negative ends count from behind, and all are kept within the tensor.
    std::int64_t end = i < ends.size() ? ends[i] : n;
    if (end < 0) end = end < -n ? 0 : end + n;
    end = std::min(end, n);
    pieces.push_back(narrow(x, d, std::min(start, n), std::max<std::int64_t>(end - start, 0)));
    start = end;
  }
  return pieces;
}

int dim_of_pieces(In x, std::int64_t dim) {
  require_defined("tensor_split", x);
  if (x->dim() == 0) throw ShapeError("tensor_split: needs at least one dimension, got a 0-d tensor", x.loc);
  return wrap_dim(dim, x->dim(), "tensor_split", x.loc);
}

std::vector<Tensor> equal_pieces(const char* op, In x, std::int64_t sections, int least_dims, int d) {
  require_defined(op, x);
  const CallerScope scope(x.loc);
  if (x->dim() < least_dims)
    throw ShapeError(concat(op, ": needs at least ", least_dims, " dimensions, got shape ", x->shape()), x.loc);
  if (sections < 1 || sections > most_pieces || x->shape()[d] % sections != 0)
    throw ShapeError(concat(op, ": dimension ", d, " of the shape ", x->shape(), " cannot be cut into ", sections,
                            " equal pieces; use tensor_split for unequal ones"),
                     x.loc);
  return tensor_split(x, sections, d);
}

}  // namespace

std::vector<Tensor> tensor_split(In x, std::int64_t sections, std::int64_t dim) {
  const int d = dim_of_pieces(x, dim);
  const CallerScope scope(x.loc);
  if (sections < 1 || sections > most_pieces)
    throw ValueError(concat("tensor_split: the number of pieces must lie in [1, ", most_pieces, "], got ", sections),
                     x.loc);
  const std::int64_t n = x->shape()[d], least = n / sections, larger = n % sections;
  std::vector<std::int64_t> ends;
  for (std::int64_t i = 1; i < sections; ++i) ends.push_back(i * least + std::min(i, larger));
  return pieces_between(x, d, ends);
}

std::vector<Tensor> tensor_split(In x, const std::vector<std::int64_t>& indices, std::int64_t dim) {
  const int d = dim_of_pieces(x, dim);
  const CallerScope scope(x.loc);
  return pieces_between(x, d, indices);
}

std::vector<Tensor> hsplit(In x, std::int64_t sections) {
  return equal_pieces("hsplit", x, sections, 1, x->dim() == 1 ? 0 : 1);
}
std::vector<Tensor> vsplit(In x, std::int64_t sections) { return equal_pieces("vsplit", x, sections, 2, 0); }
std::vector<Tensor> dsplit(In x, std::int64_t sections) { return equal_pieces("dsplit", x, sections, 3, 2); }

std::vector<Tensor> Tensor::tensor_split(std::int64_t sections, std::int64_t dim, SourceLoc loc) const {
  return slope::tensor_split({*this, loc}, sections, dim);
}
std::vector<Tensor> Tensor::tensor_split(const std::vector<std::int64_t>& indices, std::int64_t dim,
                                         SourceLoc loc) const {
  return slope::tensor_split({*this, loc}, indices, dim);
}

// ---- joining

namespace {

void check_list(const char* op, const std::vector<Tensor>& tensors, SourceLoc loc) {
  if (tensors.empty()) throw ValueError(concat(op, ": the list of tensors is empty"), loc);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].defined()) throw ValueError(concat(op, ": tensor number ", i, " in the list is undefined"), loc);
}

void check_vectors(const char* op, const std::vector<Tensor>& tensors, SourceLoc loc) {
  check_list(op, tensors, loc);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].dim() > 1)
      throw ShapeError(concat(op, ": takes vectors, but number ", i, " has shape ", tensors[i].shape()), loc);
  if (tensors.size() > static_cast<std::size_t>(max_dims))
    throw ShapeError(concat(op, ": takes at most ", max_dims, " vectors, got ", tensors.size()), loc);
}

}  // namespace

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, std::string_view indexing, SourceLoc loc) {
  const CallerScope scope(loc);
  check_vectors("meshgrid", tensors, loc);
  if (indexing != "ij" && indexing != "xy")
    throw ValueError(concat("meshgrid: the indexing is \"ij\" or \"xy\", got \"", indexing, "\""), loc);
  const bool swapped = indexing == "xy" && tensors.size() > 1;
  const auto place = [&](int i) { return swapped && i < 2 ? 1 - i : i; };
  const int n = static_cast<int>(tensors.size());
  Shape grid = Shape::filled(n, 1);
  for (int i = 0; i < n; ++i) grid[place(i)] = tensors[static_cast<std::size_t>(i)].numel();
  checked_numel(grid, "meshgrid", loc);
  std::vector<Tensor> out;
  for (int i = 0; i < n; ++i) {
    Shape along = Shape::filled(n, 1);
    along[place(i)] = tensors[static_cast<std::size_t>(i)].numel();
    out.push_back(expand(reshape(tensors[static_cast<std::size_t>(i)], along), grid));
  }
  return out;
}

Tensor dstack(const std::vector<Tensor>& tensors, SourceLoc loc) {
  const CallerScope scope(loc);
  check_list("dstack", tensors, loc);
  std::vector<Tensor> in;
  for (const Tensor& t : tensors) in.push_back(atleast_3d(t));
  return cat(in, 2, loc);
}

Tensor column_stack(const std::vector<Tensor>& tensors, SourceLoc loc) {
  const CallerScope scope(loc);
  check_list("column_stack", tensors, loc);
  std::vector<Tensor> in;
  for (const Tensor& t : tensors) in.push_back(t.dim() < 2 ? reshape(t, {t.numel(), 1}) : t);
  return cat(in, 1, loc);
}

Tensor block_diag(const std::vector<Tensor>& tensors, SourceLoc loc) {
  const CallerScope scope(loc);
  check_list("block_diag", tensors, loc);
  std::int64_t columns = 0;
  std::vector<Tensor> blocks;
  for (const Tensor& t : tensors) {
    if (t.dim() > 2)
      throw ShapeError(concat("block_diag: takes matrices, vectors and numbers, got shape ", t.shape()), loc);
    blocks.push_back(atleast_2d(t));
    columns = checked_add(columns, blocks.back().size(1), "block_diag", loc);
  }
  std::vector<Tensor> rows;
  std::int64_t before = 0;
  for (const Tensor& b : blocks) {
    const std::int64_t after = columns - before - b.size(1);
    rows.push_back(cat({b.new_zeros({b.size(0), before}), b, b.new_zeros({b.size(0), after})}, 1));
    before += b.size(1);
  }
  return cat(rows, 0);
}

Tensor cartesian_prod(const std::vector<Tensor>& tensors, SourceLoc loc) {
  const CallerScope scope(loc);
  check_vectors("cartesian_prod", tensors, loc);
  if (tensors.size() == 1) return clone(atleast_1d(tensors[0]));
  const Tensor grid = stack(meshgrid(tensors), -1);
  return reshape(grid, {grid.numel() / grid.size(-1), grid.size(-1)});
}

// ---- repeating and rearranging

Tensor repeat_interleave(In x, const Tensor& repeats, std::optional<std::int64_t> dim) {
  const CallerScope scope(x.loc);
  require_defined("repeat_interleave", x);
  detail::check_index(repeats, "repeat_interleave", x.loc);
  if (!dim || x->dim() == 0) {
    if (dim) wrap_dim(*dim, 0, "repeat_interleave", x.loc);
    return repeat_interleave(reshape(x, {x->numel()}), repeats, 0);
  }
  const int d = wrap_dim(*dim, x->dim(), "repeat_interleave", x.loc);
  const std::int64_t n = x->shape()[d];
  if (repeats.dim() > 1 || (repeats.numel() != n && repeats.numel() != 1))
    throw ShapeError(concat("repeat_interleave: repeats of shape ", repeats.shape(), " for ", n,
                            " slices along dimension ", d, "; give one number for each"),
                     x.loc);
  const std::vector<std::int64_t> times = expand(reshape(repeats, {repeats.numel()}), {n}).to_vector<std::int64_t>();
  std::int64_t total = 0;
  for (const std::int64_t t : times) {
    if (t < 0) throw ValueError(concat("repeat_interleave: repeats must be non-negative, got ", t), x.loc);
    total = checked_add(total, t, "repeat_interleave", x.loc);
  }
  Shape result = x->shape();
  result[d] = total;
  checked_numel(result, "repeat_interleave", x.loc);
  const Tensor index = empty({total}, {.dtype = DType::int64});
  auto* to = index.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) to = std::fill_n(to, times[static_cast<std::size_t>(i)], i);
  return index_select(x, d, index);
}
Tensor Tensor::repeat_interleave(const Tensor& repeats, std::optional<std::int64_t> dim, SourceLoc loc) const {
  return slope::repeat_interleave({*this, loc}, repeats, dim);
}

Tensor fliplr(In x) {
  if (x->dim() < 2) throw ShapeError(concat("fliplr: needs at least two dimensions, got shape ", x->shape()), x.loc);
  return flip(x, {1});
}
Tensor flipud(In x) {
  if (x->dim() < 1) throw ShapeError("flipud: needs at least one dimension, got a 0-d tensor", x.loc);
  return flip(x, {0});
}

Tensor rot90(In x, std::int64_t k, const Shape& dims) {
  const CallerScope scope(x.loc);
  require_defined("rot90", x);
  if (dims.size() != 2 || x->dim() < 2)
    throw ShapeError(concat("rot90: turns in a plane of two dimensions, got dims ", dims, " and shape ", x->shape()),
                     x.loc);
  const int from = wrap_dim(dims[0], x->dim(), "rot90", x.loc), to = wrap_dim(dims[1], x->dim(), "rot90", x.loc);
  if (from == to) throw ShapeError(concat("rot90: the two dimensions are the same, ", from), x.loc);
  switch ((k % 4 + 4) % 4) {
    case 1: return clone(transpose(flip(x, {to}), from, to));
    case 2: return flip(x, {from, to});
    case 3: return clone(transpose(flip(x, {from}), from, to));
    default: return clone(x);
  }
}

Tensor diagflat(In x, std::int64_t offset) {
  const CallerScope scope(x.loc);
  return diag_embed(ravel(x), offset);
}

namespace {

template <class View>
Tensor replaced(const char* op, In x, const Tensor& src, const View& view) {
  const CallerScope scope(x.loc);
  require_defined(op, x);
  require_defined(op, {src, x.loc});
  if (src.dtype() != x->dtype())
    throw DTypeError(concat(op, ": the source has dtype ", dtype_name(src.dtype()), ", the tensor ",
                            dtype_name(x->dtype()), "; convert one with .to(", dtype_name(x->dtype()), ")"),
                     x.loc);
  const Tensor y = clone(x);
  const Tensor part = view(y);
  if (part.shape() != src.shape())
    throw ShapeError(concat(op, ": a source of shape ", src.shape(), " for a part of shape ", part.shape()), x.loc);
  part.copy_(src);
  return y;
}

}  // namespace

Tensor select_scatter(In x, const Tensor& src, std::int64_t dim, std::int64_t index) {
  return replaced("select_scatter", x, src, [&](const Tensor& y) { return select(y, dim, index); });
}
Tensor slice_scatter(In x, const Tensor& src, std::int64_t dim, std::optional<std::int64_t> start,
                     std::optional<std::int64_t> stop, std::int64_t step) {
  return replaced("slice_scatter", x, src, [&](const Tensor& y) { return slice(y, dim, start, stop, step); });
}
Tensor diagonal_scatter(In x, const Tensor& src, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  return replaced("diagonal_scatter", x, src, [&](const Tensor& y) { return diagonal(y, offset, dim1, dim2); });
}

Tensor tril_indices(std::int64_t rows, std::int64_t columns, std::int64_t offset, SourceLoc loc) {
  const CallerScope scope(loc);
  return nonzero(tril(ones({rows, columns}, {.dtype = DType::boolean}, loc), offset)).t().contiguous();
}
Tensor triu_indices(std::int64_t rows, std::int64_t columns, std::int64_t offset, SourceLoc loc) {
  const CallerScope scope(loc);
  return nonzero(triu(ones({rows, columns}, {.dtype = DType::boolean}, loc), offset)).t().contiguous();
}

Tensor vander(In x, std::optional<std::int64_t> n, bool increasing) {
  const CallerScope scope(x.loc);
  require_defined("vander", x);
  if (x->dim() != 1) throw ShapeError(concat("vander: takes a vector, got shape ", x->shape()), x.loc);
  const std::int64_t columns = n.value_or(x->numel());
  if (columns < 0) throw ValueError(concat("vander: the number of columns must not be negative, got ", columns), x.loc);
  const Tensor base = x->dtype() == DType::boolean ? to(x, DType::int64) : x.tensor;
  checked_numel({x->numel(), columns}, "vander", x.loc);
  if (columns < 1) return base.new_zeros({x->numel(), 0});
  const Tensor factors =
      cat({base.new_ones({x->numel(), 1}), expand(unsqueeze(base, 1), {x->numel(), columns - 1})}, 1);
  const Tensor powers = cumprod(factors, 1);
  return increasing ? powers : flip(powers, {1});
}

Tensor argwhere(In x) { return nonzero(x); }

// ---- the shape itself

namespace {

/// Gives the tensor the shape of a view of all its elements.
template <class View>
TensorAlias reshape_in_place(const Tensor& self, SourceLoc loc, const char* op, const View& view) {
  const CallerScope scope(loc);
  require_defined(op, {self, loc});
  TensorImpl& t = self.impl();
  if (t.leaf_requires_grad)
    throw AutogradError(concat(op, ": the shape of a leaf that requires grad is that of its gradient and stays"), loc);
  (void)self.requires_grad();  // brings a view's history up to date
  const Tensor old(TensorImpl::alias(t, t.data, t.sizes, t.strides));
  if (t.producer) {
    detail::acquire_node(t.producer);
    old.impl().producer = t.producer;
    old.impl().output_nr = t.output_nr;
  }
  const Tensor shown = [&] {
    const EnableGradGuard recorded;  // also where nothing else is: the history of the tensor goes on
    return view(old);
  }();
  t.sizes = shown.shape();
  t.strides = shown.strides();
  t.contiguous = shown.is_contiguous();
  t.storage->bump_version();
  if (t.base) return self;  // reads its history from the base when asked
  if (t.producer) {
    detail::acquire_node(shown.impl().producer);
    detail::replace_producer(t, shown.impl().producer, shown.impl().output_nr);
  }
  t.view_version = t.storage->current_version();
  return self;
}

}  // namespace

TensorAlias Tensor::squeeze_(std::int64_t dim, SourceLoc loc) const {
  return reshape_in_place(*this, loc, "squeeze_", [&](const Tensor& t) { return slope::squeeze({t, loc}, dim); });
}
TensorAlias Tensor::unsqueeze_(std::int64_t dim, SourceLoc loc) const {
  return reshape_in_place(*this, loc, "unsqueeze_", [&](const Tensor& t) { return slope::unsqueeze({t, loc}, dim); });
}
TensorAlias Tensor::t_(SourceLoc loc) const {
  return reshape_in_place(*this, loc, "t_", [&](const Tensor& t) { return t.t(loc); });
}

}  // namespace slope
