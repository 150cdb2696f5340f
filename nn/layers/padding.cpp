#include "slope/nn/layers/padding.h"

#include <algorithm>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/number.h"
#include "slope/nn/layers/internal/describe.h"

namespace slope::nn {

namespace functional {

namespace {

/// Per dimension, what is added before and after.
struct Edges {
  Shape before, after;
};

Edges edges_of(const Tensor& x, const std::vector<std::int64_t>& pads, SourceLoc loc) {
  if (pads.size() % 2)
    throw ValueError(concat("pad: Padding length must be divisible by 2, got ", pads.size(), " numbers"), loc);
  if (static_cast<int>(pads.size() / 2) > x.dim())
    throw ShapeError(
        concat("pad: Padding length should be less than or equal to two times the input dimension but got padding "
               "length ",
               pads.size(), " and input of dimension ", x.dim()),
        loc);
  constexpr std::int64_t whole_limit = std::int64_t{1} << 59;  // of sizes, so that amounts can be negated
  Shape padded = x.shape();
  Edges e{Shape::filled(x.dim(), 0), Shape::filled(x.dim(), 0)};
  for (std::size_t i = 0; i < pads.size(); i += 2) {
    const int d = x.dim() - 1 - static_cast<int>(i / 2);
    e.before[d] = pads[i];
    e.after[d] = pads[i + 1];
    const std::int64_t whole = checked_add(checked_add(x.shape()[d], pads[i], "pad", loc), pads[i + 1], "pad", loc);
    if (whole < 0 || pads[i] < -whole_limit || pads[i + 1] < -whole_limit)
      throw ShapeError(
          concat("pad: The input size ", x.shape()[d], ", plus negative padding ", pads[i], " and ", pads[i + 1],
                 ", resulted in a negative output size, which is invalid; input of shape ", x.shape()),
          loc);
    padded[d] = whole;
  }
  checked_numel(padded, "pad", loc);
  return e;
}

/// Adds constants at the edges, or cuts: each is the derivative of the other.
struct ConstantPad {
  static constexpr std::string_view name = "ConstantPad";
  Edges edges;
  Scalar value = 0;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) {
    Shape shape = x.shape();
    for (int d = 0; d < shape.size(); ++d) shape[d] += edges.before[d] + edges.after[d];
    Tensor out = make_empty(shape, x.dtype());
    fill_kernel(out.impl(), value);
    Tensor to = out, from = x;
    for (int d = 0; d < shape.size(); ++d) {
      const std::int64_t before = edges.before[d], after = edges.after[d];
      const std::int64_t both = x.shape()[d] + std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0);
      if (both <= 0) return out;
      to = narrow(to, d, std::max<std::int64_t>(before, 0), both);
      from = narrow(from, d, std::max<std::int64_t>(-before, 0), both);
    }
    copy_kernel(to.impl(), from.impl());
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    Edges back = edges;
    for (auto& n : back.before) n = -n;
    for (auto& n : back.after) n = -n;
    return {apply(slope::detail::current_node->where(), ConstantPad{back, 0}, g)};
  }
};

const char* mode_name(PadMode mode) {
  switch (mode) {
    case PadMode::reflect: return "reflect";
    case PadMode::replicate: return "replicate";
    case PadMode::circular: return "circular";
    default: return "constant";
  }
}

/// Where position `i`, which may lie outside, of a dimension of `n` elements is copied from.
std::int64_t source(PadMode mode, std::int64_t i, std::int64_t n) {
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    case PadMode::circular: return i < 0 ? i + n : i >= n ? i - n : i;
    default: return std::clamp<std::int64_t>(i, 0, n - 1);
  }
}

void check_reach(PadMode mode, const Shape& shape, int d, std::int64_t before, std::int64_t after, SourceLoc loc) {
  const std::int64_t n = shape[d], most = std::max(before, after);
  const bool within = mode == PadMode::reflect ? most < n : mode == PadMode::circular ? most <= n : n > 0;
  if (n + before + after == 0 && (before != 0 || after != 0))
    throw ShapeError(concat("pad: The input size ", n, ", plus padding ", before, " and ", after,
                            ", resulted in no element, which only mode constant allows; input of shape ", shape),
                     loc);
  if (most <= 0 || within) return;
  throw ShapeError(concat("pad: Padding size should be less than the corresponding input dimension, but got: padding (",
                          before, ", ", after, ") at dimension ", d, " of input ", shape),
                   loc);
}

