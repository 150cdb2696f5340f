#include "slope/autograd/ops/view/view.h"

#include <algorithm>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/internal/window.h"

namespace slope {

namespace detail {

// Works on runs of dimensions that lie densely behind each other: the new dimensions must divide each run exactly.
std::optional<Shape> view_strides(const Shape& sizes, const Shape& strides, const Shape& shape) {
  for (std::int64_t s : sizes)
    if (s == 0) return contiguous_strides(shape);
  Shape out = Shape::filled(shape.size(), 1);
  int v = shape.size() - 1;
  for (int d = sizes.size() - 1; d >= 0;) {
    if (sizes[d] == 1) {
      --d;
      continue;
    }
    const std::int64_t step = strides[d];
    std::int64_t run = sizes[d--];
    for (; d >= 0 && (sizes[d] == 1 || strides[d] == run * step); --d) run *= sizes[d];
    std::int64_t covered = 1;
    for (; v >= 0 && (covered < run || shape[v] == 1); --v) {
      out[v] = covered * step;
      covered *= shape[v];
    }
    if (covered != run) return std::nullopt;
  }
  return out;
}

Shape infer_shape(const Shape& shape, std::int64_t numel, const char* op, SourceLoc loc) {
  int unknown = -1;
  std::int64_t known = 1;
  bool overflow = false;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (unknown >= 0)
        throw ShapeError(concat(op, ": only one dimension can be inferred, got shape ", to_text(shape)), loc);
      unknown = i;
    } else if (shape[i] < 0) {
      throw ShapeError(concat(op, ": invalid shape dimension ", shape[i], " in shape ", to_text(shape)), loc);
    } else {
      overflow |= shape[i] != 0 && __builtin_mul_overflow(known, shape[i], &known);
      if (shape[i] == 0) known = 0;
    }
  }
  Shape out = shape;
  if (unknown >= 0) {
    if (numel == 0 && known == 0)
      throw ShapeError(concat(op, ": cannot reshape tensor of 0 elements into shape ", to_text(shape),
                              " because the unspecified dimension size -1 can be any value and is ambiguous"),
                       loc);
    if (!overflow && known > 0 && numel % known == 0) {
      out[unknown] = numel / known;
      return out;
    }
  } else if (!overflow && known == numel) {
    return out;
  }
  throw ShapeError(
      concat(op, ": ", numel, numel == 1 ? " element does" : " elements do", " not fit the shape ", to_text(shape)),
      loc);
}

Tensor alias_of(const Tensor& x, const Geometry& g) {
  const TensorImpl& t = x.impl();
  char* data = static_cast<char*>(t.data) + g.offset * static_cast<std::int64_t>(itemsize(t.dtype));
  return Tensor(TensorImpl::alias(t, data, g.sizes, g.strides));
}

}  // namespace detail

namespace {

using detail::Geometry;

/// An operation's name as a template argument.
template <std::size_t N>
struct Name {
  char text[N];
  consteval Name(const char (&s)[N]) { std::copy_n(s, N, text); }
  constexpr std::string_view view() const { return {text, N - 1}; }
};

/// The same elements in the same order under another shape.
template <Name name_>
struct Reshaped {
  static constexpr std::string_view name = name_.view();
  Geometry geometry;
  Shape base{};
  struct Saved {};
  View forward(Saved&, const Tensor& x) {
    base = x.shape();
    return detail::alias_of(x, geometry);
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {reshape(g, base)}; }
};

struct Permute {
  static constexpr std::string_view name = "Permute";
  Shape dims;
  struct Saved {};
  View forward(Saved&, const Tensor& x) {
    Geometry g{dims, dims};
    for (int i = 0; i < dims.size(); ++i) {
      g.sizes[i] = x.shape()[static_cast<int>(dims[i])];
      g.strides[i] = x.strides()[static_cast<int>(dims[i])];
    }
    return detail::alias_of(x, g);
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    Shape inverse = dims;
    for (int i = 0; i < dims.size(); ++i) inverse[static_cast<int>(dims[i])] = i;
    return {permute(g, inverse)};
  }
};

struct Transpose {
  static constexpr std::string_view name = "Transpose";
  int dim0, dim1;
  struct Saved {};
  View forward(Saved&, const Tensor& x) {
    Geometry g{x.shape(), x.strides()};
    if (!g.sizes.empty()) {
      std::swap(g.sizes[dim0], g.sizes[dim1]);
      std::swap(g.strides[dim0], g.strides[dim1]);
    }
    return detail::alias_of(x, g);
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {transpose(g, dim0, dim1)}; }
};

struct Expand {
  static constexpr std::string_view name = "Expand";
  Geometry geometry;
  Shape base{};
  struct Saved {};
  View forward(Saved&, const Tensor& x) {
    base = x.shape();
    return detail::alias_of(x, geometry);
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {sum_to(g, base)}; }
};

std::optional<Shape> strides_for(const Tensor& x, const Shape& shape) {
  if (x.is_contiguous()) return contiguous_strides(shape);
  return detail::view_strides(x.shape(), x.strides(), shape);
}

template <Name name_>
Tensor reshaped(In x, const Shape& shape) {
  if (const auto strides = strides_for(x, shape)) return apply(x.loc, Reshaped<name_>{{shape, *strides}}, x.tensor);
  return apply(x.loc, Reshaped<name_>{{shape, contiguous_strides(shape)}}, contiguous(x));
}

}  // namespace

