// Combining what meets at one place.
#include <algorithm>
#include <vector>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

const char* name_of(Reduce r) {
  constexpr const char* names[] = {"sum", "prod", "mean", "amax", "amin"};
  return names[static_cast<int>(r)];
}

/// to[index[i, j], j] = combine(to[...], src[i, j]), in row-major order of the index. All are dense.
template <class T, class Combine>
void combine_into(T* to, const Shape& to_shape, int dim, const std::int64_t* index, const Tensor& index_of,
                  const T* src, const Shape& src_shape, const Combine& combine) {
  const Shape& shape = index_of.shape();
  const Shape to_strides = contiguous_strides(to_shape), src_strides = contiguous_strides(src_shape);
  Shape at = Shape::filled(shape.size(), 0);
  for (std::int64_t i = 0; i < index_of.numel(); ++i) {
    std::int64_t place = index[i] * to_strides[dim], from = 0;
    for (int d = 0; d < shape.size(); ++d) {
      if (d != dim) place += at[d] * to_strides[d];
      from += at[d] * src_strides[d];
    }
    to[place] = combine(to[place], src[from]);
    for (int d = shape.size() - 1; d >= 0 && ++at[d] == shape[d]; --d) at[d] = 0;
  }
}

/// What is combined into `start` (a new dense tensor).
Tensor combined(const Tensor& start, int dim, const Tensor& index, const Tensor& src, Reduce reduce) {
  const Tensor out = dense_copy(start), dense_index = contiguous(index), dense_src = contiguous(src);
  visit_dtype(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto run = [&](const auto& f) {
      combine_into(out.impl().template ptr<T>(), out.shape(), dim,
                   dense_index.impl().template ptr<const std::int64_t>(), dense_index,
                   dense_src.impl().template ptr<const T>(), src.shape(), f);
    };
    if (reduce == Reduce::prod)
      run([](T a, T b) {
        if constexpr (std::is_same_v<T, std::int64_t>)
          return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
        else
          return static_cast<T>(a * b);
      });
    else if (reduce == Reduce::amax)
      run([](T a, T b) { return a != a || !(b > a || b != b) ? a : b; });
    else
      run([](T a, T b) { return a != a || !(b < a || b != b) ? a : b; });
  });
  return out;
}

/// The largest or smallest; all that equal it share the gradient. `named`: whether x takes part at each place.
struct ScatterExtreme {
  static constexpr std::string_view name = "ScatterReduce";
  int dim;
  Reduce reduce;
  struct Saved {
    SavedTensor index, x_share, src_share;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& src, NoGrad index, NoGrad start, NoGrad takes_part) {
    const Tensor out = combined(start, dim, index, src, reduce);
    if (!is_floating(out.dtype())) return out;
    const auto equal_to = [](const Tensor& a, const Tensor& b) {
      return logical_or(a == b, logical_and(isnan(a), isnan(b))).to(a.dtype());
    };
    const Tensor x_hit = equal_to(x, out) * takes_part.to(x.dtype());
    const Tensor src_hit = equal_to(src, gather(out, dim, index));
    const Tensor hits = clamp_min(scatter_add(x_hit, dim, index, src_hit), 1);
    s.index = save(index);
    s.x_share = save(x_hit / hits);
    s.src_share = save(src_hit / gather(hits, dim, index));
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = scale_cotangent(g, s.x_share.get());
    if (needs_grad(1)) grads[1] = scale_cotangent(gather(g, dim, s.index.get()), s.src_share.get());
    return grads;
  }
};

/// The product. Each factor's derivative is the product of the others.
struct ScatterProduct {
  static constexpr std::string_view name = "ScatterReduce";
  int dim;
  struct Saved {
    SavedTensor x, src, index, takes_part;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& src, NoGrad index, NoGrad takes_part) {
    s.x = save(x);
    s.src = save(src);
    s.index = save(index);
    s.takes_part = save(takes_part);
    return combined(where(takes_part, x, 1).to(x.dtype()), dim, index, src, Reduce::prod);
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get(), src = s.src.get(), index = s.index.get(), takes_part = s.takes_part.get();
    // Zeros counted apart, and ones in their place.
    const Tensor x_zero = logical_and(x == 0, takes_part), src_zero = src == 0;
    const Tensor x_rest = where(logical_or(x_zero, logical_not(takes_part)), 1, x).to(x.dtype());
    const Tensor src_rest = where(src_zero, 1, src).to(x.dtype());
    const Tensor zeros_there = scatter_add(x_zero.to(DType::int64), dim, index, src_zero.to(DType::int64));
    const Tensor rest =
        apply(SourceLoc{}, ScatterProduct{dim}, x_rest, src_rest, index, ones_like(x, {.dtype = DType::boolean}));
    const auto others = [](const Tensor& product, const Tensor& own, const Tensor& is_zero, const Tensor& all_zeros) {
      return where(all_zeros == is_zero.to(DType::int64), product / own, 0);
    };
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = where(takes_part, scale_cotangent(g, others(rest, x_rest, x_zero, zeros_there)), 0);
    if (needs_grad(1))
      grads[1] = scale_cotangent(gather(g, dim, index),
                                 others(gather(rest, dim, index), src_rest, src_zero, gather(zeros_there, dim, index)));
    return grads;
  }
};

}  // namespace

