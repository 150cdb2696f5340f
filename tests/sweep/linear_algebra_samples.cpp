// Equations, decompositions and what is made of them. A decomposition is sampled by what does not depend on its free signs.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"

using namespace slope;

namespace {

/// Far from singular, and symmetric and positive definite.
Tensor regular(const Tensor& x) { return x + eye(x.size(-1), {.dtype = x.dtype()}) * 5; }
Tensor definite(const Tensor& x) { return regular(matmul(x, transpose(x, -2, -1))); }
/// Different eigenvalues and singular values.
Tensor graded(const Tensor& x) { return x * 0.3 + diag_embed(arange(1, x.size(-1) + 1).to(x.dtype()) * 2); }
Tensor symmetric(const Tensor& x) { return graded(x) + transpose(graded(x), -2, -1); }

}  // namespace

void add_linear_algebra(OpTable& table) {
  auto row = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes = {{3, 3}}) {
    table.push_back({std::move(name), std::move(f), std::move(shapes), -1, 1, true, false, false});
  };
  row("inverse", [](const Inputs& in) { return inverse(regular(in[0])); });
  row("inverse/batch", [](const Inputs& in) { return inverse(regular(in[0])); }, {{2, 2, 2}});
  row("inverse/empty", [](const Inputs& in) { return inverse(in[0]); }, {{0, 0}});
  row("solve", [](const Inputs& in) { return solve(regular(in[0]), in[1]); }, {{3, 3}, {3, 2}});
  row("solve/vector", [](const Inputs& in) { return solve(regular(in[0]), in[1]); }, {{2, 3, 3}, {3}});
  row("solve/broadcast", [](const Inputs& in) { return solve(regular(in[0]), in[1]); }, {{2, 1, 2, 2}, {3, 2, 1}});
  row("solve/no_columns", [](const Inputs& in) { return solve(regular(in[0]), in[1]); }, {{2, 2}, {2, 0}});
  row("det", [](const Inputs& in) { return det(regular(in[0])); });
  row("det/batch", [](const Inputs& in) { return det(regular(in[0])); }, {{3, 2, 2}});
  row("det/empty", [](const Inputs& in) { return det(in[0]); }, {{0, 0}});
  row("slogdet", [](const Inputs& in) { return slogdet(regular(in[0])).second; }, {{2, 3, 3}});
  row("logdet", [](const Inputs& in) { return logdet(regular(in[0])); });
  row("matrix_power", [](const Inputs& in) { return matrix_power(in[0], 3); });
  row("matrix_power/negative", [](const Inputs& in) { return matrix_power(regular(in[0]), -2); });
  row("matrix_power/one", [](const Inputs& in) { return matrix_power(in[0], 1) * in[0]; });
  row("cholesky", [](const Inputs& in) { return cholesky(definite(in[0])); });
  row("cholesky/upper", [](const Inputs& in) { return cholesky(definite(in[0]), true); }, {{2, 2, 2}});
  row("cholesky_solve", [](const Inputs& in) { return cholesky_solve(in[1], cholesky(definite(in[0]))); },
      {{3, 3}, {3, 2}});
  row("cholesky_solve/upper",
      [](const Inputs& in) { return cholesky_solve(in[1], cholesky(definite(in[0]), true), true); }, {{2, 2}, {2, 1}});
  row("triangular_solve", [](const Inputs& in) { return triangular_solve(regular(in[0]), in[1], true); },
      {{3, 3}, {3, 2}});
  row("triangular_solve/lower", [](const Inputs& in) { return triangular_solve(regular(in[0]), in[1], false); },
      {{2, 2, 2}, {2, 1}});
  row("triangular_solve/ones", [](const Inputs& in) { return triangular_solve(in[0], in[1], false, true); },
      {{3, 3}, {3, 2}});
  const auto both = [](const Tensor& a, const Tensor& b) { return cat({a.reshape({-1}), b.reshape({-1})}); };
  row("qr", [=](const Inputs& in) {
    const auto [q, r] = qr(graded(in[0]));
    return both(square(q), square(r));
  });
  row("qr/tall",
      [=](const Inputs& in) {
        const auto [q, r] = qr(cat({graded(in[0]), in[0]}, -2));
        return both(square(q), square(r));
      },
      {{2, 2, 2}});
  row("qr/wide", [=](const Inputs& in) {
    const auto [q, r] = qr(cat({graded(in[0]), in[0]}, -1));
    return both(square(q), square(r));
  });
  const auto parts = [=](const Tensor& a) {
    const SvdResult p = svd(a);
    return both(both(square(p.U), p.S), square(p.Vh));
  };
  row("svd", [=](const Inputs& in) { return parts(graded(in[0])); });
  row("svd/tall", [=](const Inputs& in) { return parts(cat({graded(in[0]), in[0]}, -2)); }, {{2, 2, 2}});
  row("svd/wide", [=](const Inputs& in) { return parts(cat({graded(in[0]), in[0]}, -1)); }, {{2, 2}});
  row("svd/full", [](const Inputs& in) { return svd(cat({graded(in[0]), in[0]}, -2), true).S; }, {{2, 2}});
  row("svdvals", [](const Inputs& in) { return svdvals(graded(in[0])); });
  row("eigh", [=](const Inputs& in) {
    const auto [values, vectors] = eigh(symmetric(in[0]));
    return both(values, square(vectors));
  });
  row("eigh/upper", [](const Inputs& in) { return eigh(symmetric(in[0]), true).first; }, {{2, 2, 2}});
  row("eigvalsh", [](const Inputs& in) { return eigvalsh(symmetric(in[0])); });
  row("lstsq", [](const Inputs& in) { return lstsq(cat({regular(in[0]), in[0]}, -2), in[1]); }, {{2, 2}, {4, 2}});
  row("lstsq/wide", [](const Inputs& in) { return lstsq(cat({regular(in[0]), in[0]}, -1), in[1]); }, {{2, 2}, {2, 1}});
  row("pinv", [](const Inputs& in) { return pinv(cat({regular(in[0]), in[0]}, -2)); }, {{2, 2, 2}});
  row("pinv/wide", [](const Inputs& in) { return pinv(cat({regular(in[0]), in[0]}, -1)); }, {{2, 2}});
  row("pinverse", [](const Inputs& in) { return pinverse(regular(in[0])); });
  for (MatrixNorm m : {MatrixNorm::two, MatrixNorm::minus_two, MatrixNorm::nuc})
    row("matrix_norm/" + std::to_string(static_cast<int>(m)),
        [m](const Inputs& in) { return matrix_norm(graded(in[0]), m); }, {{2, 3, 3}});
  row("matrix_norm/of_other_dims",
      [](const Inputs& in) { return matrix_norm(stack({graded(in[0]), in[0]}, 1), MatrixNorm::nuc, {2, 0}, true); });
  for (double p : {0.0, 1.0, 2.0, 3.0})
    row("cdist/" + to_text(p), [p](const Inputs& in) { return cdist(in[0] * 3.0, in[1] - 9.0, p); },
        {{2, 3, 2}, {2, 2}});
  row("cdist", [](const Inputs& in) { return cdist(in[0], in[1]); }, {{3, 6}, {2, 6}});
  row("cdist/no_rows", [](const Inputs& in) { return cdist(in[0], in[1]); }, {{0, 2}, {3, 2}});
  row("inner", [](const Inputs& in) { return inner(in[0], in[1]); }, {{2, 3}, {4, 2, 3}});
  row("inner/number", [](const Inputs& in) { return inner(in[0], in[1]); }, {{2, 3}, Shape{}});
  row("tensordot", [](const Inputs& in) { return tensordot(in[0], in[1], 1); }, {{2, 3}, {3, 2}});
  row("tensordot/dims", [](const Inputs& in) { return tensordot(in[0], in[1], {0, 2}, {1, 0}); }, {{2, 3, 4}, {4, 2}});
  row("cross", [](const Inputs& in) { return cross(in[0], in[1]); }, {{2, 3}, {3}});
  row("cross/dim", [](const Inputs& in) { return cross(in[0], in[1], 0); }, {{3, 2}, {3, 1}});
  row("addr", [](const Inputs& in) { return addr(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2.0}); },
      {{2, 3}, {2}, {3}});
  row("addbmm", [](const Inputs& in) { return addbmm(in[0], in[1], in[2]); }, {{2, 2}, {3, 2, 3}, {3, 3, 2}});
  row("chain_matmul", [](const Inputs& in) { return chain_matmul({in[0], in[1], in[2]}); }, {{2, 3}, {3, 1}, {1, 2}});
  row("cov", [](const Inputs& in) { return cov(in[0]); }, {{2, 4}});
  row("cov/vector", [](const Inputs& in) { return cov(in[0], 0); }, {{4}});
  row("corrcoef", [](const Inputs& in) { return corrcoef(in[0]); }, {{2, 4}});
}
