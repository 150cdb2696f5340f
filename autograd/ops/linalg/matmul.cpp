#include "slope/autograd/ops/linalg/matmul.h"

#include <algorithm>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

using std::int64_t;

/// Calls `f(TypeTag<T>{})` for the dtypes that have products.
template <class F>
void visit_numeric(DType d, const F& f) {
  if (d == DType::int64)
    f(TypeTag<int64_t>{});
  else
    visit_floating(d, f);
}

// ---------------------------------------------------------------------------------------------------------------------
// The product of two matrices or batches of them

/// One factor: its matrices and its batch dimensions.
struct Factor {
  Factor(const TensorImpl& t, bool transposed) : impl(t), batch(t.sizes), batch_strides(t.strides) {
    const int n = t.sizes.size();
    rows = t.sizes[n - 2], cols = t.sizes[n - 1];
    row_stride = t.strides[n - 2], col_stride = t.strides[n - 1];
    if (transposed) {
      std::swap(rows, cols);
      std::swap(row_stride, col_stride);
    }
    for (int i = 0; i < 2; ++i) {
      batch.erase(batch.size() - 1);
      batch_strides.erase(batch_strides.size() - 1);
    }
  }
  template <class T>
  MatrixView<T> view(int64_t offset) const {
    return {impl.ptr<T>() + offset, row_stride, col_stride};
  }

  const TensorImpl& impl;
  Shape batch, batch_strides;
  int64_t rows, cols, row_stride, col_stride;
};

/// The offset of the matrix a factor contributes to matrix `index` of a batch of shape `batch`.
int64_t batch_offset(const Factor& f, const Shape& batch, int64_t index) {
  int64_t offset = 0;
  const int lead = batch.size() - f.batch.size();
  for (int d = batch.size() - 1; d >= 0; --d) {
    const int64_t at = index % batch[d];
    index /= batch[d];
    if (d >= lead && f.batch[d - lead] != 1) offset += at * f.batch_strides[d - lead];
  }
  return offset;
}

Shape batch_shape(const Shape& a, const Shape& b) {
  Shape left = a, right = b;
  for (int i = 0; i < 2; ++i) {
    left.erase(left.size() - 1);
    right.erase(right.size() - 1);
  }
  return broadcast_shapes(left, right, "matmul");
}

Shape product_shape(const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed) {
  const int64_t rows = a.shape()[a.dim() - (a_transposed ? 1 : 2)],
                columns = b.shape()[b.dim() - (b_transposed ? 2 : 1)];
  if (a.dim() == 2 && b.dim() == 2) return {rows, columns};
  Shape shape = batch_shape(a.shape(), b.shape());
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

/// A matrix as the product reads it.
template <class T>
MatrixView<T> matrix_view(const TensorImpl& t, bool transposed) {
  return {t.ptr<T>(), t.strides[transposed ? 1 : 0], t.strides[transposed ? 0 : 1]};
}

/// out = alpha a b + beta out, where `out` is dense.
void multiply_into(const Tensor& out, const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed,
                   Scalar alpha, Scalar beta) {
  const TensorImpl& to = out.impl();
  if (to.numel == 0) return;
  if (to.sizes.size() == 2)
    return visit_numeric(to.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      gemm<T>(to.sizes[0], to.sizes[1], a.impl().sizes[a_transposed ? 0 : 1], alpha.template to<T>(),
              matrix_view<T>(a.impl(), a_transposed), matrix_view<T>(b.impl(), b_transposed), beta.template to<T>(),
              to.ptr<T>(), to.sizes[1]);
    });
  const Factor left(a.impl(), a_transposed), right(b.impl(), b_transposed);
  const int64_t m = left.rows, n = right.cols, k = left.cols;
  visit_numeric(to.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T factor = alpha.template to<T>(), out_factor = beta.template to<T>();
    const Shape batch(to.sizes.begin(), static_cast<std::size_t>(to.sizes.size() - 2));
    const int64_t count = to.numel / (m * n);
    // Many matrices times one: a single tall matrix, when the rows of all of them are evenly spaced.
    if (right.batch.empty() && !a_transposed && k > 0 && left.impl.numel == count * m * k)
      if (const auto flat = detail::view_strides(left.impl.sizes, left.impl.strides, {count * m, k}))
        return gemm<T>(count * m, n, k, factor, {left.impl.ptr<T>(), (*flat)[0], (*flat)[1]}, right.view<T>(0),
                       out_factor, to.ptr<T>(), n);
    const auto one = [&](int64_t i) {
      gemm<T>(m, n, k, factor, left.view<T>(batch_offset(left, batch, i)), right.view<T>(batch_offset(right, batch, i)),
              out_factor, to.ptr<T>() + i * m * n, n);
    };
    // Threads share the batch, or each matrix when one alone keeps them busy. The bits are the same either way.
    constexpr double enough = 64e6, worthwhile = 1e6;
    const double work =
        2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(std::max<int64_t>(k, 1));
    if (work >= enough) {
      for (int64_t i = 0; i < count; ++i) one(i);
    } else {
      parallel_for(count, std::max<int64_t>(1, static_cast<int64_t>(worthwhile / work)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) one(i);
                   });
    }
  });
}

