// Products that are made of others, and distances.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

using detail::require_defined;

namespace {

/// Sums over the dimensions listed, which pair up.
Tensor contract(const char* op, In a, const Tensor& b, const Shape& a_dims, const Shape& b_dims) {
  detail::check_product_dtypes(op, a, b, a.loc);
  const auto order = [&](const Tensor& t, const Shape& dims, bool last) {
    unsigned seen = 0;
    Shape free, summed;
    for (const std::int64_t given : dims) {
      const int d = wrap_dim(given, t.dim(), op, a.loc);
      if (seen >> d & 1) throw ShapeError(concat(op, ": dimension ", d, " is listed twice"), a.loc);
      seen |= 1u << d;
      summed.push_back(d);
    }
    for (int d = 0; d < t.dim(); ++d)
      if (!(seen >> d & 1)) free.push_back(d);
    Shape all = last ? free : summed;
    for (const std::int64_t d : last ? summed : free) all.push_back(d);
    return std::pair(all, free);
  };
  if (a_dims.size() != b_dims.size())
    throw ShapeError(concat(op, ": ", a_dims.size(), " and ", b_dims.size(), " dimensions do not pair up"), a.loc);
  if ((!a_dims.empty() && (a->dim() == 0 || b.dim() == 0)))
    throw ShapeError(
        concat(op, ": a 0-d tensor has no dimension to sum over; the shapes are ", a->shape(), " and ", b.shape()),
        a.loc);
  const auto [a_order, a_free] = order(a, a_dims, true);
  const auto [b_order, b_free] = order(b, b_dims, false);
  std::int64_t inner = 1, rows = 1, columns = 1;
  for (int i = 0; i < a_dims.size(); ++i) {
    const std::int64_t m = a->size(a_dims[i]), n = b.size(b_dims[i]);
    if (m != n)
      throw ShapeError(concat(op, ": dimensions of sizes ", m, " and ", n, " do not pair up; the shapes are ",
                              a->shape(), " and ", b.shape()),
                       a.loc);
    inner *= m;
  }
  Shape result;
  for (const std::int64_t d : a_free) rows *= a->size(d), result.push_back(a->size(d));
  for (const std::int64_t d : b_free) columns *= b.size(d), result.push_back(b.size(d));
  checked_numel(result, op, a.loc);
  return reshape(mm(reshape(permute(a, a_order), {rows, inner}), reshape(permute(b, b_order), {inner, columns})),
                 result);
}

}  // namespace

Tensor tensordot(In a, const Tensor& b, std::int64_t dims) {
  const CallerScope scope(a.loc);
  require_defined("tensordot", a);
  require_defined("tensordot", {b, a.loc});
  if (dims < 0 || dims > std::min(a->dim(), b.dim()))
    throw ShapeError(
        concat("tensordot: cannot sum over ", dims, " dimensions of shapes ", a->shape(), " and ", b.shape()), a.loc);
  Shape last, first;
  for (std::int64_t i = 0; i < dims; ++i) {
    last.push_back(a->dim() - dims + i);
    first.push_back(i);
  }
  return contract("tensordot", a, b, last, first);
}

Tensor tensordot(In a, const Tensor& b, const Shape& a_dims, const Shape& b_dims) {
  const CallerScope scope(a.loc);
  require_defined("tensordot", a);
  require_defined("tensordot", {b, a.loc});
  return contract("tensordot", a, b, a_dims, b_dims);
}

Tensor inner(In a, const Tensor& b) {
  const CallerScope scope(a.loc);
  require_defined("inner", a);
  require_defined("inner", {b, a.loc});
  if (a->dim() == 0 || b.dim() == 0) {
    detail::check_product_dtypes("inner", a, b, a.loc);
    return mul(a, {b, a.loc});
  }
  return contract("inner", a, b, {a->dim() - 1}, {b.dim() - 1});
}

