#include "slope/nn/functional.h"

#include <algorithm>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/number.h"

namespace slope::nn::functional {

Tensor normalize(In x, const NormalizeOptions& options) {
  if (!x.tensor.defined()) throw ValueError("normalize: the tensor is undefined", x.loc);
  CallerScope scope(x.loc);
  const Tensor norms = norm(x, options.p, options.dim, true);
  return div(x, {clamp_min({norms, x.loc}, options.eps), x.loc});
}

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
  if (most <= 0 || within) return;
  throw ShapeError(concat("pad: Padding size should be less than the corresponding input dimension, but got: padding (",
                          before, ", ", after, ") at dimension ", d, " of input ", shape),
                   loc);
}

}  // namespace

Tensor pad(In x, const std::vector<std::int64_t>& pads, const PadOptions& options) {
  const CallerScope caller(x.loc);
  if (!x.tensor.defined()) throw ValueError("pad: the tensor is undefined", x.loc);
  const Edges edges = edges_of(x, pads, x.loc);
  slope::detail::check_number("pad", options.value, x->dtype(), x.loc);
  if (options.mode == PadMode::constant) return apply(x.loc, ConstantPad{edges, options.value}, x.tensor);
  const Shape& shape = x->shape();
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

}  // namespace slope::nn::functional
