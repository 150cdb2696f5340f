#include "slope/autograd/ops/view/join.h"

#include <algorithm>
#include <cstring>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/internal/window.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

struct Cat {
  static constexpr std::string_view name = "Cat";
  int dim;
  Shape shape;
  DType dtype;
  std::vector<std::int64_t> sizes{};
  struct Saved {};

  Tensor forward(Saved&, const std::vector<Tensor>& in) {
    Tensor out = make_empty(shape, dtype);
    std::int64_t start = 0;
    for (const Tensor& t : in) {
      const std::int64_t size = t.shape()[dim];
      if (t.numel() > 0)
        copy_kernel(
            detail::alias_of(out, detail::SliceWindow{dim, start, size, 1}.place(out.shape(), out.strides())).impl(),
            t.impl());
      sizes.push_back(size);
      start += size;
    }
    return out;
  }
  std::vector<Tensor> backward(const Saved&, const Tensor& g) const {
    std::vector<Tensor> grads(sizes.size());
    std::int64_t start = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (needs_grad(static_cast<int>(i))) grads[i] = narrow(g, dim, start, sizes[i]);
      start += sizes[i];
    }
    return grads;
  }
};

struct Stack {
  static constexpr std::string_view name = "Stack";
  int dim;
  Shape shape;
  DType dtype;
  struct Saved {};

  Tensor forward(Saved&, const std::vector<Tensor>& in) {
    Tensor out = make_empty(shape, dtype);
    std::int64_t i = 0;
    for (const Tensor& t : in) {
      const detail::SelectWindow slot{dim, i++};
      if (t.numel() > 0) copy_kernel(detail::alias_of(out, slot.place(out.shape(), out.strides())).impl(), t.impl());
    }
    return out;
  }
  std::vector<Tensor> backward(const Saved&, const Tensor& g) const {
    const auto count = static_cast<std::size_t>(shape[dim]);
    std::vector<Tensor> grads(count);
    for (std::size_t i = 0; i < count; ++i)
      if (needs_grad(static_cast<int>(i))) grads[i] = select(g, dim, static_cast<std::int64_t>(i));
    return grads;
  }
};

DType common_dtype(const std::vector<Tensor>& tensors) {
  const std::vector<Operand> operands(tensors.begin(), tensors.end());
  std::vector<const Operand*> all;
  for (const Operand& o : operands) all.push_back(&o);
  return promote(all.data(), static_cast<int>(all.size()));
}

/// The tensors in one dtype; `first` is set to the first one that has been given.
std::vector<Tensor> unified(const std::vector<Tensor>& tensors, const char* op, SourceLoc loc) {
  if (tensors.empty()) throw ValueError(concat(op, ": the list of tensors is empty"), loc);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].defined()) throw ValueError(concat(op, ": tensor number ", i, " in the list is undefined"), loc);
  const DType dtype = common_dtype(tensors);
  std::vector<Tensor> out;
  out.reserve(tensors.size());
  for (const Tensor& t : tensors) out.push_back(t.to(dtype, loc));
  return out;
}

bool skipped(const Tensor& t) { return t.dim() == 1 && t.numel() == 0; }

/// The lower or upper triangle: row r of a matrix keeps the columns below (from) r + diagonal.
struct Triangle {
  static constexpr std::string_view name = "Triangle";
  bool upper;
  std::int64_t diagonal;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& given) const {
    const Tensor x = contiguous(given);
    Tensor out = make_empty(x.shape(), x.dtype());
    if (out.numel() == 0) return out;
    const std::int64_t rows = x.shape()[x.dim() - 2], columns = x.shape()[x.dim() - 1];
    const auto item = static_cast<std::int64_t>(itemsize(x.dtype()));
    const char* from = static_cast<const char*>(x.raw_data());
    char* to = static_cast<char*>(out.raw_data());
    parallel_for(x.numel() / columns, std::max<std::int64_t>(grain_cheap / columns, 1),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) {
                     // Columns [0, edge) are at or below the diagonal; in the upper triangle, below it.
                     const std::int64_t edge =
                         std::clamp<std::int64_t>(r % rows + diagonal + (upper ? 0 : 1), 0, columns);
                     const auto low = static_cast<std::size_t>(edge * item);
                     const auto high = static_cast<std::size_t>((columns - edge) * item);
                     const char* x_row = from + r * columns * item;
                     char* y_row = to + r * columns * item;
                     if (upper) {
                       std::memset(y_row, 0, low);
                       std::memcpy(y_row + low, x_row + low, high);
                     } else {
                       std::memcpy(y_row, x_row, low);
                       std::memset(y_row + low, 0, high);
                     }
                   }
                 });
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {apply(SourceLoc{}, Triangle{upper, diagonal}, g)}; }
};