Tensor cross(In a, const Tensor& b, std::int64_t dim) {
  const CallerScope scope(a.loc);
  require_defined("cross", a);
  require_defined("cross", {b, a.loc});
  const Shape shape = broadcast_shapes(a->shape(), b.shape(), "cross", a.loc);
  const int d = wrap_dim(dim, shape.size(), "cross", a.loc);
  if (shape.empty() || shape[d] != 3 || a->size(d - shape.size()) != 3 || b.size(d - shape.size()) != 3)
    throw ShapeError(concat("cross: takes vectors of 3 elements along dimension ", d, ", got shapes ", a->shape(),
                            " and ", b.shape()),
                     a.loc);
  const std::int64_t along = d - shape.size();
  const auto turned = [&](const Tensor& t, std::int64_t by) { return roll(t, {-by}, {along}); };
  return turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1);
}

Tensor addr(In c, const Tensor& a, const Tensor& b, const AddProductOptions& options) {
  const CallerScope scope(c.loc);
  require_defined("addr", c);
  for (const Tensor* t : {&a, &b}) {
    require_defined("addr", {*t, c.loc});
    if (t->dim() != 1)
      throw ShapeError(concat("addr: takes two vectors, got shapes ", a.shape(), " and ", b.shape()), c.loc);
  }
  return addmm(c, unsqueeze(a, 1), unsqueeze(b, 0), options);
}

Tensor addbmm(In c, const Tensor& a, const Tensor& b, const AddProductOptions& options) {
  const CallerScope scope(c.loc);
  require_defined("addbmm", c);
  require_defined("addbmm", {a, c.loc});
  require_defined("addbmm", {b, c.loc});
  if (a.dim() != 3 || b.dim() != 3 || a.size(0) != b.size(0) || a.size(2) != b.size(1))
    throw ShapeError(
        concat("addbmm: takes batches [b, n, k] and [b, k, m], got shapes ", a.shape(), " and ", b.shape()), c.loc);
  const std::int64_t inner_size = checked_mul(a.size(0), a.size(2), "addbmm", c.loc);
  return addmm(c, reshape(permute(a, {1, 0, 2}), {a.size(1), inner_size}), reshape(b, {inner_size, b.size(2)}),
               options);
}

Tensor chain_matmul(const std::vector<Tensor>& matrices, SourceLoc loc) {
  const CallerScope scope(loc);
  if (matrices.empty()) throw ValueError("chain_matmul: the list of matrices is empty", loc);
  const std::size_t n = matrices.size();
  for (std::size_t i = 0; i < n; ++i) {
    require_defined("chain_matmul", {matrices[i], loc});
    if (matrices[i].dim() != 2)
      throw ShapeError(concat("chain_matmul: takes matrices, but number ", i, " has shape ", matrices[i].shape()), loc);
    if (i > 0 && matrices[i - 1].size(1) != matrices[i].size(0))
      throw ShapeError(concat("chain_matmul: numbers ", i - 1, " and ", i, " of shapes ", matrices[i - 1].shape(),
                              " and ", matrices[i].shape(), " do not fit"),
                       loc);
  }
  if (n == 1) return clone(matrices[0]);
  // cost[i][j] of the product of i..j, and where it is best cut (T. C. Hu, M. T. Shing, 1982, solve it faster; chains are short).
  std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0.0));
  std::vector<std::vector<std::size_t>> cut(n, std::vector<std::size_t>(n, 0));
  const auto size = [&](std::size_t i) {
    return static_cast<double>(i == 0 ? matrices[0].size(0) : matrices[i - 1].size(1));
  };
  for (std::size_t length = 2; length <= n; ++length)
    for (std::size_t i = 0; i + length <= n; ++i) {
      const std::size_t j = i + length - 1;
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (std::size_t k = i; k < j; ++k)
        if (const double c = cost[i][k] + cost[k + 1][j] + size(i) * size(k + 1) * size(j + 1); c < cost[i][j]) {
          cost[i][j] = c;
          cut[i][j] = k;
        }
    }
  const auto product = [&](const auto& self, std::size_t i, std::size_t j) -> Tensor {
    if (i == j) return matrices[i];
    return mm(self(self, i, cut[i][j]), self(self, cut[i][j] + 1, j));
  };
  return product(product, 0, n - 1);
}

