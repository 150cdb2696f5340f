// Decompositions, and what is made of them.
#include <vector>

#include "slope/autograd/kernels/gemm/lapack.h"
#include "slope/autograd/ops/linalg/internal/matrices.h"
#include "slope/autograd/ops/linalg/linalg.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"

namespace slope {

using namespace detail;

namespace {

/// The diagonal matrices of vectors times matrices, and matrices times them.
Tensor scale_rows(const Tensor& v, const Tensor& a) { return unsqueeze(v, -1) * a; }
Tensor scale_columns(const Tensor& a, const Tensor& v) { return a * unsqueeze(v, -2); }

/// v_j - v_i in row i and column j, and 1 on the diagonal.
Tensor gaps(const Tensor& v) {
  const Tensor difference = unsqueeze(v, -2) - unsqueeze(v, -1);
  return where(eye(v.size(-1), {.dtype = v.dtype()}) == 1, 1, difference);
}

struct QrOp {
  static constexpr std::string_view name = "Qr";
  struct Saved {
    SavedTensor a, q, r;
  };
  std::array<Tensor, 2> forward(Saved& s, const Tensor& a) {
    const std::int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n), batch = batch_of(a);
    const Tensor factors = by_columns(a), q = make_empty(with_matrix(batch_shape(a), k, m), a.dtype());
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (k == 0) return;
      for_matrices(batch, m * n * k, [&](std::int64_t i) {
        lapack::qr<T>(m, n, factors.impl().template ptr<T>() + i * m * n, q.impl().template ptr<T>() + i * m * k);
      });
    });
    const Tensor r = triu(narrow(transposed(factors), -2, 0, k)), orthonormal = dense_copy(transposed(q));
    s.a = save(a);
    s.q = save_output(orthonormal, 0);
    s.r = save_output(r, 1);
    return {orthonormal, r};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    const Tensor a = s.a.get(), q = s.q.get(), r = s.r.get();
    const std::int64_t m = rows_of(a), n = columns_of(a);
    const Tensor gq = g[0].defined() ? g[0] : zeros_like(q.detach()),
                 gr = g[1].defined() ? g[1] : zeros_like(r.detach());
    if (m >= n) return {tall(q, r, gq, gr)};
    // The square part, and what is right of it: Qᵀ times that of A.
    const Tensor behind = narrow(a, -1, m, n - m), g_behind = narrow(gr, -1, m, n - m);
    const Tensor first = tall(q, narrow(r, -1, 0, m), gq + matmul(behind, transposed(g_behind)), narrow(gr, -1, 0, m));
    return {cat({first, matmul(q, g_behind)}, -1)};
  }

 private:
  static Tensor tall(const Tensor& q, const Tensor& r, const Tensor& gq, const Tensor& gr) {
    const Tensor m = matmul(r, transposed(gr)) - matmul(transposed(gq), q);
    const Tensor rest = gq + matmul(q, tril(m) + transposed(tril(m, -1)));
    return transposed(solve_triangular(SourceLoc{}, r, transposed(rest), true, false, false));
  }
};

struct SvdOp {
  static constexpr std::string_view name = "Svd";
  struct Saved {
    SavedTensor u, s, vh;
  };
  std::array<Tensor, 3> forward(Saved& saved, const Tensor& a) {
    std::array<Tensor, 3> out = decompose(a, false);
    saved.u = save_output(out[0], 0);
    saved.s = save_output(out[1], 1);
    saved.vh = save_output(out[2], 2);
    return out;
  }
  Grads<1> backward(const Saved& saved, std::span<const Tensor, 3> g) const {
    const Tensor u = saved.u.get(), s = saved.s.get(), vh = saved.vh.get();
    const Tensor &gu = g[0], &gs = g[1], &gvh = g[2];
    Tensor total;
    const auto add_part = [&](const Tensor& t) { total = total.defined() ? total + t : t; };
    if (gs.defined()) add_part(matmul(scale_columns(u, gs), vh));
    if (gu.defined() || gvh.defined()) {
      const Tensor apart = gaps(square(s)), v = transposed(vh);
      const auto skew = [](const Tensor& t) { return t - transposed(t); };
      Tensor inner;
      if (gu.defined()) inner = scale_columns(skew(matmul(transposed(u), gu)) / apart, s);
      if (gvh.defined()) {
        const Tensor part = scale_rows(s, skew(matmul(vh, transposed(gvh))) / apart);
        inner = inner.defined() ? inner + part : part;
      }
      add_part(matmul(matmul(u, inner), vh));
      const std::int64_t k = s.size(-1);
      if (gu.defined() && rows_of(u) > k) {
        const Tensor outside = gu - matmul(u, matmul(transposed(u), gu));
        add_part(matmul(scale_columns(outside, reciprocal(s)), vh));
      }
      if (gvh.defined() && columns_of(vh) > k) {
        const Tensor outside = gvh - matmul(matmul(gvh, v), vh);
        add_part(matmul(scale_columns(u, reciprocal(s)), outside));
      }
    }
    return {total};
  }

