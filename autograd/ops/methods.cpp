// Arithmetic operators and methods of Tensor: each calls the free function of the same name.
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/pointwise/internal/pointwise_inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/number.h"

namespace slope {

using detail::pointwise_in_place;

Tensor operator+(const Operand& a, const Operand& b) { return add(a, b); }
Tensor operator-(const Operand& a, const Operand& b) { return sub(a, b); }
Tensor operator*(const Operand& a, const Operand& b) { return mul(a, b); }
Tensor operator/(const Operand& a, const Operand& b) { return div(a, b); }
Tensor operator%(const Operand& a, const Operand& b) { return remainder(a, b); }
Tensor operator-(const In& a) { return neg(a); }
Tensor operator<(const Operand& a, const Operand& b) { return lt(a, b); }
Tensor operator<=(const Operand& a, const Operand& b) { return le(a, b); }
Tensor operator>(const Operand& a, const Operand& b) { return gt(a, b); }
Tensor operator>=(const Operand& a, const Operand& b) { return ge(a, b); }
Tensor operator==(const Operand& a, const Operand& b) { return eq(a, b); }
Tensor operator!=(const Operand& a, const Operand& b) { return ne(a, b); }

Tensor Tensor::add(const Operand& other, Scalar alpha) const { return slope::add({*this, other.loc}, other, alpha); }
Tensor Tensor::sub(const Operand& other, Scalar alpha) const { return slope::sub({*this, other.loc}, other, alpha); }
Tensor Tensor::mul(const Operand& other) const { return slope::mul({*this, other.loc}, other); }
Tensor Tensor::div(const Operand& other) const { return slope::div({*this, other.loc}, other); }
Tensor Tensor::pow(const Operand& exponent) const { return slope::pow({*this, exponent.loc}, exponent); }
Tensor Tensor::eq(const Operand& other) const { return slope::eq({*this, other.loc}, other); }
Tensor Tensor::ne(const Operand& other) const { return slope::ne({*this, other.loc}, other); }
Tensor Tensor::lt(const Operand& other) const { return slope::lt({*this, other.loc}, other); }
Tensor Tensor::le(const Operand& other) const { return slope::le({*this, other.loc}, other); }
Tensor Tensor::gt(const Operand& other) const { return slope::gt({*this, other.loc}, other); }
Tensor Tensor::ge(const Operand& other) const { return slope::ge({*this, other.loc}, other); }

Tensor Tensor::floor_divide(const Operand& other) const { return slope::floor_divide({*this, other.loc}, other); }
Tensor Tensor::remainder(const Operand& other) const { return slope::remainder({*this, other.loc}, other); }
Tensor Tensor::fmod(const Operand& other) const { return slope::fmod({*this, other.loc}, other); }
Tensor Tensor::maximum(const Operand& other) const { return slope::maximum({*this, other.loc}, other); }
Tensor Tensor::minimum(const Operand& other) const { return slope::minimum({*this, other.loc}, other); }
Tensor Tensor::atan2(const Operand& other) const { return slope::atan2({*this, other.loc}, other); }
Tensor Tensor::xlogy(const Operand& other) const { return slope::xlogy({*this, other.loc}, other); }
Tensor Tensor::copysign(const Operand& other) const { return slope::copysign({*this, other.loc}, other); }
Tensor Tensor::logical_and(const Operand& other) const { return slope::logical_and({*this, other.loc}, other); }
Tensor Tensor::logical_or(const Operand& other) const { return slope::logical_or({*this, other.loc}, other); }
Tensor Tensor::logical_xor(const Operand& other) const { return slope::logical_xor({*this, other.loc}, other); }
Tensor Tensor::lerp(const Tensor& end, const Operand& weight) const {
  return slope::lerp({*this, weight.loc}, {end, weight.loc}, weight);
}
Tensor Tensor::where(const Tensor& condition, const Operand& other) const {
  return slope::where(In(condition, other.loc), {*this, other.loc}, other);
}
Tensor Tensor::isnan(SourceLoc loc) const { return slope::isnan(In(*this, loc)); }
Tensor Tensor::isinf(SourceLoc loc) const { return slope::isinf(In(*this, loc)); }
Tensor Tensor::isfinite(SourceLoc loc) const { return slope::isfinite(In(*this, loc)); }
Tensor Tensor::logical_not(SourceLoc loc) const { return slope::logical_not(In(*this, loc)); }
Tensor Tensor::isclose(const Tensor& other, double rtol, double atol, bool equal_nan, SourceLoc loc) const {
  return slope::isclose(In(*this, loc), other, rtol, atol, equal_nan);
}
bool Tensor::allclose(const Tensor& other, double rtol, double atol, bool equal_nan, SourceLoc loc) const {
  return slope::allclose(In(*this, loc), other, rtol, atol, equal_nan);
}
bool Tensor::equal(const Tensor& other, SourceLoc loc) const { return slope::equal(In(*this, loc), other); }
Tensor Tensor::hardshrink(double lambda, SourceLoc loc) const { return slope::hardshrink(In(*this, loc), lambda); }
Tensor Tensor::prelu(const Tensor& weight, SourceLoc loc) const { return slope::prelu(In(*this, loc), weight); }
Tensor Tensor::clone(SourceLoc loc) const { return slope::clone(In(*this, loc)); }

Tensor Tensor::clamp(std::optional<Scalar> min, std::optional<Scalar> max, SourceLoc loc) const {
  return slope::clamp(In(*this, loc), min, max);
}
Tensor Tensor::clamp(const Tensor& min, const Tensor& max, SourceLoc loc) const {
  return slope::clamp(In(*this, loc), min, max);
}
Tensor Tensor::clamp_min(Scalar min, SourceLoc loc) const { return slope::clamp_min(In(*this, loc), min); }
Tensor Tensor::clamp_max(Scalar max, SourceLoc loc) const { return slope::clamp_max(In(*this, loc), max); }
Tensor Tensor::to(DType dtype, SourceLoc loc) const { return slope::to(In(*this, loc), dtype); }

// ---- in place

namespace {

struct Fill {
  static constexpr std::string_view name = "Fill";
  struct Saved {};
  Scalar value = 0;
  Shape shape;
  DType dtype = DType::float32;
  Tensor forward(Saved&, const Tensor& x) {
    shape = x.shape();
    dtype = x.dtype();
    Tensor out = make_empty(shape, dtype);
    fill_kernel(out.impl(), value);
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor&) const { return {zeros(shape, {.dtype = dtype})}; }
};

/// The source in place of the old values, which receive a zero gradient.
struct CopyInto {
  static constexpr std::string_view name = "Copy";
  struct Saved {};
  Shape old_shape, source_shape;
  DType old_dtype = DType::float32, source_dtype = DType::float32;
  Tensor forward(Saved&, const Tensor& old, const Tensor& source) {
    old_shape = old.shape();
    source_shape = source.shape();
    old_dtype = old.dtype();
    source_dtype = source.dtype();
    Tensor out = make_empty(old_shape, old_dtype);
    copy_kernel(out.impl(), source.impl());
    return out;
  }
  Grads<2> backward(const Saved&, const Tensor& g) const {
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = zeros(old_shape, {.dtype = old_dtype});
    if (needs_grad(1)) grads[1] = sum_to(g, source_shape).to(source_dtype);
    return grads;
  }
};

}  // namespace

TensorAlias Tensor::add_(const Operand& other, Scalar alpha) const {
  detail::require_defined("add_", {*this, other.loc});
  const auto general = [&](const Tensor& old) { return slope::add({old, other.loc}, other, alpha); };
  if (alpha.to<double>() == 1) return pointwise_in_place(*this, other.loc, "add_", formula::Add{}, general, other);
  return pointwise_in_place(*this, other.loc, "add_", formula::AddScaled{alpha.to<double>()}, general, other);
}
TensorAlias Tensor::sub_(const Operand& other, Scalar alpha) const {
  detail::require_defined("sub_", {*this, other.loc});
  const auto general = [&](const Tensor& old) { return slope::sub({old, other.loc}, other, alpha); };
  return pointwise_in_place(*this, other.loc, "sub_", formula::AddScaled{-alpha.to<double>()}, general, other);
}
TensorAlias Tensor::mul_(const Operand& other) const {
  detail::require_defined("mul_", {*this, other.loc});
  const auto general = [&](const Tensor& old) { return slope::mul({old, other.loc}, other); };
  return pointwise_in_place(*this, other.loc, "mul_", formula::Mul{}, general, other);
}
TensorAlias Tensor::div_(const Operand& other) const {
  detail::require_defined("div_", {*this, other.loc});
  const auto general = [&](const Tensor& old) { return slope::div({old, other.loc}, other); };
  return pointwise_in_place(*this, other.loc, "div_", formula::Div{}, general, other);
}
TensorAlias Tensor::pow_(const Operand& exponent) const {
  return in_place(*this, exponent.loc, "pow_",
                  [&](const Tensor& old) { return slope::pow({old, exponent.loc}, exponent); });
}

TensorAlias Tensor::remainder_(const Operand& other) const {
  return in_place(*this, other.loc, "remainder_",
                  [&](const Tensor& old) { return slope::remainder({old, other.loc}, other); });
}
TensorAlias Tensor::floor_divide_(const Operand& other) const {
  return in_place(*this, other.loc, "floor_divide_",
                  [&](const Tensor& old) { return slope::floor_divide({old, other.loc}, other); });
}
TensorAlias Tensor::fmod_(const Operand& other) const {
  return in_place(*this, other.loc, "fmod_", [&](const Tensor& old) { return slope::fmod({old, other.loc}, other); });
}
TensorAlias Tensor::lerp_(const Tensor& end, const Operand& weight) const {
  const SourceLoc loc = weight.loc;
  return in_place(*this, loc, "lerp_", [&](const Tensor& old) { return slope::lerp({old, loc}, {end, loc}, weight); });
}

TensorAlias Tensor::clamp_(std::optional<Scalar> min, std::optional<Scalar> max, SourceLoc loc) const {
  return in_place(*this, loc, "clamp_", [&](const Tensor& old) { return slope::clamp(In(old, loc), min, max); });
}

TensorAlias Tensor::clamp_min_(Scalar min, SourceLoc loc) const { return clamp_(min, {}, loc); }
TensorAlias Tensor::clamp_max_(Scalar max, SourceLoc loc) const { return clamp_({}, max, loc); }

TensorAlias Tensor::fill_(Scalar value, SourceLoc loc) const {
  detail::require_defined("fill_", {*this, loc});
  detail::check_number("fill_", value, dtype(), loc);
  if (detail::any_requires_grad({this}))
    return in_place(*this, loc, "fill_", [&](const Tensor& old) { return apply(loc, Fill{value, {}, {}}, old); });
  detail::check_in_place(*this, "fill_", loc);
  fill_kernel(impl(), value);
  impl().storage->bump_version();
  return *this;
}

TensorAlias Tensor::zero_(SourceLoc loc) const { return fill_(0, loc); }

TensorAlias Tensor::copy_(const Tensor& source, SourceLoc loc) const {
  CallerScope scope(loc);
  detail::require_defined("copy_", {*this, loc});
  detail::require_defined("copy_", {source, loc});
  const Shape shape = broadcast_shapes(this->shape(), source.shape(), "copy_", loc);
  detail::check_result_fits(*this, shape, dtype(), "copy_", loc);
  if (detail::any_requires_grad({this, &source}) || shares_storage(source))
    return in_place(*this, loc, "copy_", [&](const Tensor& old) { return apply(loc, CopyInto{}, old, source); });
  detail::check_in_place(*this, "copy_", loc);
  copy_kernel(impl(), source.impl());
  impl().storage->bump_version();
  return *this;
}

}  // namespace slope