Tensor view(In x, const Shape& shape) {
  CallerScope scope(x.loc);
  const Shape target = detail::infer_shape(shape, x->numel(), "view", x.loc);
  const auto strides = strides_for(x, target);
  if (!strides)
    throw ShapeError(
        concat(
            "view: the elements do not lie in memory as the new shape would need them; use reshape(), which copies. Sizes ",
            to_text(x->shape()), ", strides ", to_text(x->strides()), ", wanted ", to_text(shape)),
        x.loc);
  return apply(x.loc, Reshaped<"View">{{target, *strides}}, x.tensor);
}

Tensor reshape(In x, const Shape& shape) {
  CallerScope scope(x.loc);
  return reshaped<"View">(x, detail::infer_shape(shape, x->numel(), "reshape", x.loc));
}

Tensor view_as(In x, const Tensor& other) {
  CallerScope scope(x.loc);
  return view(x, other.shape());
}

Tensor reshape_as(In x, const Tensor& other) {
  CallerScope scope(x.loc);
  return reshape(x, other.shape());
}

Tensor flatten(In x, std::int64_t start_dim, std::int64_t end_dim) {
  CallerScope scope(x.loc);
  const int n = x->dim();
  const int first = wrap_dim(start_dim, n, "flatten", x.loc), last = wrap_dim(end_dim, n, "flatten", x.loc);
  if (first > last)
    throw ShapeError(concat("flatten: the first dimension to merge comes after the last, got ", start_dim, " and ",
                            end_dim, " for shape ", to_text(x->shape())),
                     x.loc);
  Shape shape;
  for (int i = 0; i < first; ++i) shape.push_back(x->shape()[i]);
  std::int64_t merged = 1;
  for (int i = first; i <= last && i < n; ++i) merged *= x->shape()[i];
  shape.push_back(merged);
  for (int i = last + 1; i < n; ++i) shape.push_back(x->shape()[i]);
  return reshaped<"View">(x, shape);
}

Tensor unflatten(In x, std::int64_t dim, const Shape& sizes) {
  CallerScope scope(x.loc);
  if (x->dim() == 0) throw ShapeError("unflatten: a 0-d tensor has no dimension to split", x.loc);
  const int d = wrap_dim(dim, x->dim(), "unflatten", x.loc);
  if (sizes.empty()) throw ShapeError("unflatten: sizes must be non-empty", x.loc);
  Shape parts;
  try {
    parts = detail::infer_shape(sizes, x->shape()[d], "unflatten", x.loc);
  } catch (const ShapeError&) {
    throw ShapeError(concat("unflatten: provided sizes ", to_text(sizes), " don't multiply up to the size of dim ", d,
                            " (", x->shape()[d], ") in the input tensor of shape ", to_text(x->shape()),
                            "; at most one of them may be -1"),
                     x.loc);
  }
  Shape shape = x->shape();
  shape.erase(d);
  for (int i = 0; i < parts.size(); ++i) shape.insert(d + i, parts[i]);
  return reshaped<"View">(x, shape);
}

Tensor squeeze(In x) {
  CallerScope scope(x.loc);
  Geometry g;
  for (int i = 0; i < x->dim(); ++i)
    if (x->shape()[i] != 1) {
      g.sizes.push_back(x->shape()[i]);
      g.strides.push_back(x->strides()[i]);
    }
  return apply(x.loc, Reshaped<"Squeeze">{g}, x.tensor);
}

