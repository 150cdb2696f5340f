#include "slope/autograd/ops/reduce/softmax.h"

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

template <bool Log>
struct SoftmaxOp {
  static constexpr std::string_view name = Log ? "LogSoftmax" : "Softmax";
  int dim;
  struct Saved {
    SavedTensor y;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    Tensor y = make_empty(x.shape(), x.dtype());
    softmax_kernel(y.impl(), x.impl(), dim, Log);
    if (x.requires_grad()) s.y = save_output(y);
    return y;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor y = s.y.get();
    if (!grad_enabled()) {
      Tensor dx = make_empty(y.shape(), y.dtype());
      softmax_backward_kernel(dx.impl(), y.impl(), g.impl(), dim, Log);
      return {dx};
    }
    if constexpr (Log)
      return {g - scale_cotangent(sum(g, dim, true), exp(y))};
    else
      return {scale_cotangent(g - sum(scale_cotangent(g, y), dim, true), y)};
  }
};

/// `x` in the floating dtype that is asked for.
Tensor in_floats(const char* op, In x, std::optional<DType> dtype) {
  detail::require_defined(op, x);
  if (dtype && !is_floating(*dtype))
    throw DTypeError(concat(op, ": probabilities are floating point numbers, not ", dtype_name(*dtype)), x.loc);
  return to(x, dtype.value_or(x->is_floating_point() ? x->dtype() : default_dtype()));
}

template <bool Log>
Tensor run(const char* op, In x, std::int64_t dim, std::optional<DType> dtype) {
  const Tensor values = in_floats(op, x, dtype);
  return apply(x.loc, SoftmaxOp<Log>{wrap_dim(dim, x->dim(), op, x.loc)}, values);
}

}  // namespace

Tensor softmax(In x, std::int64_t dim, std::optional<DType> dtype) { return run<false>("softmax", x, dim, dtype); }
Tensor log_softmax(In x, std::int64_t dim, std::optional<DType> dtype) {
  return run<true>("log_softmax", x, dim, dtype);
}
Tensor softmin(In x, std::int64_t dim, std::optional<DType> dtype) {
  const Tensor values = in_floats("softmin", x, dtype);
  return run<false>("softmin", {neg({values, x.loc}), x.loc}, dim, {});
}

Tensor Tensor::softmax(std::int64_t dim, SourceLoc loc) const { return slope::softmax({*this, loc}, dim); }
Tensor Tensor::log_softmax(std::int64_t dim, SourceLoc loc) const { return slope::log_softmax({*this, loc}, dim); }

}  // namespace slope