/// A new tensor with the product.
Tensor multiplied(const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed) {
  Tensor out = make_empty(product_shape(a, a_transposed, b, b_transposed), a.dtype());
  multiply_into(out, a, a_transposed, b, b_transposed, 1, 0);
  return out;
}

struct MmName {
  static constexpr std::string_view name = "Mm";
};
struct BmmName {
  static constexpr std::string_view name = "Bmm";
};

template <class Name>
struct Product : Name {
  bool a_transposed = false, b_transposed = false;
  Shape a_shape, b_shape;

  struct Saved {
    SavedTensor a, b;
  };
  Tensor forward(Saved& s, const Tensor& a, const Tensor& b) {
    if (b.requires_grad()) s.a = save(a);
    if (a.requires_grad()) s.b = save(b);
    a_shape = a.shape();
    b_shape = b.shape();
    return multiplied(a, a_transposed, b, b_transposed);
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    const SourceLoc loc = detail::current_node->where();
    if (needs_grad(0)) {
      const Tensor b = s.b.get();
      Tensor ga = a_transposed ? detail::product(loc, b, b_transposed, g, true)
                               : detail::product(loc, g, false, b, !b_transposed);
      grads[0] = sum_to({ga, loc}, a_shape);
    }
    if (needs_grad(1)) {
      const Tensor a = s.a.get();
      if (b_shape.size() == 2 && a_shape.size() > 2 && !a_transposed && !b_transposed) {
        // The sum over the batch is part of the product when all rows are put below each other.
        const int64_t k = a_shape.back(), n = b_shape.back();
        const int64_t rows = g.numel() / std::max<int64_t>(1, n);
        grads[1] = n == 0 || rows == 0 || k == 0
                       ? zeros(b_shape, {.dtype = g.dtype()})
                       : detail::product(loc, reshape({a, loc}, {rows, k}), true, reshape({g, loc}, {rows, n}), false);
      } else {
        Tensor gb = b_transposed ? detail::product(loc, g, true, a, a_transposed)
                                 : detail::product(loc, a, !a_transposed, g, false);
        grads[1] = sum_to({gb, loc}, b_shape);
      }
    }
    return grads;
  }
};

template <class Name>
struct AddProduct : Name {
  Scalar beta = 1, alpha = 1;
  Shape c_shape;

