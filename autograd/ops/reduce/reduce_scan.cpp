// Products, and running sums and products.
#include <cmath>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"

namespace slope {

namespace {

using namespace detail;

/// Kept dimensions first, combined ones merged into a last one. Both ways are differentiable.
struct Flattened {
  Shape order, back, moved;
  explicit Flattened(const ReducedDims& over) {
    for (int pass = 0; pass < 2; ++pass)
      for (int d = 0; d < over.in.size(); ++d)
        if (static_cast<int>(over.mask >> d & 1) == pass) order.push_back(d);
    back = Shape::filled(order.size(), 0);
    for (int i = 0; i < order.size(); ++i) {
      back[static_cast<int>(order[i])] = i;
      moved.push_back(over.in[static_cast<int>(order[i])]);
    }
  }
  Tensor flat(const Tensor& x, std::int64_t length) const {
    return reshape(permute(x, order), {length == 0 ? 0 : x.numel() / length, length});
  }
  Tensor restored(const Tensor& flat) const { return permute(reshape(flat, moved), back); }
};

/// Products along the last dimension as a tree of multiplications: no division, differentiable to any order.
Tensor product_tree(Tensor x) {
  std::vector<Tensor> left_over;
  while (x.size(1) > 1) {
    const std::int64_t n = x.size(1), half = n / 2;
    if (n % 2) left_over.push_back(narrow(x, 1, n - 1, 1));
    x = narrow(x, 1, 0, half) * narrow(x, 1, half, half);
  }
  for (const Tensor& t : left_over) x = x * t;
  return x;
}

/// Running products along `dim` in log2(n) steps of multiplications.
Tensor product_scan(Tensor x, int dim) {
  const std::int64_t n = x.size(dim);
  for (std::int64_t step = 1; step < n; step *= 2)
    x = cat({narrow(x, dim, 0, step), narrow(x, dim, step, n - step) * narrow(x, dim, 0, n - step)}, dim);
  return x;
}

/// What `products` of x gives back to x for g, recorded. x gets a node of its own, so that the gradient stops here.
template <class Products>
Tensor recorded_gradient(const Tensor& x, const Tensor& g, const Products& products) {
  const Tensor own = expand(x, x.shape());
  return autograd::grad({products(own)}, {own}, {.grad_outputs = {g}, .create_graph = true})[0];
}

Tensor cumulated(const Tensor& x, int dim, Cumulate op, bool reverse = false) {
  Tensor y = make_empty(x.shape(), x.dtype());
  cumulate_kernel(y.impl(), x.impl(), dim, op, reverse);
  return y;
}

struct ProdOp {
  static constexpr std::string_view name = "Prod";
  ReducedDims over;
  struct Saved {
    SavedTensor x;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    s.x = save(x);
    return reduce_floating(x, over, ReduceOp::product, {}, x.dtype());
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const std::int64_t n = over.length();
    const Tensor x = s.x.get();
    if (x.numel() == 0) return {zeros(over.in, {.dtype = g.dtype()})};
    const Flattened layout(over);
    const Tensor flat = layout.flat(x, n), up = reshape(g, {flat.size(0), 1});
    if (grad_enabled()) return {layout.restored(recorded_gradient(flat, up, product_tree))};
    const Tensor grad = make_empty(flat.shape(), x.dtype());
    prod_backward_kernel(grad.impl(), flat.impl(), up.impl(), 1);
    return {layout.restored(grad)};
  }
};

struct CumsumOp {
  static constexpr std::string_view name = "Cumsum";
  int dim;
  bool reverse = false;
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) { return cumulated(x, dim, Cumulate::sum, reverse); }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {apply(SourceLoc{}, CumsumOp{dim, !reverse}, g)}; }
};

struct CumprodOp {
  static constexpr std::string_view name = "Cumprod";
  int dim;
  struct Saved {
    SavedTensor x;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    s.x = save(x);
    return cumulated(x, dim, Cumulate::product);
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get();
    if (x.dim() == 0) return {g};
    if (grad_enabled()) return {recorded_gradient(x, g, [this](const Tensor& own) { return product_scan(own, dim); })};
    Tensor grad = make_empty(x.shape(), x.dtype());
    cumprod_backward_kernel(grad.impl(), x.impl(), g.impl(), dim);
    return {grad};
  }
};

/// log(e^x[0] + ... + e^x[i]) in log2(n) steps of logaddexp.
Tensor log_scan(Tensor x, int dim) {
  const std::int64_t n = x.size(dim);
  for (std::int64_t step = 1; step < n; step *= 2)
    x = cat({narrow(x, dim, 0, step), logaddexp(narrow(x, dim, step, n - step), narrow(x, dim, 0, n - step))}, dim);
  return x;
}

