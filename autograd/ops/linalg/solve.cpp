// Linear equations, determinants and Cholesky factors.
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

struct SolveOp {
  static constexpr std::string_view name = "Solve";
  const char* op;
  struct Saved {
    SavedTensor a, x;
  };
  Tensor forward(Saved& s, const Tensor& a, const Tensor& b) {
    const std::int64_t n = rows_of(a), k = columns_of(b), batch = batch_of(a);
    const Tensor factors = by_columns(a), x = by_columns(b);
    std::vector<std::int64_t> info(static_cast<std::size_t>(batch));
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (n == 0 || k == 0) return;
      for_matrices(batch, n * n * (n + k), [&](std::int64_t i) {
        std::vector<int> pivots(static_cast<std::size_t>(n));
        T* lu = factors.impl().template ptr<T>() + i * n * n;
        if ((info[static_cast<std::size_t>(i)] = lapack::getrf<T>(n, lu, pivots.data())) == 0)
          lapack::getrs<T>(n, k, lu, pivots.data(), x.impl().template ptr<T>() + i * n * k);
      });
    });
    for (std::int64_t i = 0; i < batch; ++i)
      if (info[static_cast<std::size_t>(i)] != 0)
        throw ValueError(concat(op, ": ", matrix_number(a, i), "is singular: pivot ", info[static_cast<std::size_t>(i)],
                                " is 0; pinv and lstsq take such matrices"));
    const Tensor y = dense_copy(transposed(x));
    s.a = save(a);
    s.x = save_output(y);
    return y;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    const Tensor down = solve_square(SourceLoc{}, op, transposed(s.a.get()), g);
    if (needs_grad(1)) grads[1] = down;
    if (needs_grad(0)) grads[0] = -matmul(down, transposed(s.x.get()));
    return grads;
  }
};

struct TriangularSolveOp {
  static constexpr std::string_view name = "TriangularSolve";
  bool upper, across, unitriangular;
  struct Saved {
    SavedTensor a, x;
  };
  Tensor forward(Saved& s, const Tensor& a, const Tensor& b) {
    const std::int64_t n = rows_of(a), k = columns_of(b), batch = batch_of(a);
    const Tensor triangle = by_columns(a), x = by_columns(b);
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* from = triangle.impl().template ptr<const T>();
      if (!unitriangular)
        for (std::int64_t i = 0; i < batch; ++i)
          for (std::int64_t d = 0; d < n; ++d)
            if (from[i * n * n + d * (n + 1)] == T(0))
              throw ValueError(concat("triangular_solve: ", matrix_number(a, i), "is singular: element ", d,
                                      " of its diagonal is 0"));
      if (n == 0 || k == 0) return;
      for_matrices(batch, n * n * k, [&](std::int64_t i) {
        lapack::trtrs<T>(upper, across, unitriangular, n, k, from + i * n * n, x.impl().template ptr<T>() + i * n * k);
      });
    });
    const Tensor y = dense_copy(transposed(x));
    s.a = save(a);
    s.x = save_output(y);
    return y;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    const Tensor x = s.x.get();
    const Tensor down = solve_triangular(SourceLoc{}, s.a.get(), g, upper, !across, unitriangular);
    if (needs_grad(1)) grads[1] = down;
    if (needs_grad(0)) {
      const Tensor whole = -(across ? matmul(x, transposed(down)) : matmul(down, transposed(x)));
      const std::int64_t off = unitriangular ? 1 : 0;
      grads[0] = upper ? triu(whole, off) : tril(whole, -off);
    }
    return grads;
  }
};

