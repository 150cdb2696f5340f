// Reductions, softmax, running and ordering operations.
#include <cmath>

#include "op_table.h"
#include "slope/autograd/ops/ops.h"

using namespace slope;

namespace {

/// Both results of an operation that picks or measures twice, as one tensor.
Tensor both(const std::pair<Tensor, Tensor>& p) { return p.first * p.first + p.second; }

}  // namespace

void add_reductions(OpTable& table) {
  auto shaped = [&](std::string name, OpSample::Function f, const Shape& shape, double low = -2, double high = 2) {
    table.push_back({std::move(name), std::move(f), {shape}, low, high});
  };
  auto row = [&](std::string name, OpSample::Function f, double low = -2, double high = 2) {
    shaped(std::move(name), std::move(f), {2, 3, 4}, low, high);
  };
  /// The operation over everything, over some dimensions with and without keepdim, of a 0-d tensor, and with results of
  /// nothing.
  auto reduction = [&](const std::string& name, const std::function<Tensor(In, const Dims&, bool)>& f, double low = -2,
                       double high = 2) {
    shaped(name, [f](const Inputs& in) { return f(in[0], {}, false); }, {2, 3}, low, high);
    row(name + "/keepdim", [f](const Inputs& in) { return f(in[0], {1}, true); }, low, high);
    row(name + "/dims", [f](const Inputs& in) { return f(in[0], {0, -1}, false); }, low, high);
    shaped(name + "/0d", [f](const Inputs& in) { return f(in[0], {-1}, false); }, {}, low, high);
    shaped(name + "/no_results", [f](const Inputs& in) { return f(in[0], {1}, false); }, {0, 3}, low, high);
  };
  const auto of_nothing = [&](const std::string& name, const std::function<Tensor(In, const Dims&, bool)>& f) {
    shaped(name + "/of_nothing", [f](const Inputs& in) { return f(in[0], {0}, false); }, {0, 3});
  };
  const auto sum_of = [](In x, const Dims& dims, bool keepdim) { return sum(x, dims, keepdim); };
  reduction("sum", sum_of);
  of_nothing("sum", sum_of);
  row("sum/dtype", [](const Inputs& in) { return sum(in[0], {}, false, float64).to(in[0].dtype()); });
  const auto nansum_of = [](In x, const Dims& dims, bool keepdim) { return nansum(x, dims, keepdim); };
  reduction("nansum", nansum_of);
  of_nothing("nansum", nansum_of);
  reduction("mean", [](In x, const Dims& dims, bool keepdim) { return mean(x, dims, keepdim); });
  const auto prod_of = [](In x, const Dims& dims, bool keepdim) { return prod(x, dims, keepdim); };
  reduction("prod", prod_of, 0.5, 1.5);
  of_nothing("prod", prod_of);
  shaped("prod/one", [](const Inputs& in) { return prod(in[0], {1}); }, {3, 1});
  reduction("amax", [](In x, const Dims& dims, bool keepdim) { return amax(x, dims, keepdim); });
  reduction("amin", [](In x, const Dims& dims, bool keepdim) { return amin(x, dims, keepdim); });
  row("max", [](const Inputs& in) { return max(in[0]); });
  row("min", [](const Inputs& in) { return min(in[0]); });
  row("max/dim", [](const Inputs& in) { return max(in[0], 1).first; });
  row("min/dim", [](const Inputs& in) { return min(in[0], 2, true).first; });
  shaped("max/0d", [](const Inputs& in) { return max(in[0], 0).first; }, {});
  shaped("min/no_results", [](const Inputs& in) { return min(in[0], -1).first; }, {0, 3});

  const auto spread = [&](const std::string& name, Tensor (*f)(In, const Dims&, const VarOptions&)) {
    row(name, [f](const Inputs& in) { return f(in[0], {}, {}); });
    row(name + "/dim", [f](const Inputs& in) { return f(in[0], {1}, {}); });
    row(name + "/biased", [f](const Inputs& in) { return f(in[0], {0, 2}, {.correction = 0, .keepdim = true}); });
    shaped(name + "/no_results", [f](const Inputs& in) { return f(in[0], {1}, {}); }, {0, 3});
  };
  spread("var", slope::var);
  spread("std", slope::std);
  row("var_mean", [](const Inputs& in) { return both(var_mean(in[0], {1})); });
  row("std_mean", [](const Inputs& in) { return both(std_mean(in[0], {2}, {.correction = 0})); });

  for (double p : {1.0, 2.0, 3.0, 0.5, -1.0}) {
    reduction(
        "norm/" + to_text(p), [p](In x, const Dims& dims, bool keepdim) { return norm(x, p, dims, keepdim); }, 0.2, 2);
    row("norm/negative_elements_" + to_text(p), [p](const Inputs& in) { return norm(in[0], p, {1}); }, -2, -0.2);
  }
  for (double p : {HUGE_VAL, -HUGE_VAL})
    reduction(
        "norm/" + to_text(p), [p](In x, const Dims& dims, bool keepdim) { return norm(x, p, dims, keepdim); }, 0.2, 2);
  row("norm/count", [](const Inputs& in) { return norm(in[0], 0, {1}); }, 0.2, 2);
  row("vector_norm", [](const Inputs& in) { return vector_norm(in[0], 2, {0, 2}); });
  for (MatrixNorm m :
       {MatrixNorm::fro, MatrixNorm::one, MatrixNorm::minus_one, MatrixNorm::inf, MatrixNorm::minus_inf}) {
    const std::string name = "matrix_norm/" + std::to_string(static_cast<int>(m));
    row(name, [m](const Inputs& in) { return matrix_norm(in[0], m); }, 0.2, 2);
    row(name + "_dims", [m](const Inputs& in) { return matrix_norm(in[0], m, {2, 0}, true); }, -2, -0.2);
  }
  const auto logsumexp_of = [](In x, const Dims& dims, bool keepdim) { return logsumexp(x, dims, keepdim); };
  reduction("logsumexp", logsumexp_of);
  of_nothing("logsumexp", logsumexp_of);

  const auto along = [&](const std::string& name, const std::function<Tensor(In, std::int64_t)>& f, double low = -2,
                         double high = 2) {
    row(name, [f](const Inputs& in) { return f(in[0], 1); }, low, high);
    row(name + "/last", [f](const Inputs& in) { return f(in[0], -1); }, low, high);
    shaped(name + "/0d", [f](const Inputs& in) { return f(in[0], 0); }, {}, low, high);
    shaped(name + "/empty", [f](const Inputs& in) { return f(in[0], 0); }, {0, 3}, low, high);
    shaped(name + "/one", [f](const Inputs& in) { return f(in[0], 1); }, {3, 1}, low, high);
  };
  along("cumsum", [](In x, std::int64_t dim) { return cumsum(x, dim); });
  along("cumprod", [](In x, std::int64_t dim) { return cumprod(x, dim); }, 0.5, 1.5);
  along("softmax", [](In x, std::int64_t dim) { return softmax(x, dim); });
  along("log_softmax", [](In x, std::int64_t dim) { return log_softmax(x, dim); });
  along("softmin", [](In x, std::int64_t dim) { return softmin(x, dim); });
  along("sort", [](In x, std::int64_t dim) { return square(sort(x, dim).first); });
  along("sort/descending", [](In x, std::int64_t dim) { return square(sort(x, dim, true).first); });

  const auto picking = [&](const std::string& name, const std::function<Tensor(In, std::int64_t, bool)>& f) {
    row(name, [f](const Inputs& in) { return square(f(in[0], 1, false)); });
    row(name + "/keepdim", [f](const Inputs& in) { return square(f(in[0], -1, true)); });
    shaped(name + "/0d", [f](const Inputs& in) { return square(f(in[0], 0, false)); }, {});
    shaped(name + "/no_results", [f](const Inputs& in) { return f(in[0], 1, false); }, {0, 3});
  };
  picking("median", [](In x, std::int64_t dim, bool keepdim) { return median(x, dim, keepdim).first; });
  picking("mode", [](In x, std::int64_t dim, bool keepdim) { return mode(x, dim, keepdim).first; });
  picking("kthvalue", [](In x, std::int64_t dim, bool keepdim) { return kthvalue(x, 1, dim, keepdim).first; });
  row("median/all", [](const Inputs& in) { return square(median(in[0])); });
  row("topk", [](const Inputs& in) { return square(topk(in[0], 2, 1).first); });
  row("topk/smallest", [](const Inputs& in) { return square(topk(in[0], 3, -1, false, false).first); });
  row("topk/none", [](const Inputs& in) { return topk(in[0], 0, 0).first; });
  shaped("topk/0d", [](const Inputs& in) { return square(topk(in[0], 1).first); }, {});
}