Tensor triangle(In x, bool upper, std::int64_t diagonal, const char* op) {
  CallerScope scope(x.loc);
  if (x->dim() < 2)
    throw ShapeError(concat(op, ": input tensor must have at least 2 dimensions, got shape ", to_text(x->shape())),
                     x.loc);
  const std::int64_t outermost = x->shape()[x->dim() - 2] + x->shape()[x->dim() - 1];
  return apply(x.loc, Triangle{upper, std::clamp(diagonal, -outermost, outermost)}, x.tensor);
}

/// Reverses dimensions by reading them from their far end with a negative stride.
struct Flip {
  static constexpr std::string_view name = "Flip";
  Shape dims;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) const {
    Tensor out = make_empty(x.shape(), x.dtype());
    if (out.numel() == 0) return out;
    detail::Geometry g{x.shape(), x.strides()};
    for (std::int64_t d : dims) {
      const int i = static_cast<int>(d);
      g.offset += (g.sizes[i] - 1) * g.strides[i];
      g.strides[i] = -g.strides[i];
    }
    copy_kernel(out.impl(), detail::alias_of(x, g).impl());
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {apply(SourceLoc{}, Flip{dims}, g)}; }
};

/// Moves elements by `shift` in [0, size) places along one dimension.
struct Roll {
  static constexpr std::string_view name = "Roll";
  int dim;
  std::int64_t shift;
  std::int64_t size = 0;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) {
    size = x.shape()[dim];
    Tensor out = make_empty(x.shape(), x.dtype());
    if (out.numel() == 0) return out;
    const auto move = [&](std::int64_t from, std::int64_t to, std::int64_t length) {
      const auto part = [&](const Tensor& t, std::int64_t start) {
        return detail::alias_of(t, detail::SliceWindow{dim, start, length, 1}.place(t.shape(), t.strides()));
      };
      copy_kernel(part(out, to).impl(), part(x, from).impl());
    };
    move(0, shift, size - shift);
    if (shift > 0) move(size - shift, 0, shift);
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(SourceLoc{}, Roll{dim, shift == 0 ? 0 : size - shift}, g)};
  }
};

Tensor roll_dim(const Tensor& x, int dim, std::int64_t shift, SourceLoc loc) {
  const std::int64_t size = x.shape()[dim];
  const std::int64_t rest = size > 0 ? shift % size : 0;
  return apply(loc, Roll{dim, rest < 0 ? rest + size : rest}, x);
}

/// Repeats a dimension as a whole (each = false) or element by element.
Tensor repeat_dim(const char* op, const Tensor& x, int dim, std::int64_t times, bool each, SourceLoc loc) {
  std::int64_t before = 1, after = 1;
  const std::int64_t size = x.shape()[dim];
  for (int i = 0; i < dim; ++i) before *= x.shape()[i];
  for (int i = dim + 1; i < x.dim(); ++i) after *= x.shape()[i];
  Shape shape = x.shape();
  shape[dim] = checked_mul(size, times, op, loc);
  checked_numel(shape, op, loc);
  const Tensor parts = each ? reshape({x, loc}, {before, size, 1, after}) : reshape({x, loc}, {before, 1, size, after});
  return reshape(
      {expand({parts, loc}, each ? Shape{before, size, times, after} : Shape{before, times, size, after}), loc}, shape);
}