struct CholeskyOp {
  static constexpr std::string_view name = "Cholesky";
  struct Saved {
    SavedTensor factor;
  };
  Tensor forward(Saved& s, const Tensor& a) {
    const std::int64_t n = rows_of(a), batch = batch_of(a);
    const Tensor factors = by_columns(a);
    std::vector<std::int64_t> info(static_cast<std::size_t>(batch));
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (n == 0) return;
      for_matrices(batch, n * n * n, [&](std::int64_t i) {
        info[static_cast<std::size_t>(i)] = lapack::potrf<T>(n, factors.impl().template ptr<T>() + i * n * n);
      });
    });
    for (std::int64_t i = 0; i < batch; ++i)
      if (info[static_cast<std::size_t>(i)] != 0)
        throw ValueError(concat("cholesky: ", matrix_number(a, i), "is not positive definite: its leading part of ",
                                info[static_cast<std::size_t>(i)], " rows is not; add a little to the diagonal"));
    const Tensor y = tril(transposed(factors));
    s.factor = save_output(y);
    return y;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor factor = s.factor.get();
    const Tensor low = tril(matmul(transposed(factor), g));
    const Tensor both = (low + transposed(tril(low, -1))) * 0.5;  // (Φ + Φᵀ)/2, Φ with half the diagonal
    const Tensor left = solve_triangular(SourceLoc{}, factor, both, false, true, false);
    return {transposed(solve_triangular(SourceLoc{}, factor, transposed(left), false, true, false))};
  }
};

/// Sign and logarithm of the magnitude.
struct SlogdetOp {
  static constexpr std::string_view name = "Slogdet";
  struct Saved {
    SavedTensor a;
  };
  std::pair<NoGrad, Tensor> forward(Saved& s, const Tensor& a) {
    const std::int64_t n = rows_of(a), batch = batch_of(a);
    const Tensor factors = by_columns(a), sign = make_empty(batch_shape(a), a.dtype()),
                 log = make_empty(batch_shape(a), a.dtype());
    visit_floating(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_matrices(batch, n * n * n, [&](std::int64_t i) {
        std::vector<int> pivots(static_cast<std::size_t>(n));
        T* lu = factors.impl().template ptr<T>() + i * n * n;
        if (n > 0) lapack::getrf<T>(n, lu, pivots.data());
        double sum = 0, side = 1;
        for (std::int64_t d = 0; d < n; ++d) {
          const auto u = static_cast<double>(lu[d * (n + 1)]);
          if (pivots[static_cast<std::size_t>(d)] != d + 1) side = -side;
          side *= u > 0 ? 1 : u < 0 ? -1 : u;  // 0 and NaN as they are
          sum += std::log(std::abs(u));
        }
        sign.impl().template ptr<T>()[i] = static_cast<T>(side);
        log.impl().template ptr<T>()[i] = static_cast<T>(sum);
      });
    });
    s.a = save(a);
    return {sign, log};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    if (!g[1].defined()) return {};
    const Tensor a = s.a.get(), up = unsqueeze(unsqueeze(g[1], -1), -1);
    const Tensor one = expand(eye(rows_of(a), {.dtype = a.dtype()}), a.shape());
    return {up * solve_square(SourceLoc{}, "slogdet", transposed(a), one)};
  }
};

/// ∂det/∂A of any square matrix: det(U) det(V) U diag(Π of the other singular values) Vᵀ.
Tensor cofactors(const Tensor& a) {
  const SvdResult parts = svd(a);
  const auto side = [](const Tensor& q) {
    const auto [sign, log] = slogdet(q);
    return sign * exp(log);
  };
  const std::int64_t n = rows_of(a);
  const Tensor others = where(eye(n, {.dtype = a.dtype()}) == 1, 1, unsqueeze(parts.S, -2)).prod(-1);
  return unsqueeze(unsqueeze(side(parts.U) * side(parts.Vh), -1), -1) *
         matmul(parts.U * unsqueeze(others, -2), parts.Vh);
}

struct DetOp {
  static constexpr std::string_view name = "Det";
  struct Saved {
    SavedTensor a, y;
  };
  Tensor forward(Saved& s, const Tensor& a) {
    const auto [sign, log] = slogdet(a);
    const Tensor y = where(sign == 0, 0, sign * exp(log)).to(a.dtype());
    s.a = save(a);
    s.y = save_output(y);
    return y;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor a = s.a.get(), y = s.y.get(), up = unsqueeze(unsqueeze(g, -1), -1);
    if ((y.detach() == 0).any().item<bool>()) return {up * cofactors(a)};
    const Tensor one = expand(eye(rows_of(a), {.dtype = a.dtype()}), a.shape());
    return {up * unsqueeze(unsqueeze(y, -1), -1) * solve_square(SourceLoc{}, "det", transposed(a), one)};
  }
};

}  // namespace

