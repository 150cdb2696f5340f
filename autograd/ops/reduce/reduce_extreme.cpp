// The largest and the smallest, and where they are.
#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"
#include "slope/autograd/ops/reduce/reduce.h"

namespace slope {

namespace {

using namespace detail;

template <OpName Name, ReduceOp Op>
struct ExtremeOp {
  static constexpr std::string_view name = std::string_view(Name.text);
  ReducedDims over;
  struct Saved {
    SavedTensor x, y;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    if (x.dtype() == DType::int64) return reduce_integral<std::int64_t>(x, over, Op);
    if (x.dtype() == DType::boolean) return reduce_integral<bool>(x, over, Op);
    Tensor y = reduce_floating(x, over, Op, {}, x.dtype());
    if (x.requires_grad()) {
      s.x = save(x);
      s.y = save_output(y);
    }
    return y;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    return {share_among(equals_extreme(s.x.get(), s.y.get(), over), g, over)};
  }
};

template <OpName Name, ReduceOp Op>
Tensor extreme(const char* op, In x, const Dims& dims, bool keepdim) {
  const ReducedDims over = reduced_dims(op, x, dims, keepdim);
  require_elements(op, x, over);
  return apply(x.loc, ExtremeOp<Name, Op>{over}, x.tensor);
}

// Values (when wanted) and places along one dimension, which both keep as size 1 or lose.
std::pair<Tensor, Tensor> search(const char* op, In x, std::int64_t dim, bool keepdim, bool largest, bool values) {
  const CallerScope scope(x.loc);
  const ReducedDims over = reduced_dims(op, x, dim, keepdim);
  for (int d = 0; d < over.in.size(); ++d)
    if ((over.mask >> d & 1) && over.in[d] == 0)
      throw ShapeError(concat(op, ": dimension ", d, " has no elements to choose from; the shape is ", over.in), x.loc);
  const int d = wrap_dim(dim, x->dim(), op, x.loc);
  const Tensor index = make_empty(over.out(), DType::int64);
  const Tensor value = values ? make_empty(over.out(), x->dtype()) : Tensor();
  // The kernel writes results that keep the dimension: the same memory under another shape.
  const auto kept = [&](const Tensor& t) {
    return TensorImpl::alias(t.impl(), t.raw_data(), over.kept(), contiguous_strides(over.kept()));
  };
  const Ref<TensorImpl> kept_value = values ? kept(value) : Ref<TensorImpl>();
  arg_kernel(values ? &*kept_value : nullptr, *kept(index), x->impl(), d, largest);
  return {value, index};
}

Tensor place(const char* op, In x, std::optional<std::int64_t> dim, bool keepdim, bool largest) {
  require_defined(op, x);
  if (dim) return search(op, x, *dim, keepdim, largest, false).second;
  const ReducedDims over = reduced_dims(op, x, {}, keepdim);
  require_elements(op, x, over);
  NoGradGuard no_grad;
  const Tensor index = search(op, {reshape(x, {-1}), x.loc}, 0, false, largest, false).second;
  return keepdim ? reshape(index, over.out()) : index;
}

}  // namespace

Tensor max(In x) { return extreme<"Max", ReduceOp::largest>("max", x, {}, false); }
Tensor min(In x) { return extreme<"Min", ReduceOp::smallest>("min", x, {}, false); }
Tensor amax(In x, const Dims& dims, bool keepdim) {
  return extreme<"Amax", ReduceOp::largest>("amax", x, dims, keepdim);
}
Tensor amin(In x, const Dims& dims, bool keepdim) {
  return extreme<"Amin", ReduceOp::smallest>("amin", x, dims, keepdim);
}

std::pair<Tensor, Tensor> max(In x, std::int64_t dim, bool keepdim) {
  auto [value, index] = search("max", x, dim, keepdim, true, true);
  return picked<"Max">(x, value, index, wrap_dim(dim, x->dim()));
}

std::pair<Tensor, Tensor> min(In x, std::int64_t dim, bool keepdim) {
  auto [value, index] = search("min", x, dim, keepdim, false, true);
  return picked<"Min">(x, value, index, wrap_dim(dim, x->dim()));
}

Tensor argmax(In x, std::optional<std::int64_t> dim, bool keepdim) { return place("argmax", x, dim, keepdim, true); }
Tensor argmin(In x, std::optional<std::int64_t> dim, bool keepdim) { return place("argmin", x, dim, keepdim, false); }

Tensor Tensor::max(SourceLoc loc) const { return slope::max({*this, loc}); }
Tensor Tensor::min(SourceLoc loc) const { return slope::min({*this, loc}); }
std::pair<Tensor, Tensor> Tensor::max(std::int64_t dim, bool keepdim, SourceLoc loc) const {
  return slope::max({*this, loc}, dim, keepdim);
}
std::pair<Tensor, Tensor> Tensor::min(std::int64_t dim, bool keepdim, SourceLoc loc) const {
  return slope::min({*this, loc}, dim, keepdim);
}
Tensor Tensor::argmax(std::optional<std::int64_t> dim, bool keepdim, SourceLoc loc) const {
  return slope::argmax({*this, loc}, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<std::int64_t> dim, bool keepdim, SourceLoc loc) const {
  return slope::argmin({*this, loc}, dim, keepdim);
}

}  // namespace slope