Tensor scatter_reduce(In x, std::int64_t dim, const Tensor& index, const Tensor& src, Reduce reduce,
                      bool include_self) {
  const CallerScope scope(x.loc);
  detail::require_defined("scatter_reduce", x);
  detail::require_defined("scatter_reduce", {src, x.loc});
  // Checks everything, and which places are named.
  const Tensor named = gt(
      scatter_add(zeros(x->shape(), {.dtype = DType::int64}), dim, index, ones(src.shape(), {.dtype = DType::int64})),
      0);
  if (x->dtype() != src.dtype())
    throw DTypeError(concat("scatter_reduce: the source has dtype ", dtype_name(src.dtype()), ", the tensor ",
                            dtype_name(x->dtype()), "; convert one with .to(", dtype_name(x->dtype()), ")"),
                     x.loc);
  if (x->dtype() == DType::boolean && reduce != Reduce::amax && reduce != Reduce::amin)
    throw DTypeError(concat("scatter_reduce: ", name_of(reduce), " of bools is not supported; convert with .to(int64)"),
                     x.loc);
  if (x->dim() == 0)
    return reshape(scatter_reduce(reshape(x, {1}), 0, reshape(index, {index.numel()}), reshape(src, {src.numel()}),
                                  reduce, include_self),
                   {});
  const int d = wrap_dim(dim, x->dim(), "scatter_reduce", x.loc);
  const Tensor part = include_self ? ones(x->shape(), {.dtype = DType::boolean}) : logical_not(named);
  // Only as much of the source as the index names.
  Tensor from = src;
  for (int i = 0; i < from.dim(); ++i) from = narrow(from, i, 0, index.shape()[i]);
  switch (reduce) {
    case Reduce::sum:
    case Reduce::mean: {
      const Tensor total = scatter_add(where(part, x, 0).to(x->dtype()), d, index, from);
      if (reduce == Reduce::sum) return total;
      const Tensor count = clamp_min(scatter_add(part.to(DType::int64), d, index, ones_like(index)), 1);
      return is_floating(x->dtype()) ? total / count : floor_divide(total, count);
    }
    case Reduce::prod: return apply(x.loc, ScatterProduct{d}, x.tensor, from, index, part);
    case Reduce::amax:
    case Reduce::amin: break;
  }
  // A place that starts from the source alone starts from any of its elements.
  const Tensor start = include_self ? x->detach() : scatter(x->detach(), d, index, from.detach());
  return apply(x.loc, ScatterExtreme{d, reduce}, x.tensor, from, index, start, part);
}

Tensor index_reduce(In x, std::int64_t dim, const Tensor& index, const Tensor& source, Reduce reduce,
                    bool include_self) {
  const CallerScope scope(x.loc);
  detail::require_defined("index_reduce", x);
  detail::require_defined("index_reduce", {source, x.loc});
  detail::check_index(index, "index_reduce", x.loc);
  const int d = wrap_dim(dim, x->dim(), "index_reduce", x.loc);
  bool fits = index.dim() == 1 && source.dim() == x->dim() && x->dim() > 0;
  for (int i = 0; fits && i < x->dim(); ++i) fits = source.shape()[i] == (i == d ? index.numel() : x->shape()[i]);
  if (!fits)
    throw ShapeError(concat("index_reduce: an index of shape ", index.shape(), " and a source of shape ",
                            source.shape(), " do not fit a tensor of shape ", x->shape(), " along dimension ", d),
                     x.loc);
  Shape along = Shape::filled(x->dim(), 1);
  along[d] = index.numel();
  return scatter_reduce(x, d, expand(reshape(index, along), source.shape()), source, reduce, include_self);
}

}  // namespace slope