void check_repeats(std::int64_t repeats, const char* op, SourceLoc loc) {
  if (repeats < 0) throw ValueError(concat(op, ": repeats must be non-negative, got ", repeats), loc);
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim, SourceLoc loc) {
  CallerScope scope(loc);
  std::vector<Tensor> in = unified(tensors, "cat", loc);
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i].dim() == 0)
      throw ShapeError(concat("cat: zero-dimensional tensor (at position ", i, ") cannot be concatenated; use stack()"),
                       loc);
  const auto first = std::find_if_not(in.begin(), in.end(), skipped);
  if (first == in.end()) {
    wrap_dim(dim, 1, "cat", loc);
    return apply(loc, Cat{0, {0}, in[0].dtype()}, in);
  }
  Shape shape = first->shape();
  const int d = wrap_dim(dim, shape.size(), "cat", loc);
  shape[d] = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Tensor& t = in[i];
    if (skipped(t)) continue;
    if (t.dim() != shape.size())
      throw ShapeError(concat("cat: the tensors must have the same number of dimensions, but number ", i, " has shape ",
                              to_text(t.shape()), " and the first ", to_text(first->shape())),
                       loc);
    for (int k = 0; k < shape.size(); ++k)
      if (k != d && t.shape()[k] != shape[k])
        throw ShapeError(concat("cat: sizes must agree except in dimension ", d, ", but number ", i, " has shape ",
                                to_text(t.shape()), " and the first ", to_text(first->shape())),
                         loc);
    shape[d] = checked_add(shape[d], t.shape()[d], "cat", loc);
  }
  // Skipped tensors have another number of dimensions: an empty piece of the right shape keeps their place.
  if (shape.size() > 1)
    for (Tensor& t : in)
      if (skipped(t)) {
        Shape empty = shape;
        empty[d] = 0;
        t = reshape({t, loc}, empty);
      }
  return apply(loc, Cat{d, shape, in[0].dtype()}, in);
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim, SourceLoc loc) {
  CallerScope scope(loc);
  const std::vector<Tensor> in = unified(tensors, "stack", loc);
  Shape shape = in[0].shape();
  for (std::size_t i = 1; i < in.size(); ++i)
    if (in[i].shape() != shape)
      throw ShapeError(concat("stack: the tensors must have one shape, but number ", i, " has ", to_text(in[i].shape()),
                              " and the first ", to_text(shape)),
                       loc);
  const int d = wrap_dim(dim, shape.size() + 1, "stack", loc);
  shape.insert(d, static_cast<std::int64_t>(in.size()));
  return apply(loc, Stack{d, shape, in[0].dtype()}, in);
}

Tensor hstack(const std::vector<Tensor>& tensors, SourceLoc loc) {
  CallerScope scope(loc);
  std::vector<Tensor> in;
  for (const Tensor& t : tensors) in.push_back(t.dim() == 0 ? reshape({t, loc}, {1}) : t);
  return cat(in, !in.empty() && in[0].dim() > 1 ? 1 : 0, loc);
}

Tensor vstack(const std::vector<Tensor>& tensors, SourceLoc loc) {
  CallerScope scope(loc);
  std::vector<Tensor> in;
  for (const Tensor& t : tensors) in.push_back(t.dim() < 2 ? reshape({t, loc}, {1, t.numel()}) : t);
  return cat(in, 0, loc);
}

Tensor repeat(In x, const Shape& repeats) {
  CallerScope scope(x.loc);
  const int lead = repeats.size() - x->dim();
  if (lead < 0)
    throw ShapeError(concat("repeat: the repeats ", to_text(repeats), " are fewer than the dimensions of the shape ",
                            to_text(x->shape()), "; give one for each dimension"),
                     x.loc);
  Shape whole = Shape::filled(lead, 1);
  for (std::int64_t s : x->shape()) whole.push_back(s);
  // Dimensions of size 1 are stretched in one go; the others need a place of their own to repeat along.
  Shape stretched = whole;
  for (int i = 0; i < repeats.size(); ++i) {
    check_repeats(repeats[i], "repeat", x.loc);
    if (whole[i] == 1) stretched[i] = repeats[i];
  }
  Shape result = whole;
  for (int i = 0; i < result.size(); ++i) result[i] = checked_mul(result[i], repeats[i], "repeat", x.loc);
  checked_numel(result, "repeat", x.loc);
  Tensor out = expand({reshape(x, whole), x.loc}, stretched);
  for (int i = result.size() - 1; i >= 0; --i)
    if (whole[i] != 1 && repeats[i] != 1) out = repeat_dim("repeat", out, i, repeats[i], false, x.loc);
  // A result that is still a view of x (nothing to repeat, or only stretching) becomes a copy.
  return out.shares_storage(x.tensor) ? clone({out, x.loc}) : out;
}

Tensor tile(In x, const Shape& repeats) {
  CallerScope scope(x.loc);
  Shape all = Shape::filled(std::max(x->dim() - repeats.size(), 0), 1);
  for (std::int64_t r : repeats) all.push_back(r);
  return repeat(x, all);
}

Tensor repeat_interleave(In x, std::int64_t repeats) {
  CallerScope scope(x.loc);
  const Tensor flat = flatten(x);
  return repeat_interleave({flat, x.loc}, repeats, 0);
}

Tensor repeat_interleave(In x, std::int64_t repeats, std::int64_t dim) {
  CallerScope scope(x.loc);
  check_repeats(repeats, "repeat_interleave", x.loc);
  const int d = wrap_dim(dim, x->dim(), "repeat_interleave", x.loc);
  if (x->dim() == 0) return repeat_interleave({flatten(x), x.loc}, repeats, 0);
  const Tensor out = repeat_dim("repeat_interleave", x, d, repeats, true, x.loc);
  return out.shares_storage(x.tensor) ? clone({out, x.loc}) : out;
}

