#include "slope/autograd/ops/reduce/reduce.h"

#include <string>

#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"

namespace slope {

namespace detail {

ReducedDims reduced_dims(const char* op, In x, const Dims& dims, bool keepdim) {
  require_defined(op, x);
  ReducedDims over;
  over.in = x->shape();
  over.keepdim = keepdim;
  const int n = over.in.size();
  const unsigned everything = (1U << n) - 1U;
  for (std::int64_t dim : dims) {
    const int d = wrap_dim(dim, n, op, x.loc);
    if (n == 0) continue;
    if (over.mask >> d & 1)
      throw ShapeError(concat(op, ": dim ", d, " appears multiple times in the list of dims ", dims), x.loc);
    over.mask |= 1U << d;
  }
  if (dims.empty()) over.mask = everything;
  over.all = over.mask == everything;
  return over;
}

void require_elements(const char* op, In x, const ReducedDims& over) {
  if (x->numel() > 0) return;
  if (over.all)
    throw ShapeError(
        concat(op, ": a tensor of shape ", over.in, " has no elements to choose from; name dimensions of other sizes"),
        x.loc);
  for (int d = 0; d < over.in.size(); ++d)
    if ((over.mask >> d & 1) && over.in[d] == 0)
      throw ShapeError(concat(op, ": dimension ", d, " has no elements to choose from; the shape is ", over.in), x.loc);
}

Tensor spread(const Tensor& t, const ReducedDims& over) {
  if (over.all && !grad_enabled()) {  // one value everywhere: expand() without its checks
    const TensorImpl& one = t.impl();
    return Tensor(TensorImpl::alias(one, one.data, over.in, Shape::filled(over.in.size(), 0)));
  }
  const bool fits = t.dim() == 0 || t.dim() == over.in.size();
  return expand(fits ? t : reshape(t, over.kept()), over.in);
}

Tensor reduce_wide(const Tensor& x, const ReducedDims& over, ReduceOp op, const double* c) {
  ReducedDims kept = over;
  kept.keepdim = true;
  return reduce_floating(x, kept, op, {.c = c}, DType::float64);
}

Dims dims_of(const ReducedDims& over) {
  Dims dims;
  for (int d = 0; d < over.in.size(); ++d)
    if (over.mask >> d & 1) dims.push_back(d);
  return dims;
}

Tensor equals_extreme(const Tensor& x, const Tensor& y, const ReducedDims& over) {
  const Tensor value = spread(y, over);
  Tensor hit = eq(x, value);
  if (!isnan(y).any().item<bool>()) return hit;
  return logical_or(hit, logical_and(isnan(x), isnan(value)));
}

Tensor share_among(const Tensor& hit, const Tensor& g, const ReducedDims& over) {
  const Tensor share = div(reshape(g, over.kept()), hit.sum(over.all ? Dims() : dims_of(over), true));
  return where(hit, expand(share, over.in), 0);
}

}  // namespace detail

namespace {

using namespace detail;

template <bool Mean>
struct SumOp {
  static constexpr std::string_view name = Mean ? "Mean" : "Sum";
  ReducedDims over;
  DType as, from{};
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) {
    from = x.dtype();
    const auto n = static_cast<double>(over.length());
    return reduce_floating(x, over, ReduceOp::sum, {}, as, [n](double v, std::int64_t) { return Mean ? v / n : v; });
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {to(spread(Mean ? g / static_cast<double>(over.length()) : g, over), from)};
  }
};

struct NansumOp {
  static constexpr std::string_view name = "Nansum";
  ReducedDims over;
  struct Saved {
    SavedTensor x;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    s.x = save(x);
    return reduce_floating(x, over, ReduceOp::nansum, {}, x.dtype());
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const { return {where(isnan(s.x.get()), 0, spread(g, over))}; }
};

// The type asked for comes first, unless the sum itself can produce it.
bool needs_conversion(In x, std::optional<DType> dtype) {
  return dtype && !(is_floating(x->dtype()) && is_floating(*dtype)) && x->dtype() != *dtype;
}

Tensor count(In x, const ReducedDims& over, DType as, std::int64_t all_of) {
  const CallerScope scope(x.loc);
  auto decide = [as, all_of](std::int64_t n) {
    return as == DType::int64 ? n : std::int64_t{all_of < 0 ? n > 0 : n == all_of};
  };
  Tensor out = make_empty(over.out(), as);
  const ReducePlan plan(x->impl(), over.mask);
  auto store = [&](std::int64_t at, std::int64_t n) {
    if (as == DType::int64)
      out.impl().ptr<std::int64_t>()[at] = decide(n);
    else
      out.impl().ptr<bool>()[at] = decide(n) != 0;
  };
  if (is_floating(x->dtype()))
    reduce(plan, ReduceOp::nonzero, {}, [&](std::int64_t first, const double* v, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) store(first + i, static_cast<std::int64_t>(v[i]));
    });
  else
    reduce_integers(plan, ReduceOp::nonzero, [&](std::int64_t first, const std::int64_t* v, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) store(first + i, v[i]);
    });
  return out;
}

}  // namespace