namespace {

/// Euclidean distances of rows. The derivative is made of products: no tensor of all differences.
struct CdistOp {
  static constexpr std::string_view name = "Cdist";
  struct Saved {
    SavedTensor a, b, y;
  };
  Tensor forward(Saved& s, const Tensor& a, const Tensor& b) {
    const Tensor x = contiguous(a), z = contiguous(b);
    Shape shape = a.shape();
    const int last = shape.size() - 1;
    const std::int64_t n = shape[last - 1], m = b.shape()[last - 1], k = shape[last];
    shape[last] = m;
    const Tensor y = make_empty(shape, a.dtype());
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T *from = x.impl().template ptr<const T>(), *other = z.impl().template ptr<const T>();
      T* to = y.impl().template ptr<T>();
      if (y.numel() == 0) return;
      parallel_for(y.numel() / m, std::max<std::int64_t>(1, grain_cheap / std::max<std::int64_t>(1, m * k)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t r = begin; r < end; ++r)
                       for (std::int64_t j = 0; j < m; ++j) {
                         const T *u = from + r * k, *v = other + (r / n * m + j) * k;
                         double sum[4] = {};
                         std::int64_t i = 0;
                         for (; i + 4 <= k; i += 4)
                           for (int l = 0; l < 4; ++l) {
                             const double d = static_cast<double>(u[i + l]) - static_cast<double>(v[i + l]);
                             sum[l] += d * d;
                           }
                         for (; i < k; ++i) {
                           const double d = static_cast<double>(u[i]) - static_cast<double>(v[i]);
                           sum[0] += d * d;
                         }
                         to[r * m + j] = static_cast<T>(std::sqrt((sum[0] + sum[1]) + (sum[2] + sum[3])));
                       }
                   });
    });
    s.a = save(a);
    s.b = save(b);
    s.y = save_output(y);
    return y;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const Tensor a = s.a.get(), b = s.b.get(), y = s.y.get();
    const Tensor share = where(y == 0, 0, g / where(y == 0, 1, y));
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = a * sum(share, -1, true) - matmul(share, b);
    if (needs_grad(1)) {
      const Tensor across = transpose(share, -2, -1);
      grads[1] = b * sum(across, -1, true) - matmul(across, a);
    }
    return grads;
  }
};

}  // namespace

Tensor cdist(In a, const Tensor& b, double p) {
  const CallerScope scope(a.loc);
  detail::require_floating("cdist", a);
  detail::require_floating("cdist", {b, a.loc}, "the second tensor");
  detail::check_product_dtypes("cdist", a, b, a.loc);
  if (!(p >= 0)) throw ValueError(concat("cdist: p must not be negative, got ", p), a.loc);
  if (a->dim() < 2 || b.dim() < 2 || a->size(-1) != b.size(-1))
    throw ShapeError(concat("cdist: takes rows of one length, [..., n, k] and [..., m, k], got shapes ", a->shape(),
                            " and ", b.shape()),
                     a.loc);
  Shape left = a->shape(), right = b.shape();
  for (Shape* s : {&left, &right})
    for (int i = 0; i < 2; ++i) s->erase(s->size() - 1);
  Shape batch = broadcast_shapes(left, right, "cdist", a.loc);
  const auto spread = [&](const Tensor& t) {
    Shape s = batch;
    s.push_back(t.size(-2));
    s.push_back(t.size(-1));
    return expand(t, s);
  };
  const Tensor x = spread(a), z = spread(b);
  if (p == 2) return apply(a.loc, CdistOp{}, x, z);
  if (x.dim() == max_dims)
    throw ShapeError(
        concat("cdist: with p = ", p, " takes at most ", max_dims - 1, " dimensions, got shape ", x.shape()), a.loc);
  const Tensor difference = unsqueeze(x, -2) - unsqueeze(z, -3);
  // Nothing has distance 0.
  if (x.size(-1) == 0) return sum(difference, -1);
  return norm(difference, p, -1);
}

}  // namespace slope