/// The demands of modes that copy elements.
void check_copied(In x, const std::vector<std::int64_t>& pads, const PadOptions& options) {
  if (const Scalar& v = options.value; v.to<double>() != 0)
    throw ValueError(concat("pad: Padding mode \"", mode_name(options.mode),
                            "\" doesn't take in value argument, but got value=", v.to<double>()),
                     x.loc);
  const int dims = static_cast<int>(pads.size() / 2);
  if (dims < 1 || dims > 3 || (x->dim() != dims + 1 && x->dim() != dims + 2))
    throw ShapeError(
        concat("pad: Padding mode \"", mode_name(options.mode), "\" with ", pads.size(), " numbers pads the last ",
               dims, " of (C, sizes) or (N, C, sizes), at most three, but got an input of shape ", x->shape()),
        x.loc);
}

}  // namespace

Tensor pad(In x, const std::vector<std::int64_t>& pads, const PadOptions& options) {
  const CallerScope caller(x.loc);
  if (!x.tensor.defined()) throw ValueError("pad: the tensor is undefined", x.loc);
  const Edges edges = edges_of(x, pads, x.loc);
  slope::detail::check_number("pad", options.value, x->dtype(), x.loc);
  if (options.mode == PadMode::constant) return apply(x.loc, ConstantPad{edges, options.value}, x.tensor);
  const Shape& shape = x->shape();
  check_copied(x, pads, options);
  for (int d = 0; d < shape.size(); ++d) check_reach(options.mode, shape, d, edges.before[d], edges.after[d], x.loc);
  Tensor y = x.tensor;
  for (int d = 0; d < shape.size(); ++d) {
    const std::int64_t n = shape[d], before = edges.before[d], after = edges.after[d];
    if (before == 0 && after == 0) continue;
    Tensor index = make_empty({n + before + after}, DType::int64);
    auto* at = index.impl().ptr<std::int64_t>();
    for (std::int64_t i = -before; i < n + after; ++i) *at++ = source(options.mode, i, n);
    y = index_select({y, x.loc}, d, index);
  }
  if (y.is(x.tensor)) return clone(x);  // never the memory of x, whatever the amounts are
  return y;
}

}  // namespace functional

template <int dims, functional::PadMode mode>
PadModule<dims, mode>::PadModule(const IntArray& padding, Scalar value, SourceLoc loc) : value_(value) {
  if (padding.size() != 1 && padding.size() != 2 * dims)
    throw ValueError(
        concat("pad: padding must be one number or a list of ", 2 * dims, ", but got ", padding.size(), " numbers"),
        loc);
  const Shape pads = padding.size() == 1 ? Shape::filled(2 * dims, padding[0]) : Shape(padding);
  pads_.assign(pads.begin(), pads.end());
}

template <int dims, functional::PadMode mode>
Tensor PadModule<dims, mode>::forward(const Tensor& x) {
  return functional::pad(x, pads_, {.mode = mode, .value = value_});
}

template <int dims, functional::PadMode mode>
std::string PadModule<dims, mode>::extra_repr() const {
  return detail::tuple(pads_);
}

template <int dims>
std::string ConstantPadModule<dims>::extra_repr() const {
  return concat("padding=", detail::tuple(this->pads_), ", value=", detail::number(this->value_.template to<double>()));
}

#define SLOPE_PAD_MODULES(dims)                                   \
  template class PadModule<dims, functional::PadMode::constant>;  \
  template class PadModule<dims, functional::PadMode::reflect>;   \
  template class PadModule<dims, functional::PadMode::replicate>; \
  template class PadModule<dims, functional::PadMode::circular>;  \
  template class ConstantPadModule<dims>;
SLOPE_PAD_MODULES(1)
SLOPE_PAD_MODULES(2)
SLOPE_PAD_MODULES(3)
#undef SLOPE_PAD_MODULES

}  // namespace slope::nn
