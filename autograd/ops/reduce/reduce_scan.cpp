// Products, and running sums and products.
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

Tensor cumprod(In x, std::int64_t dim, std::optional<DType> dtype) {
  const Tensor factor = whole_or_converted("cumprod", x, dtype);
  return apply(x.loc, CumprodOp{wrap_dim(dim, x->dim(), "cumprod", x.loc)}, factor);
}

Tensor Tensor::cumsum(std::int64_t dim, SourceLoc loc) const { return slope::cumsum({*this, loc}, dim); }
Tensor Tensor::cumprod(std::int64_t dim, SourceLoc loc) const { return slope::cumprod({*this, loc}, dim); }

}  // namespace slope