Tensor sum(In x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const ReducedDims over = reduced_dims("sum", x, dims, keepdim);
  if (needs_conversion(x, dtype)) return sum({to(x, *dtype), x.loc}, dims, keepdim, dtype);
  if (is_floating(x->dtype())) return apply(x.loc, SumOp<false>{over, dtype.value_or(x->dtype())}, x.tensor);
  const Tensor total = reduce_integral<std::int64_t>(x, over, ReduceOp::sum);
  return dtype ? to(total, *dtype) : total;
}

Tensor nansum(In x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  require_defined("nansum", x);
  if (!is_floating(x->dtype())) return sum(x, dims, keepdim, dtype);
  const ReducedDims over = reduced_dims("nansum", x, dims, keepdim);
  if (dtype && !is_floating(*dtype))  // before the conversion, which knows no NaN
    return sum({where({isnan(x), x.loc}, 0, x), x.loc}, dims, keepdim, dtype);
  return apply(x.loc, NansumOp{over}, dtype ? to(x, *dtype) : x.tensor);
}

Tensor mean(In x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const ReducedDims over = reduced_dims("mean", x, dims, keepdim);
  if (!is_floating(dtype.value_or(x->dtype())))
    throw DTypeError(concat("mean: the result must be floating point, this would be ",
                            dtype_name(dtype.value_or(x->dtype())), "; convert it with .to(float32) or give a dtype"),
                     x.loc);
  if (needs_conversion(x, dtype)) return mean({to(x, *dtype), x.loc}, dims, keepdim);
  return apply(x.loc, SumOp<true>{over, dtype.value_or(x->dtype())}, x.tensor);
}

Tensor count_nonzero(In x, const Dims& dims, bool keepdim) {
  return count(x, reduced_dims("count_nonzero", x, dims, keepdim), DType::int64, 0);
}

Tensor any(In x, const Dims& dims, bool keepdim) {
  return count(x, reduced_dims("any", x, dims, keepdim), DType::boolean, -1);
}

Tensor all(In x, const Dims& dims, bool keepdim) {
  const ReducedDims over = reduced_dims("all", x, dims, keepdim);
  return count(x, over, DType::boolean, over.length());
}

#define SLOPE_REDUCTION_METHOD(name)                                         \
  Tensor Tensor::name(const Dims& dims, bool keepdim, SourceLoc loc) const { \
    return slope::name({*this, loc}, dims, keepdim);                         \
  }
SLOPE_REDUCTION_METHOD(sum)
SLOPE_REDUCTION_METHOD(nansum)
SLOPE_REDUCTION_METHOD(mean)
SLOPE_REDUCTION_METHOD(prod)
SLOPE_REDUCTION_METHOD(amax)
SLOPE_REDUCTION_METHOD(amin)
SLOPE_REDUCTION_METHOD(any)
SLOPE_REDUCTION_METHOD(all)
SLOPE_REDUCTION_METHOD(logsumexp)
SLOPE_REDUCTION_METHOD(count_nonzero)
#undef SLOPE_REDUCTION_METHOD

}  // namespace slope