Tensor flip(In x, const Shape& dims) {
  CallerScope scope(x.loc);
  Shape order = dims;
  unsigned seen = 0;
  for (std::int64_t& d : order) {
    d = wrap_dim(d, x->dim(), "flip", x.loc);
    if (seen >> d & 1) throw ShapeError(concat("flip: dim ", d, " appears multiple times in the list of dims"), x.loc);
    seen |= 1u << d;
  }
  if (x->dim() == 0) order = {};
  return apply(x.loc, Flip{order}, x.tensor);
}

Tensor roll(In x, const Shape& shifts, const Shape& dims) {
  CallerScope scope(x.loc);
  if (dims.empty()) {
    if (shifts.size() != 1)
      throw ShapeError(concat("roll: shifts and dimensions must align. shifts: ", shifts.size(), ", dims: 0"), x.loc);
    return reshape({roll_dim(flatten(x), 0, shifts[0], x.loc), x.loc}, x->shape());
  }
  if (shifts.size() != dims.size())
    throw ShapeError(concat("roll: shifts and dimensions must align. shifts: ", shifts.size(), ", dims: ", dims.size()),
                     x.loc);
  Shape order = dims;
  for (std::int64_t& d : order) d = wrap_dim(d, x->dim(), "roll", x.loc);
  if (x->dim() == 0) return clone(x);
  Tensor out = x.tensor;
  for (int i = 0; i < order.size(); ++i) out = roll_dim(out, static_cast<int>(order[i]), shifts[i], x.loc);
  return out;
}

Tensor tril(In x, std::int64_t diagonal) { return triangle(x, false, diagonal, "tril"); }
Tensor triu(In x, std::int64_t diagonal) { return triangle(x, true, diagonal, "triu"); }

Tensor diag(In x, std::int64_t diagonal) {
  CallerScope scope(x.loc);
  if (x->dim() == 1) return diag_embed(x, diagonal);
  if (x->dim() != 2)
    throw ShapeError(concat("diag: matrix or a vector expected, got shape ", to_text(x->shape())), x.loc);
  return clone({slope::diagonal(x, diagonal), x.loc});
}

Tensor diag_embed(In x, std::int64_t diagonal) {
  CallerScope scope(x.loc);
  if (x->dim() < 1) throw ShapeError("diag_embed: needs at least 1 dimension, got a 0-d tensor", x.loc);
  const int last = x->dim() - 1;
  Shape shape = x->shape();
  const std::int64_t away = diagonal < 0 ? checked_mul(diagonal, -1, "diag_embed", x.loc) : diagonal;
  const std::int64_t n = checked_add(shape[last], away, "diag_embed", x.loc);
  shape[last] = n;
  shape.push_back(n);
  checked_numel(shape, "diag_embed", x.loc);
  return detail::embed(x.loc, detail::DiagonalWindow{diagonal, last, last + 1}, shape, x.tensor);
}

// ---- methods
Tensor Tensor::flip(const Shape& dims, SourceLoc loc) const { return slope::flip({*this, loc}, dims); }
Tensor Tensor::roll(const Shape& shifts, const Shape& dims, SourceLoc loc) const {
  return slope::roll({*this, loc}, shifts, dims);
}
Tensor Tensor::tril(std::int64_t diagonal, SourceLoc loc) const { return slope::tril({*this, loc}, diagonal); }
Tensor Tensor::triu(std::int64_t diagonal, SourceLoc loc) const { return slope::triu({*this, loc}, diagonal); }
Tensor Tensor::diag(std::int64_t diagonal, SourceLoc loc) const { return slope::diag({*this, loc}, diagonal); }
Tensor Tensor::repeat(const Shape& repeats, SourceLoc loc) const { return slope::repeat({*this, loc}, repeats); }
Tensor Tensor::tile(const Shape& repeats, SourceLoc loc) const { return slope::tile({*this, loc}, repeats); }
Tensor Tensor::repeat_interleave(std::int64_t repeats, SourceLoc loc) const {
  return slope::repeat_interleave({*this, loc}, repeats);
}
Tensor Tensor::repeat_interleave(std::int64_t repeats, std::int64_t dim, SourceLoc loc) const {
  return slope::repeat_interleave({*this, loc}, repeats, dim);
}
Tensor Tensor::diag_embed(std::int64_t diagonal, SourceLoc loc) const {
  return slope::diag_embed({*this, loc}, diagonal);
}

}  // namespace slope