  static std::array<Tensor, 3> decompose(const Tensor& a, bool all) {
    require_finite("svd", a, {});
    const std::int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n), batch = batch_of(a);
    const std::int64_t u_columns = all ? m : k, v_rows = all ? n : k;
    const Shape lead = batch_shape(a);
    Shape values = lead;
    values.push_back(k);
    const Tensor work = by_columns(a), s = make_empty(values, a.dtype());
    // By columns, that is as transposes.
    const Tensor u = make_empty(with_matrix(lead, u_columns, m), a.dtype()),
                 v = make_empty(with_matrix(lead, n, v_rows), a.dtype());
    if (k == 0)  // nothing but the bases of what is not there
      return {expand(eye(m, u_columns, {.dtype = a.dtype()}), with_matrix(lead, m, u_columns)).clone(), s,
              expand(eye(v_rows, n, {.dtype = a.dtype()}), with_matrix(lead, v_rows, n)).clone()};
    std::vector<std::int64_t> info(static_cast<std::size_t>(batch));
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_matrices(batch, 10 * m * n * k, [&](std::int64_t i) {
        info[static_cast<std::size_t>(i)] =
            lapack::svd<T>(all, m, n, work.impl().template ptr<T>() + i * m * n, s.impl().template ptr<T>() + i * k,
                           u.impl().template ptr<T>() + i * m * u_columns, v.impl().template ptr<T>() + i * n * v_rows);
      });
    });
    for (std::int64_t i = 0; i < batch; ++i)
      if (info[static_cast<std::size_t>(i)] != 0)
        throw ValueError(concat("svd: for ", matrix_number(a, i), "the iteration did not converge"));
    return {dense_copy(transposed(u)), s, dense_copy(transposed(v))};
  }
};

struct EighOp {
  static constexpr std::string_view name = "Eigh";
  struct Saved {
    SavedTensor values, vectors;
  };
  std::array<Tensor, 2> forward(Saved& s, const Tensor& a) {
    require_finite("eigh", tril(a), {});
    const std::int64_t n = rows_of(a), batch = batch_of(a);
    Shape shape = batch_shape(a);
    shape.push_back(n);
    const Tensor vectors = by_columns(a), values = make_empty(shape, a.dtype());
    std::vector<std::int64_t> info(static_cast<std::size_t>(batch));
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (n == 0) return;
      for_matrices(batch, 10 * n * n * n, [&](std::int64_t i) {
        info[static_cast<std::size_t>(i)] =
            lapack::syevd<T>(n, vectors.impl().template ptr<T>() + i * n * n, values.impl().template ptr<T>() + i * n);
      });
    });
    for (std::int64_t i = 0; i < batch; ++i)
      if (info[static_cast<std::size_t>(i)] != 0)
        throw ValueError(concat("eigh: for ", matrix_number(a, i), "the iteration did not converge"));
    const Tensor columns = dense_copy(transposed(vectors));
    s.values = save_output(values, 0);
    s.vectors = save_output(columns, 1);
    return {values, columns};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    const Tensor vectors = s.vectors.get();
    Tensor inner;
    if (g[1].defined()) {
      const Tensor v = matmul(transposed(vectors), g[1]) / gaps(s.values.get());
      inner = where(eye(v.size(-1), {.dtype = v.dtype()}) == 1, 0, v);
    }
    if (g[0].defined()) inner = inner.defined() ? inner + diag_embed(g[0]) : diag_embed(g[0]);
    if (!inner.defined()) return {};
    const Tensor whole = matmul(matmul(vectors, inner), transposed(vectors));
    return {(whole + transposed(whole)) * 0.5};
  }
};