  struct Saved {
    SavedTensor a, b;
  };
  Tensor forward(Saved& s, const Tensor& c, const Tensor& a, const Tensor& b) {
    if (b.requires_grad()) s.a = save(a);
    if (a.requires_grad()) s.b = save(b);
    c_shape = c.shape();
    Tensor out = make_empty(product_shape(a, false, b, false), a.dtype());
    if (alpha.to<double>() == 0) {  // then a and b are not read, as c is not for beta = 0
      if (beta.to<double>() == 0)
        fill_kernel(out.impl(), 0);
      else
        copy_kernel(out.impl(), mul(c.detach(), beta).impl());
      return out;
    }
    if (beta.to<double>() != 0) copy_kernel(out.impl(), c.impl());
    multiply_into(out, a, false, b, false, alpha, beta);
    return out;
  }
  Grads<3> backward(const Saved& s, const Tensor& g) const {
    Grads<3> grads;
    const SourceLoc loc = detail::current_node->where();
    const auto scaled = [&](const Scalar& by) { return by.template to<double>() == 1 ? g : mul({g, loc}, {by, loc}); };
    if (needs_grad(0))
      grads[0] = beta.to<double>() == 0 ? zeros(c_shape, {.dtype = g.dtype()}) : sum_to({scaled(beta), loc}, c_shape);
    if (alpha.to<double>() == 0) {
      const auto zeros_of = [&](Shape shape, int64_t rows, int64_t columns) {
        shape[shape.size() - 2] = rows;
        shape[shape.size() - 1] = columns;
        return zeros(shape, {.dtype = g.dtype()});
      };
      if (needs_grad(1)) grads[1] = zeros_of(g.shape(), g.size(-2), s.b.get().size(-2));
      if (needs_grad(2)) grads[2] = zeros_of(g.shape(), s.a.get().size(-1), g.size(-1));
      return grads;
    }
    if (needs_grad(1)) grads[1] = detail::product(loc, scaled(alpha), false, s.b.get(), true);
    if (needs_grad(2)) grads[2] = detail::product(loc, s.a.get(), true, scaled(alpha), false);
    return grads;
  }
};

struct AddmmName {
  static constexpr std::string_view name = "Addmm";
};
struct BaddbmmName {
  static constexpr std::string_view name = "Baddbmm";
};

// ---------------------------------------------------------------------------------------------------------------------
// Vectors

Tensor matrix_vector(SourceLoc loc, const Tensor& a, bool transposed, const Tensor& x);

struct Mv {
  static constexpr std::string_view name = "Mv";
  bool transposed = false;

  struct Saved {
    SavedTensor a, x;
  };
  Tensor forward(Saved& s, const Tensor& a, const Tensor& x) {
    if (x.requires_grad()) s.a = save(a);
    if (a.requires_grad()) s.x = save(x);
    const Factor f(a.impl(), transposed);
    Tensor out = make_empty({f.rows}, a.dtype());
    visit_numeric(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      gemm<T>(f.rows, 1, f.cols, T(1), f.view<T>(0), {x.impl().ptr<T>(), x.impl().strides[0], 1}, T(0),
              out.impl().ptr<T>(), 1);
    });
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    const SourceLoc loc = detail::current_node->where();
    if (needs_grad(0)) {
      const Tensor x = s.x.get();
      grads[0] = transposed ? outer({x, loc}, g) : outer({g, loc}, x);
    }
    if (needs_grad(1)) grads[1] = matrix_vector(loc, s.a.get(), !transposed, g);
    return grads;
  }
};

Tensor matrix_vector(SourceLoc loc, const Tensor& a, bool transposed, const Tensor& x) {
  return apply(loc, Mv{transposed}, a, x);
}

struct Dot {
  static constexpr std::string_view name = "Dot";
  struct Saved {
    SavedTensor a, b;
  };
  Tensor forward(Saved& s, const Tensor& a, const Tensor& b) {
    if (b.requires_grad()) s.a = save(a);
    if (a.requires_grad()) s.b = save(b);
    Tensor out = make_empty({}, a.dtype());
    visit_numeric(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      *out.impl().ptr<T>() =
          dot<T>(a.numel(), a.impl().ptr<T>(), a.impl().strides[0], b.impl().ptr<T>(), b.impl().strides[0]);
    });
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    const SourceLoc loc = detail::current_node->where();
    if (needs_grad(0)) grads[0] = mul({g, loc}, {s.b.get(), loc});
    if (needs_grad(1)) grads[1] = mul({g, loc}, {s.a.get(), loc});
    return grads;
  }
};

// ---------------------------------------------------------------------------------------------------------------------
// Checks

[[noreturn]] void inner_mismatch(const char* op, const Shape& a, const Shape& b, SourceLoc loc) {
  throw ShapeError(concat(op, ": ", to_text(a), " and ", to_text(b), " do not fit: ", a.back(), " columns against ",
                          b[b.size() - 2], " rows", a.back() == b.back() ? "; transpose one of them" : ""),
                   loc);
}