/// e^(a - b) for a <= b: the share of a in what b sums up. Of equal infinities all, and nothing of -∞.
double share(double a, double b) { return a == -HUGE_VAL ? 0 : a == b ? 1 : std::exp(a - b); }

struct LogcumsumexpOp {
  static constexpr std::string_view name = "Logcumsumexp";
  int dim;
  struct Saved {
    SavedTensor x, y;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    const Tensor y = make_empty(x.shape(), x.dtype());
    const std::int64_t n = x.dim() == 0 ? 1 : x.shape()[dim];
    if (x.numel() > 0)
      visit_floating(x.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        for_rows<2>(dim, {{x.impl()}, {y.impl(), true}}, grain_math,
                    [&](char* const* p, const std::int64_t* steps, std::int64_t rows) {
                      for (std::int64_t r = 0; r < rows; ++r) {
                        const T* from = row<const T>(p, steps, 0, r);
                        T* to = row<T>(p, steps, 1, r);
                        double largest = -HUGE_VAL, sum = 0;
                        for (std::int64_t i = 0; i < n; ++i) {
                          const auto v = static_cast<double>(from[i]);
                          const double top = v > largest || v != v ? v : largest;
                          sum = (sum == 0 ? 0 : sum * share(largest, top)) + share(v, top);
                          largest = top;
                          to[i] = static_cast<T>(std::isfinite(top) ? top + std::log(sum) : top);
                        }
                      }
                    });
      });
    s.x = save(x);
    s.y = save_output(y);
    return y;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get(), y = s.y.get();
    if (x.dim() == 0) return {g};
    if (grad_enabled()) return {recorded_gradient(x, g, [this](const Tensor& own) { return log_scan(own, dim); })};
    const Tensor grad = make_empty(x.shape(), x.dtype());
    const std::int64_t n = x.shape()[dim];
    if (x.numel() > 0)
      visit_floating(x.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        for_rows<4>(dim, {{x.impl()}, {y.impl()}, {g.impl()}, {grad.impl(), true}}, grain_math,
                    [&](char* const* p, const std::int64_t* steps, std::int64_t rows) {
                      for (std::int64_t r = 0; r < rows; ++r) {
                        const T *v = row<const T>(p, steps, 0, r), *sum = row<const T>(p, steps, 1, r),
                                *up = row<const T>(p, steps, 2, r);
                        T* to = row<T>(p, steps, 3, r);
                        double behind = 0;  // Σ_{i>=k} g[i] e^(y[k] - y[i])
                        for (std::int64_t k = n - 1; k >= 0; --k) {
                          const auto here = static_cast<double>(sum[k]);
                          if (behind != 0) behind *= share(here, static_cast<double>(sum[k + 1]));
                          behind += static_cast<double>(up[k]);
                          to[k] = static_cast<T>(behind == 0 ? 0 : behind * share(static_cast<double>(v[k]), here));
                        }
                      }
                    });
      });
    return {grad};
  }
};

Tensor whole_or_converted(const char* op, In x, std::optional<DType> dtype) {
  require_defined(op, x);
  if (dtype) return to(x, *dtype);
  return x->dtype() == DType::boolean ? to(x, DType::int64) : x.tensor;
}

}  // namespace

Tensor prod(In x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const ReducedDims over = reduced_dims("prod", x, dims, keepdim);
  const Tensor factor = whole_or_converted("prod", x, dtype);
  if (is_floating(factor.dtype())) return apply(x.loc, ProdOp{over}, factor);
  const Tensor product = reduce_integral<std::int64_t>(factor, over, ReduceOp::product);
  return dtype ? to(product, *dtype) : product;
}

Tensor cumsum(In x, std::int64_t dim, std::optional<DType> dtype) {
  const Tensor summand = whole_or_converted("cumsum", x, dtype);
  return apply(x.loc, CumsumOp{wrap_dim(dim, x->dim(), "cumsum", x.loc)}, summand);
}

Tensor logcumsumexp(In x, std::int64_t dim) {
  require_defined("logcumsumexp", x);
  const int d = wrap_dim(dim, x->dim(), "logcumsumexp", x.loc);
  return apply(x.loc, LogcumsumexpOp{d}, is_floating(x->dtype()) ? x.tensor : to(x, default_dtype()));
}

Tensor cumprod(In x, std::int64_t dim, std::optional<DType> dtype) {
  const Tensor factor = whole_or_converted("cumprod", x, dtype);
  return apply(x.loc, CumprodOp{wrap_dim(dim, x->dim(), "cumprod", x.loc)}, factor);
}

}  // namespace slope