Tensor squeeze(In x, std::int64_t dim) {
  CallerScope scope(x.loc);
  const int d = wrap_dim(dim, x->dim(), "squeeze", x.loc);
  Geometry g{x->shape(), x->strides()};
  if (d < g.sizes.size() && g.sizes[d] == 1) {
    g.sizes.erase(d);
    g.strides.erase(d);
  }
  return apply(x.loc, Reshaped<"Squeeze">{g}, x.tensor);
}

Tensor unsqueeze(In x, std::int64_t dim) {
  CallerScope scope(x.loc);
  const int d = wrap_dim(dim, x->dim() + 1, "unsqueeze", x.loc);
  Geometry g{x->shape(), x->strides()};
  g.strides.insert(d, d < g.sizes.size() ? g.sizes[d] * g.strides[d] : 1);
  g.sizes.insert(d, 1);
  return apply(x.loc, Reshaped<"Unsqueeze">{g}, x.tensor);
}

Tensor permute(In x, const Shape& dims) {
  CallerScope scope(x.loc);
  if (dims.size() != x->dim())
    throw ShapeError(concat("permute: an order of ", dims.size(), " dimensions for a tensor of ", x->dim(),
                            "; name each dimension once"),
                     x.loc);
  Shape order = dims;
  unsigned seen = 0;
  for (std::int64_t& d : order) {
    d = wrap_dim(d, x->dim(), "permute", x.loc);
    if (seen >> d & 1) throw ShapeError(concat("permute: duplicate dims are not allowed, got ", to_text(dims)), x.loc);
    seen |= 1u << d;
  }
  return apply(x.loc, Permute{order}, x.tensor);
}

Tensor transpose(In x, std::int64_t dim0, std::int64_t dim1) {
  CallerScope scope(x.loc);
  const int n = x->dim();
  return apply(x.loc, Transpose{wrap_dim(dim0, n, "transpose", x.loc), wrap_dim(dim1, n, "transpose", x.loc)},
               x.tensor);
}

Tensor swapaxes(In x, std::int64_t dim0, std::int64_t dim1) { return transpose(x, dim0, dim1); }

Tensor movedim(In x, const Shape& from, const Shape& to) {
  CallerScope scope(x.loc);
  const int n = x->dim();
  if (from.size() != to.size())
    throw ShapeError(concat("movedim: Invalid source or destination dims: source ", to_text(from),
                            " should contain the same number of dims as destination ", to_text(to)),
                     x.loc);
  Shape order = Shape::filled(n, -1);
  unsigned taken = 0;
  for (int i = 0; i < from.size(); ++i) {
    const int source = wrap_dim(from[i], n, "movedim", x.loc), target = wrap_dim(to[i], n, "movedim", x.loc);
    if (n == 0) continue;
    if (taken >> source & 1 || order[target] >= 0)
      throw ShapeError(concat("movedim: repeated dim in source ", to_text(from), " or destination ", to_text(to)),
                       x.loc);
    taken |= 1u << source;
    order[target] = source;
  }
  int next = 0;
  for (std::int64_t& d : order) {
    if (d >= 0) continue;
    while (taken >> next & 1) ++next;
    d = next++;
  }
  return apply(x.loc, Permute{order}, x.tensor);
}

Tensor expand(In x, const Shape& shape) {
  CallerScope scope(x.loc);
  const int n = x->dim(), lead = shape.size() - n;
  if (lead < 0)
    throw ShapeError(
        concat("expand: ", shape.size(), " sizes for a tensor of ", n, " dimensions; give one for each at least"),
        x.loc);
  Geometry g{shape, Shape::filled(shape.size(), 0)};
  for (int i = 0; i < shape.size(); ++i) {
    const std::int64_t have = i < lead ? 1 : x->shape()[i - lead];
    if (shape[i] < 0) {
      if (i < lead || shape[i] != -1)
        throw ShapeError(concat("expand: size ", shape[i], " of the new dimension ", i, " says nothing; sizes ",
                                to_text(shape), " for a tensor of shape ", to_text(x->shape())),
                         x.loc);
      g.sizes[i] = have;
    }
    if (g.sizes[i] != have && have != 1)
      throw ShapeError(concat("expand: dimension ", i, " of size ", have, " cannot become ", shape[i],
                              ", only size 1 can be repeated; sizes ", to_text(shape), " for a tensor of shape ",
                              to_text(x->shape())),
                       x.loc);
    if (i >= lead && g.sizes[i] == have) g.strides[i] = x->strides()[i - lead];
  }
  return apply(x.loc, Expand{g}, x.tensor);
}