/// Singular values up to this count as 0.
double tolerance(const Tensor& a, std::optional<double> rcond) {
  const double precision = a.dtype() == DType::float32 ? 0x1p-23 : 0x1p-52;
  return rcond.value_or(precision * static_cast<double>(std::max(rows_of(a), columns_of(a))));
}

Tensor above_tolerance(const Tensor& s, double rcond) {
  if (s.size(-1) == 0) return s > 0;
  return s > amax(s, -1, true) * rcond;
}

struct PinvOp {
  static constexpr std::string_view name = "Pinv";
  double rcond;
  struct Saved {
    SavedTensor a, y;
  };
  Tensor forward(Saved& saved, const Tensor& a) {
    const auto [u, s, vh] = SvdOp::decompose(a, false);
    const Tensor inverted = where(above_tolerance(s, rcond), reciprocal(s), 0);
    const Tensor y = matmul(scale_columns(transposed(vh), inverted), transposed(u));
    saved.a = save(a);
    saved.y = save_output(y);
    return y;
  }
  Grads<1> backward(const Saved& saved, const Tensor& g) const {
    const Tensor a = saved.a.get(), y = saved.y.get(), yt = transposed(y), gt = transposed(g);
    if (rows_of(a) <= columns_of(a)) {
      const Tensor k = matmul(gt, y), ky = matmul(k, yt);
      return {ky - transposed(matmul(y, k)) - matmul(matmul(a, y), ky) + matmul(matmul(yt, y), gt - matmul(k, a))};
    }
    const Tensor k = matmul(y, gt), yk = matmul(yt, k);
    return {yk - transposed(matmul(k, y)) + matmul(matmul(gt - matmul(a, k), y), yt) - matmul(matmul(yk, y), a)};
  }
};

}  // namespace

std::pair<Tensor, Tensor> qr(In a) {
  const CallerScope scope(a.loc);
  require_matrices("qr", a, a.loc);
  auto [q, r] = apply(a.loc, QrOp{}, a.tensor);
  return {std::move(q), std::move(r)};
}

SvdResult svd(In a, bool full_matrices) {
  const CallerScope scope(a.loc);
  require_matrices("svd", a, a.loc);
  if (!full_matrices) {
    auto [u, s, vh] = apply(a.loc, SvdOp{}, a.tensor);
    return {std::move(u), std::move(s), std::move(vh)};
  }
  Tensor values = svdvals(a);
  NoGradGuard no_grad;
  auto [u, s, vh] = SvdOp::decompose(a, true);
  return {std::move(u), std::move(values), std::move(vh)};
}

Tensor svdvals(In a) { return svd(a).S; }

std::pair<Tensor, Tensor> eigh(In a, bool upper) {
  const CallerScope scope(a.loc);
  require_square("eigh", a, a.loc);
  auto [values, vectors] = apply(a.loc, EighOp{}, upper ? transposed(a) : a.tensor);
  return {std::move(values), std::move(vectors)};
}

Tensor eigvalsh(In a, bool upper) { return eigh(a, upper).first; }

Tensor pinv(In a, std::optional<double> rcond) {
  const CallerScope scope(a.loc);
  require_matrices("pinv", a, a.loc);
  return apply(a.loc, PinvOp{tolerance(a, rcond)}, a.tensor);
}

Tensor pinverse(In a, double rcond) { return pinv(a, rcond); }

Tensor lstsq(In a, const Tensor& b, std::optional<double> rcond) {
  const CallerScope scope(a.loc);
  require_matrices("lstsq", a, a.loc);
  require_floating("lstsq", {b, a.loc}, "the right side");
  const Fitted f = fitted("lstsq", a, b, a.loc);
  return matmul(pinv(f.a, rcond), f.b);
}

Tensor matrix_rank(In a, std::optional<double> rcond) {
  NoGradGuard no_grad;
  const CallerScope scope(a.loc);
  require_matrices("matrix_rank", a, a.loc);
  return above_tolerance(svdvals(a), tolerance(a, rcond)).sum(-1);
}

}  // namespace slope