void check_dims(const char* op, const Tensor& t, const char* role, int dims, SourceLoc loc) {
  constexpr const char* kinds[] = {"", "a vector", "a matrix", "a batch of matrices"};
  detail::require_defined(op, {t, loc});
  if (t.dim() != dims)
    throw ShapeError(concat(op, ": ", role, " must be ", kinds[dims], ", but has shape ", to_text(t.shape())), loc);
}

void check_mm(const char* op, const Tensor& a, const char* a_role, const Tensor& b, const char* b_role, SourceLoc loc) {
  check_dims(op, a, a_role, 2, loc);
  check_dims(op, b, b_role, 2, loc);
  detail::check_product_dtypes(op, a, b, loc);
  if (a.shape()[1] != b.shape()[0]) inner_mismatch(op, a.shape(), b.shape(), loc);
}

void check_bmm(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc) {
  check_dims(op, a, "the first factor", 3, loc);
  check_dims(op, b, "the second factor", 3, loc);
  detail::check_product_dtypes(op, a, b, loc);
  const Shape expected = {a.shape()[0], a.shape()[2]}, got = {b.shape()[0], b.shape()[1]};
  if (expected != got)
    throw ShapeError(
        concat(op, ": a first factor of shape ", to_text(a.shape()), " needs a second one that begins with ",
               to_text(expected), ", but it has shape ", to_text(b.shape())),
        loc);
}

void check_mv(const char* op, const Tensor& a, const Tensor& x, SourceLoc loc) {
  check_dims(op, a, "the first factor", 2, loc);
  check_dims(op, x, "the second factor", 1, loc);
  detail::check_product_dtypes(op, a, x, loc);
  if (a.shape()[1] != x.shape()[0])
    throw ShapeError(concat(op, ": a matrix of shape ", to_text(a.shape()), " needs a vector of ", a.shape()[1],
                            " elements, got ", x.shape()[0]),
                     loc);
}

void check_dot(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc) {
  detail::require_defined(op, {a, loc});
  detail::require_defined(op, {b, loc});
  if (a.dim() != 1 || b.dim() != 1)
    throw ShapeError(concat(op, ": takes two vectors, got shapes ", to_text(a.shape()), " and ", to_text(b.shape())),
                     loc);
  detail::check_product_dtypes(op, a, b, loc);
  if (a.numel() != b.numel())
    throw ShapeError(
        concat(op, ": the vectors must have the same number of elements, but have ", a.numel(), " and ", b.numel()),
        loc);
}

void check_added(const char* op, const Tensor& c, const Tensor& a, const Shape& product,
                 const AddProductOptions& options, SourceLoc loc) {
  detail::require_defined(op, {c, loc});
  if (c.dtype() != a.dtype())
    throw DTypeError(concat(op, ": the added tensor and the factors must have one dtype, but are ",
                            dtype_name(c.dtype()), " and ", dtype_name(a.dtype())),
                     loc);
  bool fits = c.dim() <= product.size();
  const int lead = product.size() - c.dim();
  for (int d = 0; fits && d < c.dim(); ++d) fits = c.shape()[d] == 1 || c.shape()[d] == product[lead + d];
  if (!fits)
    throw ShapeError(concat(op, ": the added tensor of shape ", to_text(c.shape()),
                            " does not broadcast to the product's shape ", to_text(product)),
                     loc);
  if (!is_floating(a.dtype()) && (options.alpha.category() > 1 || options.beta.category() > 1))
    throw ValueError(
        concat(op, ": of integers, ", options.beta.category() > 1 ? "beta" : "alpha", " must be an integer, too"), loc);
}

}  // namespace

namespace detail {

void check_product_dtypes(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc) {
  if (a.dtype() != b.dtype())
    throw DTypeError(concat(op, ": the factors must have one dtype, but are ", dtype_name(a.dtype()), " and ",
                            dtype_name(b.dtype()), "; convert one with .to(", dtype_name(a.dtype()), ")"),
                     loc);
  if (a.dtype() == DType::boolean)
    throw DTypeError(concat(op, ": not implemented for bool tensors; convert them with .to(int64) or .to(float32)"),
                     loc);
}

Tensor product(SourceLoc loc, const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed) {
  if (!grad_enabled()) {  // as in most backward passes
    const CallerScope scope(loc);
    return multiplied(a, a_transposed, b, b_transposed);
  }
  if (a.dim() == 2 && b.dim() == 2) return apply(loc, Product<MmName>{{}, a_transposed, b_transposed, {}, {}}, a, b);
  return apply(loc, Product<BmmName>{{}, a_transposed, b_transposed, {}, {}}, a, b);
}

}  // namespace detail