Tensor expand_as(In x, const Tensor& other) {
  CallerScope scope(x.loc);
  return expand(x, other.shape());
}

Tensor broadcast_to(In x, const Shape& shape) { return expand(x, shape); }

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors, SourceLoc loc) {
  CallerScope scope(loc);
  Shape shape;
  for (const Tensor& t : tensors) shape = broadcast_shapes(shape, t.shape(), "broadcast_tensors", loc);
  std::vector<Tensor> out;
  for (const Tensor& t : tensors) out.push_back(expand({t, loc}, shape));
  return out;
}

Tensor sum_to(In x, const Shape& shape) {
  const Shape& have = x->shape();
  if (have == shape) return x.tensor;
  CallerScope scope(x.loc);
  const int lead = have.size() - shape.size();
  Shape dims;  // only those that have something to add up
  bool fits = lead >= 0;
  for (int i = 0; fits && i < have.size(); ++i) {
    const std::int64_t want = i < lead ? 1 : shape[i - lead];
    fits = want == have[i] || want == 1;
    if (want != have[i]) dims.push_back(i);
  }
  if (!fits)
    throw ShapeError(concat("sum_to: shape ", to_text(shape), " does not broadcast to the shape ", to_text(have)),
                     x.loc);
  if (dims.empty()) return reshape(x, shape);
  const Tensor summed = sum(x, dims, true);
  return lead > 0 ? reshape({summed, x.loc}, shape) : summed;
}

Tensor contiguous(In x) { return x->is_contiguous() ? x.tensor : clone(x); }

// ---- methods
Tensor Tensor::view(const Shape& shape, SourceLoc loc) const { return slope::view({*this, loc}, shape); }
Tensor Tensor::reshape(const Shape& shape, SourceLoc loc) const { return slope::reshape({*this, loc}, shape); }
Tensor Tensor::expand(const Shape& shape, SourceLoc loc) const { return slope::expand({*this, loc}, shape); }
Tensor Tensor::broadcast_to(const Shape& shape, SourceLoc loc) const {
  return slope::broadcast_to({*this, loc}, shape);
}
Tensor Tensor::swapaxes(std::int64_t dim0, std::int64_t dim1, SourceLoc loc) const {
  return slope::swapaxes({*this, loc}, dim0, dim1);
}
Tensor Tensor::permute(const Shape& dims, SourceLoc loc) const { return slope::permute({*this, loc}, dims); }
Tensor Tensor::transpose(std::int64_t dim0, std::int64_t dim1, SourceLoc loc) const {
  return slope::transpose({*this, loc}, dim0, dim1);
}
Tensor Tensor::movedim(const Shape& from, const Shape& to, SourceLoc loc) const {
  return slope::movedim({*this, loc}, from, to);
}
Tensor Tensor::t(SourceLoc loc) const {
  CallerScope scope(loc);
  if (dim() > 2)
    throw ShapeError(
        concat("t: takes a tensor of at most 2 dimensions, this one has ", dim(), "; use transpose() or permute()"),
        loc);
  return slope::transpose({*this, loc}, 0, dim() < 2 ? 0 : 1);
}
Tensor Tensor::squeeze(SourceLoc loc) const { return slope::squeeze({*this, loc}); }
Tensor Tensor::squeeze(std::int64_t dim, SourceLoc loc) const { return slope::squeeze({*this, loc}, dim); }
Tensor Tensor::unsqueeze(std::int64_t dim, SourceLoc loc) const { return slope::unsqueeze({*this, loc}, dim); }
Tensor Tensor::flatten(std::int64_t start_dim, std::int64_t end_dim, SourceLoc loc) const {
  return slope::flatten({*this, loc}, start_dim, end_dim);
}
Tensor Tensor::unflatten(std::int64_t dim, const Shape& sizes, SourceLoc loc) const {
  return slope::unflatten({*this, loc}, dim, sizes);
}
Tensor Tensor::contiguous(SourceLoc loc) const { return slope::contiguous({*this, loc}); }

}  // namespace slope
