#pragma once

#include <string_view>
#include <utility>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/reduce.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/tensor.h"

/// What the reductions share: which dimensions go, what the result looks like, and the way back.
namespace slope::detail {

/// Small, because every recorded reduction keeps one.
struct ReducedDims {
  unsigned mask = 0;     ///< bit d: dimension d is combined
  bool all = false;      ///< every dimension is
  bool keepdim = false;  ///< combined dimensions stay as 1
  Shape in;              ///< the sizes of the input

  /// The sizes of the result with combined dimensions as 1, and as they are.
  Shape kept() const {
    Shape s = in;
    for (int d = 0; d < s.size(); ++d)
      if (mask >> d & 1) s[d] = 1;
    return s;
  }
  Shape out() const {
    if (keepdim) return kept();
    Shape s;
    if (all) return s;
    for (int d = 0; d < in.size(); ++d)
      if (!(mask >> d & 1)) s.push_back(in[d]);
    return s;
  }
  /// Elements per result.
  std::int64_t length() const {
    std::int64_t n = 1;
    for (int d = 0; d < in.size(); ++d)
      if (mask >> d & 1) n *= in[d];
    return n;
  }
};

/// Checks `dims` against `x`.
ReducedDims reduced_dims(const char* op, In x, const Dims& dims, bool keepdim);
/// Throws ShapeError when a combined dimension has size 0 but results do exist: there is no largest of nothing.
void require_elements(const char* op, In x, const ReducedDims& over);

/// A result or its gradient as a view of the shape of the input.
Tensor spread(const Tensor& t, const ReducedDims& over);

struct AsAccumulated {
  double operator()(double v, std::int64_t) const { return v; }
};

/// A tensor of dtype `as` with finish(accumulated, output) for every output; x is floating.
template <class Finish = AsAccumulated>
Tensor reduce_floating(const Tensor& x, const ReducedDims& over, ReduceOp op, const ReduceParams& params, DType as,
                       const Finish& finish = {}) {
  Tensor out = make_empty(over.out(), as);
  const ReducePlan plan(x.impl(), over.mask);
  visit_floating(as, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = out.impl().ptr<T>();
    reduce(plan, op, params, [&](std::int64_t first, const double* v, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) to[first + i] = static_cast<T>(finish(v[i], first + i));
    });
  });
  return out;
}

/// The same for int64 and bool, without finish.
template <class T>
Tensor reduce_integral(const Tensor& x, const ReducedDims& over, ReduceOp op) {
  Tensor out = make_empty(over.out(), dtype_of<T>());
  T* to = out.impl().ptr<T>();
  reduce_integers(ReducePlan(x.impl(), over.mask), op, [&](std::int64_t first, const std::int64_t* v, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) to[first + i] = static_cast<T>(v[i]);
  });
  return out;
}

/// Accumulated values as they are, float64, in the shape with combined dimensions kept as 1.
Tensor reduce_wide(const Tensor& x, const ReducedDims& over, ReduceOp op, const double* c = nullptr);

/// The combined dimensions as an argument for another reduction; x must not be 0-d.
Dims dims_of(const ReducedDims& over);

/// Where `x` equals its extreme `y` (kept or not), NaN being equal to NaN.
Tensor equals_extreme(const Tensor& x, const Tensor& y, const ReducedDims& over);
/// g shared equally by the elements where `hit` is true.
Tensor share_among(const Tensor& hit, const Tensor& g, const ReducedDims& over);

/// The text a struct is named by, as a template argument.
template <std::size_t N>
struct OpName {
  char text[N];
  constexpr OpName(const char (&s)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
};

/// Records that `values`, found elsewhere, are the elements of the input at `index` along `dim`. Both either keep `dim` or have
/// lost it.
template <OpName Name>
struct PickOp {
  static constexpr std::string_view name = std::string_view(Name.text);
  int dim;
  Shape in{};
  struct Saved {
    SavedTensor index;
  };
  Tensor forward(Saved& s, const Tensor& x, NoGrad values, NoGrad index) {
    in = x.shape();
    s.index = save(index);
    return values;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    if (in.empty()) return {g};
    Tensor at = s.index.get(), up = g;
    if (at.dim() < in.size()) {
      at = unsqueeze(at, dim);
      up = unsqueeze(up, dim);
    }
    return {scatter_add(zeros(in, {.dtype = g.dtype()}), dim, at, up)};
  }
};

/// `values` as picked from `x`, and where.
template <OpName Name>
std::pair<Tensor, Tensor> picked(In x, const Tensor& values, const Tensor& index, int dim) {
  return {apply(x.loc, PickOp<Name>{dim}, x.tensor, values, index), index};
}

}  // namespace slope::detail
