#include "slope/nn/losses/cosine_similarity.h"

#include <cmath>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/lanes.h"
#include "slope/autograd/kernels/rows.h"
#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/ops/reduce.h"
#include "slope/autograd/ops/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn {

namespace {

struct RowProducts {
  double ab = 0, aa = 0, bb = 0;
};

template <class T>
RowProducts row_products(const T* a, const T* b, std::int64_t n) {
  RowProducts r;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<double>;
    V ab(0), aa(0), bb(0);
    alignas(64) double x[V::size], y[V::size];
    for (std::int64_t i = 0; i < n; i += V::size) {
      const auto m = std::min<std::int64_t>(V::size, n - i);
      for (std::int64_t j = 0; j < V::size; ++j) {
        x[j] = j < m ? static_cast<double>(a[i + j]) : 0;
        y[j] = j < m ? static_cast<double>(b[i + j]) : 0;
      }
      const V u = V::load(x), v = V::load(y);
      ab += u * v;
      aa += u * u;
      bb += v * v;
    }
    r = {reduce_add(ab), reduce_add(aa), reduce_add(bb)};
  });
  return r;
}

struct CosineSimilarityRows {
  static constexpr std::string_view name = "CosineSimilarity";
  int dim;
  double eps;
  struct Saved {
    SavedTensor x1, x2;
  };

  Tensor forward(Saved& s, const Tensor& x1, const Tensor& x2) {
    Shape kept = x1.shape();
    if (!kept.empty()) kept[dim] = 1;
    const Tensor out = make_empty(kept, x1.dtype());
    visit_floating(x1.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t n = x1.dim() == 0 ? 1 : x1.shape()[dim];
      const RowArg args[] = {{x1.impl()}, {x2.impl()}, {out.impl(), true}};
      for_rows(dim, args, grain_cheap, [&](char* const* p, const std::int64_t* step, std::int64_t rows) {
        for (std::int64_t r = 0; r < rows; ++r) {
          const RowProducts sums = row_products(reinterpret_cast<const T*>(p[0] + r * step[0]),
                                                reinterpret_cast<const T*>(p[1] + r * step[1]), n);
          *reinterpret_cast<T*>(p[2] + r * step[2]) =
              static_cast<T>(sums.ab / (std::max(std::sqrt(sums.aa), eps) * std::max(std::sqrt(sums.bb), eps)));
        }
      });
    });
    s = {save(x1), save(x2)};
    return x1.dim() == 0 ? out : out.squeeze(dim);
  }

  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const Tensor x1 = s.x1.get(), x2 = s.x2.get();
    const Tensor up = x1.dim() == 0 ? g : g.unsqueeze(dim);
    if (grad_enabled()) return composed(x1, x2, up);
    Grads<2> grads;
    for (int k = 0; k < 2; ++k)
      if (needs_grad(k)) grads[static_cast<std::size_t>(k)] = gradient(k == 0 ? x1 : x2, k == 0 ? x2 : x1, up);
    return grads;
  }

  // With respect to a, in one pass over each row after its sums.
  Tensor gradient(const Tensor& a, const Tensor& b, const Tensor& up) const {
    const Tensor out = make_empty(a.shape(), a.dtype());
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t n = a.dim() == 0 ? 1 : a.shape()[dim];
      const RowArg args[] = {{a.impl()}, {b.impl()}, {up.impl()}, {out.impl(), true}};
      for_rows(dim, args, grain_cheap, [&](char* const* p, const std::int64_t* step, std::int64_t rows) {
        for (std::int64_t r = 0; r < rows; ++r) {
          const T* x = reinterpret_cast<const T*>(p[0] + r * step[0]);
          const T* y = reinterpret_cast<const T*>(p[1] + r * step[1]);
          T* to = reinterpret_cast<T*>(p[3] + r * step[3]);
          const auto g = static_cast<double>(*reinterpret_cast<const T*>(p[2] + r * step[2]));
          if (g == 0) {
            std::fill_n(to, n, T(0));
            continue;
          }
          const RowProducts sums = row_products(x, y, n);
          const double norm = std::sqrt(sums.aa), n1 = std::max(norm, eps), n2 = std::max(std::sqrt(sums.bb), eps);
          const double cross = g / (n1 * n2), own = norm == 0 ? 0 : cross * sums.ab / (n1 * norm);
          for (std::int64_t i = 0; i < n; ++i)
            to[i] = static_cast<T>(cross * static_cast<double>(y[i]) - own * static_cast<double>(x[i]));
        }
      });
    });
    return out;
  }

  Grads<2> composed(const Tensor& x1, const Tensor& x2, const Tensor& up) const {
    const auto norm_of = [&](const Tensor& x) { return norm(x, 2, dim, true); };
    const Tensor r1 = norm_of(x1), r2 = norm_of(x2);
    const Tensor n1 = maximum(r1, eps), n2 = maximum(r2, eps);
    const Tensor cross = 1.0 / (n1 * n2), s = (x1 * x2).sum(dim, true) * cross;
    const auto part = [&](const Tensor& a, const Tensor& b, const Tensor& n, const Tensor& r) {
      const Tensor own = where(r == 0.0, 0.0, s / (n * where(r == 0.0, 1.0, r)));
      return scale_cotangent(up, b * cross - a * own);
    };
    return {part(x1, x2, n1, r1), part(x2, x1, n2, r2)};
  }
};

}  // namespace

Tensor functional::cosine_similarity(In x1, const Tensor& x2, const CosineSimilarityOptions& options) {
  constexpr const char* op = "cosine_similarity";
  CallerScope scope(x1.loc);
  detail::require_floating(op, x1);
  if (!x2.defined()) throw ValueError(concat(op, ": x2 is an undefined tensor"), x1.loc);
  detail::require_floating(op, {x2, x1.loc});
  const Shape shape = broadcast_shapes(x1->shape(), x2.shape(), op, x1.loc);
  const int dim = wrap_dim(options.dim, shape.size(), op, x1.loc);
  const DType dtype = x1->dtype() == x2.dtype() ? x2.dtype() : DType::float64;
  const auto prepared = [&](const Tensor& t) {
    const Tensor same = t.to(dtype, x1.loc);
    return same.shape() == shape ? same : same.expand(shape, x1.loc);
  };
  return apply(x1.loc, CosineSimilarityRows{dim, options.eps}, prepared(x1), prepared(x2));
}

}  // namespace slope::nn