// ---------------------------------------------------------------------------------------------------------------------
// The public functions

Tensor mm(In a, const Tensor& b) {
  check_mm("mm", a, "the first factor", b, "the second factor", a.loc);
  return detail::product(a.loc, a, false, b, false);
}

Tensor bmm(In a, const Tensor& b) {
  check_bmm("bmm", a, b, a.loc);
  return detail::product(a.loc, a, false, b, false);
}

Tensor mv(In a, const Tensor& x) {
  check_mv("mv", a, x, a.loc);
  return matrix_vector(a.loc, a, false, x);
}

Tensor dot(In a, const Tensor& b) {
  check_dot("dot", a, b, a.loc);
  return apply(a.loc, Dot{}, a.tensor, b);
}

Tensor vdot(In a, const Tensor& b) {
  check_dot("vdot", a, b, a.loc);
  return apply(a.loc, Dot{}, a.tensor, b);
}

Tensor outer(In a, const Tensor& b) {
  detail::require_defined("outer", {b, a.loc});
  if (a->dim() != 1 || b.dim() != 1)
    throw ShapeError(concat("outer: both arguments must be vectors, but have shapes ", to_text(a->shape()), " and ",
                            to_text(b.shape())),
                     a.loc);
  return mul({unsqueeze(a, 1), a.loc}, {b, a.loc});
}

Tensor matmul(In in, const Tensor& b) {
  const Tensor& a = in;
  const SourceLoc loc = in.loc;
  detail::require_defined("matmul", in);
  detail::require_defined("matmul", {b, loc});
  if (a.dim() == 2 && b.dim() == 2) {
    detail::check_product_dtypes("matmul", a, b, loc);
    if (a.shape()[1] != b.shape()[0]) inner_mismatch("matmul", a.shape(), b.shape(), loc);
    return detail::product(loc, a, false, b, false);
  }
  if (a.dim() == 0 || b.dim() == 0)
    throw ShapeError(concat("matmul: both arguments need at least one dimension, but have shapes ", to_text(a.shape()),
                            " and ", to_text(b.shape()), "; multiply by a number with *"),
                     loc);
  detail::check_product_dtypes("matmul", a, b, loc);
  if (a.dim() == 1 && b.dim() == 1) {
    check_dot("matmul", a, b, loc);
    return apply(loc, Dot{}, a, b);
  }
  if (a.dim() == 2 && b.dim() == 1) {
    check_mv("matmul", a, b, loc);
    return matrix_vector(loc, a, false, b);
  }
  if (a.dim() == 1 && b.dim() == 2) {
    if (a.shape()[0] != b.shape()[0]) inner_mismatch("matmul", {1, a.shape()[0]}, b.shape(), loc);
    return matrix_vector(loc, b, true, a);
  }
  if (a.dim() == 1) return squeeze({matmul({unsqueeze(in, 0), loc}, b), loc}, -2);
  if (b.dim() == 1) return squeeze({matmul(in, unsqueeze({b, loc}, 1)), loc}, -1);
  if (a.shape().back() != b.shape()[b.dim() - 2]) {
    // As PyTorch sees them: a batch times one matrix is one tall matrix.
    Shape tall = a.shape();
    if (b.dim() == 2) {
      tall = {1, a.shape().back()};
      for (int d = 0; d + 1 < a.dim(); ++d) tall[0] *= a.shape()[d];
    }
    inner_mismatch("matmul", tall, b.shape(), loc);
  }
  Shape left = a.shape(), right = b.shape();
  for (int i = 0; i < 2; ++i) {
    left.erase(left.size() - 1);
    right.erase(right.size() - 1);
  }
  broadcast_shapes(left, right, "matmul", loc);
  return detail::product(loc, a, false, b, false);
}