namespace detail {

Fitted fitted(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc) {
  require_matrices(op, b, loc);
  check_product_dtypes(op, a, b, loc);
  if (rows_of(a) != rows_of(b))
    throw ShapeError(concat(op, ": matrices of shape ", a.shape(), " and right sides of shape ", b.shape(),
                            " do not fit: ", rows_of(a), " rows against ", rows_of(b)),
                     loc);
  const Shape batch = broadcast_shapes(batch_shape(a), batch_shape(b), op, loc);
  return {expand(a, with_matrix(batch, rows_of(a), columns_of(a))),
          expand(b, with_matrix(batch, rows_of(b), columns_of(b)))};
}

Tensor solve_square(SourceLoc loc, const char* op, const Tensor& a, const Tensor& b) {
  return apply(loc, SolveOp{op}, a, b);
}

Tensor solve_triangular(SourceLoc loc, const Tensor& a, const Tensor& b, bool upper, bool transposed,
                        bool unitriangular) {
  return apply(loc, TriangularSolveOp{upper, transposed, unitriangular}, a, b);
}

}  // namespace detail

Tensor solve(In a, const Tensor& b) {
  const CallerScope scope(a.loc);
  require_square("solve", a, a.loc);
  require_floating("solve", {b, a.loc}, "the right side");
  if (b.dim() == 1) {
    const Fitted f = fitted("solve", a, unsqueeze(b, 1), a.loc);
    return squeeze(solve_square(a.loc, "solve", f.a, f.b), -1);
  }
  const Fitted f = fitted("solve", a, b, a.loc);
  return solve_square(a.loc, "solve", f.a, f.b);
}

Tensor inverse(In a) {
  const CallerScope scope(a.loc);
  require_square("inverse", a, a.loc);
  return solve_square(a.loc, "inverse", a, expand(eye(rows_of(a), {.dtype = a->dtype()}), a->shape()));
}

Tensor det(In a) {
  const CallerScope scope(a.loc);
  require_square("det", a, a.loc);
  return apply(a.loc, DetOp{}, a.tensor);
}

std::pair<Tensor, Tensor> slogdet(In a) {
  const CallerScope scope(a.loc);
  require_square("slogdet", a, a.loc);
  return apply(a.loc, SlogdetOp{}, a.tensor);
}

Tensor logdet(In a) {
  const CallerScope scope(a.loc);
  require_square("logdet", a, a.loc);
  const auto [sign, log] = slogdet(a);
  return where(sign < 0, std::numeric_limits<double>::quiet_NaN(), log);
}

Tensor matrix_power(In a, std::int64_t n) {
  const CallerScope scope(a.loc);
  require_square("matrix_power", a, a.loc);
  if (n == 0) return clone(expand(eye(rows_of(a), {.dtype = a->dtype()}), a->shape()));
  Tensor square = n < 0 ? inverse(a) : a.tensor, power;
  for (std::uint64_t rest = n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n); rest > 0;) {
    if (rest & 1) power = power.defined() ? matmul(power, square) : square;
    if (rest >>= 1; rest > 0) square = matmul(square, square);
  }
  return power.is(a.tensor) ? clone(a) : power;
}

Tensor cholesky(In a, bool upper) {
  const CallerScope scope(a.loc);
  require_square("cholesky", a, a.loc);
  const Tensor factor = apply(a.loc, CholeskyOp{}, upper ? transposed(a) : a.tensor);
  return upper ? transposed(factor) : factor;
}

Tensor triangular_solve(In a, const Tensor& b, bool upper, bool unitriangular) {
  const CallerScope scope(a.loc);
  require_square("triangular_solve", a, a.loc);
  require_floating("triangular_solve", {b, a.loc}, "the right side");
  const Fitted f = fitted("triangular_solve", a, b, a.loc);
  return solve_triangular(a.loc, f.a, f.b, upper, false, unitriangular);
}

Tensor cholesky_solve(In b, const Tensor& factor, bool upper) {
  const CallerScope scope(b.loc);
  require_square("cholesky_solve", factor, b.loc);
  require_floating("cholesky_solve", b, "the right side");
  const Fitted f = fitted("cholesky_solve", factor, b, b.loc);
  return solve_triangular(b.loc, f.a, solve_triangular(b.loc, f.a, f.b, upper, upper, false), upper, !upper, false);
}

}  // namespace slope