Tensor addmm(In c, const Tensor& a, const Tensor& b, const AddProductOptions& options) {
  check_mm("addmm", a, "the first factor", b, "the second factor", c.loc);
  check_added("addmm", c, a, {a.shape()[0], b.shape()[1]}, options, c.loc);
  return apply(c.loc, AddProduct<AddmmName>{{}, options.beta, options.alpha, {}}, c.tensor, a, b);
}

Tensor addmv(In c, const Tensor& a, const Tensor& x, const AddProductOptions& options) {
  check_mv("addmv", a, x, c.loc);
  check_added("addmv", c, a, {a.shape()[0]}, options, c.loc);
  const SourceLoc loc = c.loc;
  return squeeze({addmm({unsqueeze(c, -1), loc}, a, unsqueeze({x, loc}, 1), options), loc}, 1);
}

Tensor baddbmm(In c, const Tensor& a, const Tensor& b, const AddProductOptions& options) {
  check_bmm("baddbmm", a, b, c.loc);
  check_added("baddbmm", c, a, {a.shape()[0], a.shape()[1], b.shape()[2]}, options, c.loc);
  return apply(c.loc, AddProduct<BaddbmmName>{{}, options.beta, options.alpha, {}}, c.tensor, a, b);
}

Tensor trace(In x) {
  check_dims("trace", x, "input", 2, x.loc);
  return diagonal(x).sum(x.loc);
}

Tensor kron(In a, const Tensor& b) {
  detail::require_defined("kron", {b, a.loc});
  const int dims = std::max(a->dim(), b.dim());
  Shape left, right, shape;
  for (int d = 0; d < dims; ++d) {
    const int i = d - (dims - a->dim()), j = d - (dims - b.dim());
    const int64_t p = i < 0 ? 1 : a->shape()[i], q = j < 0 ? 1 : b.shape()[j];
    if (2 * dims > max_dims)
      throw ShapeError(concat("kron: takes at most ", max_dims / 2, " dimensions, got shapes ", to_text(a->shape()),
                              " and ", to_text(b.shape())),
                       a.loc);
    left.push_back(p), left.push_back(1);
    right.push_back(1), right.push_back(q);
    shape.push_back(checked_mul(p, q, "kron", a.loc));
  }
  const SourceLoc loc = a.loc;
  return reshape({mul({reshape(a, left), loc}, {reshape({b, loc}, right), loc}), loc}, shape);
}

Tensor Tensor::matmul(const Tensor& other, SourceLoc loc) const { return slope::matmul({*this, loc}, other); }
Tensor Tensor::mm(const Tensor& other, SourceLoc loc) const { return slope::mm({*this, loc}, other); }
Tensor Tensor::dot(const Tensor& other, SourceLoc loc) const { return slope::dot({*this, loc}, other); }
Tensor Tensor::bmm(const Tensor& other, SourceLoc loc) const { return slope::bmm({*this, loc}, other); }
Tensor Tensor::mv(const Tensor& x, SourceLoc loc) const { return slope::mv({*this, loc}, x); }
Tensor Tensor::vdot(const Tensor& other, SourceLoc loc) const { return slope::vdot({*this, loc}, other); }
Tensor Tensor::outer(const Tensor& other, SourceLoc loc) const { return slope::outer({*this, loc}, other); }
Tensor Tensor::kron(const Tensor& other, SourceLoc loc) const { return slope::kron({*this, loc}, other); }
Tensor Tensor::trace(SourceLoc loc) const { return slope::trace({*this, loc}); }
Tensor Tensor::addmm(const Tensor& a, const Tensor& b, const AddProductOptions& options, SourceLoc loc) const {
  return slope::addmm({*this, loc}, a, b, options);
}
Tensor Tensor::addmv(const Tensor& a, const Tensor& x, const AddProductOptions& options, SourceLoc loc) const {
  return slope::addmv({*this, loc}, a, x, options);
}
Tensor Tensor::baddbmm(const Tensor& a, const Tensor& b, const AddProductOptions& options, SourceLoc loc) const {
  return slope::baddbmm({*this, loc}, a, b, options);
}

}  // namespace slope
