// Reading and writing by mask, and where values are not zero.
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/index/internal/index_inplace.h"
#include "slope/autograd/ops/index/internal/one_zero.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/internal/window.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/number.h"

namespace slope {

namespace detail {

Tensor positions(const Tensor& mask) {
  NoGradGuard no_grad;
  const Tensor flat = contiguous(mask);
  const std::vector<std::int64_t> starts = true_starts(flat.impl());
  Tensor out = make_empty({starts.back()}, DType::int64);
  true_positions(flat.impl(), starts, out.impl().ptr<std::int64_t>());
  return out;
}

std::int64_t count_true(const Tensor& mask) {
  NoGradGuard no_grad;
  return true_starts(contiguous(mask).impl()).back();
}

}  // namespace detail

namespace {

void check_mask(const Tensor& mask, const char* op, SourceLoc loc) {
  if (!mask.defined()) throw ValueError(concat(op, ": the mask is an undefined tensor"), loc);
  if (mask.dtype() != DType::boolean)
    throw DTypeError(
        concat(op, ": expected a mask of dtype bool, got ", dtype_name(mask.dtype()), "; compare it, as in mask != 0"),
        loc);
}

/// Elements picked from `x` by `mask`, both of one shape.
struct MaskedSelect {
  static constexpr std::string_view name = "MaskedSelect";
  Shape base{};
  struct Saved {
    SavedTensor mask;
  };
  Tensor forward(Saved& s, const Tensor& x, NoGrad mask) {
    s.mask = save(mask);
    base = x.shape();
    const Tensor at = detail::positions(mask), values = contiguous(x);
    Tensor out = make_empty(at.shape(), x.dtype());
    if (out.numel() == 0) return out;
    const auto item = static_cast<std::int64_t>(itemsize(x.dtype()));
    gather_kernel(out.impl(), {values.raw_data(), {0}}, {at.raw_data(), {sizeof(std::int64_t)}}, item);
    return out;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    return {masked_scatter(detail::one_zero(base, g.dtype()), s.mask.get(), g)};
  }
};

/// Elements of the vector `source` put where `mask` is true; as many as there are such places.
struct MaskedScatter {
  static constexpr std::string_view name = "MaskedScatter";
  std::int64_t places = 0;
  struct Saved {
    SavedTensor mask;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& source, NoGrad mask) {
    s.mask = save(mask);
    Tensor out = dense_copy(x);
    const Tensor at = detail::positions(mask);
    places = at.numel();
    if (places == 0) return out;
    const auto item = static_cast<std::int64_t>(itemsize(x.dtype()));
    // No two places are the same: each is a lane of its own.
    scatter_kernel(at.shape(), 1, x.dtype(), {{out.raw_data(), {0}}, item}, out.numel(),
                   {{at.raw_data(), {sizeof(std::int64_t)}}, 0}, {{source.raw_data(), {source.strides()[0] * item}}, 0},
                   false);
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = masked_fill(g, s.mask.get(), 0);
    if (needs_grad(1)) {
      grads[1] = masked_select(g, s.mask.get());
      if (grads[1].numel() != places)
        throw ShapeError(concat("masked_scatter: the mask had ", places, " places in forward and has ",
                                grads[1].numel(), " in backward; it was changed through a raw pointer"));
    }
    return grads;
  }
};

/// A fill value in the dtype of `x`: a number, or a 0-d tensor through which gradients flow.
struct FillValue {
  Tensor tensor;
  Operand operand;
  FillValue(const Tensor& x, const Operand& given, const char* op, SourceLoc loc)
      : tensor(converted(x, given, op, loc)), operand(tensor.defined() ? Operand(tensor, loc) : given) {}
  FillValue(const FillValue&) = delete;

 private:
  static Tensor converted(const Tensor& x, const Operand& given, const char* op, SourceLoc loc) {
    if (given.tensor && !given.tensor->defined())
      throw ValueError(concat(op, ": the value is an undefined tensor"), loc);
    if (given.tensor && given.tensor->dim() > 0)
      throw ShapeError(concat(op, ": the value must be a single number, but has shape ", to_text(given.tensor->shape()),
                              "; use where(mask, value, x)"),
                       loc);
    const DType have = given.tensor ? given.tensor->dtype() : given.scalar.dtype();
    detail::require_storable(op, have, x.dtype(), loc);
    if (!given.tensor) detail::check_number(op, given.scalar, x.dtype(), loc);
    return given.tensor ? given.tensor->to(x.dtype(), loc) : Tensor();
  }
};

void check_fits_self(const Tensor& self, const Tensor& mask, const char* op, SourceLoc loc) {
  const Shape shape = broadcast_shapes(self.shape(), mask.shape(), op, loc);
  detail::check_result_fits(self, shape, self.dtype(), op, loc);
}

}  // namespace

Tensor masked_fill(In x, const Tensor& mask, const Operand& value) {
  CallerScope scope(x.loc);
  check_mask(mask, "masked_fill", x.loc);
  const FillValue fill(x, value, "masked_fill", x.loc);
  return where({mask, x.loc}, fill.operand, Operand(x));
}

Tensor masked_select(In x, const Tensor& mask) {
  CallerScope scope(x.loc);
  check_mask(mask, "masked_select", x.loc);
  const Shape shape = broadcast_shapes(x->shape(), mask.shape(), "masked_select", x.loc);
  return apply(x.loc, MaskedSelect{}, x->shape() == shape ? x.tensor : expand(x, shape),
               mask.shape() == shape ? mask : expand({mask, x.loc}, shape));
}

Tensor masked_scatter(In x, const Tensor& mask, const Tensor& source) {
  CallerScope scope(x.loc);
  check_mask(mask, "masked_scatter", x.loc);
  if (!source.defined()) throw ValueError("masked_scatter: the source is an undefined tensor", x.loc);
  if (source.dtype() != x->dtype())
    throw DTypeError(concat("masked_scatter: the tensor and the source must have one dtype, but are ",
                            dtype_name(x->dtype()), " and ", dtype_name(source.dtype())),
                     x.loc);
  const Shape shape = broadcast_shapes(x->shape(), mask.shape(), "masked_scatter", x.loc);
  const Tensor wide_mask = expand({mask, x.loc}, shape);
  const std::int64_t places = detail::count_true(wide_mask);
  if (source.numel() < places)
    throw ShapeError(
        concat("masked_scatter: the mask has ", places, " places but the source only ", source.numel(), " elements"),
        x.loc);
  const Tensor values = narrow({flatten({source, x.loc}), x.loc}, 0, 0, places);
  return apply(x.loc, MaskedScatter{}, expand(x, shape), values, wide_mask);
}

Tensor nonzero(In x) {
  CallerScope scope(x.loc);
  NoGradGuard no_grad;
  Tensor mask = x.tensor;
  if (x->dtype() != DType::boolean) {
    mask = make_empty(x->shape(), DType::boolean);
    visit_dtype(x->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      map<bool, T>(mask.impl(), x->impl(), [](T v) { return v != T(0); });
    });
  }
  const Tensor at = detail::positions(mask);
  const int dims = x->dim();
  Tensor out = make_empty({at.numel(), dims}, DType::int64);
  const auto* from = at.impl().ptr<std::int64_t>();
  auto* to = out.impl().ptr<std::int64_t>();
  const Shape& shape = x->shape();
  parallel_for(at.numel(), grain_math, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t row_begin = 0, row_end = 0;  // of the row that the position before was in
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t* coordinates = to + i * dims;
      if (i > begin && from[i] < row_end) {
        for (int d = 0; d < dims - 1; ++d) coordinates[d] = coordinates[d - dims];
        coordinates[dims - 1] = from[i] - row_begin;
        continue;
      }
      std::int64_t rest = from[i];
      for (int d = dims - 1; d >= 0; --d) {
        coordinates[d] = rest % shape[d];
        rest /= shape[d];
      }
      if (dims > 0) {
        row_begin = from[i] - coordinates[dims - 1];
        row_end = row_begin + shape[dims - 1];
      }
    }
  });
  return out;
}

std::vector<Tensor> where(In condition) {
  CallerScope scope(condition.loc);
  const Tensor at = nonzero({condition->dim() == 0 ? reshape(condition, {1}) : condition.tensor, condition.loc});
  return unbind({at, condition.loc}, 1);
}

// ---- methods
Tensor Tensor::masked_fill(const Tensor& mask, const Operand& value) const {
  return slope::masked_fill({*this, value.loc}, mask, value);
}
Tensor Tensor::masked_select(const Tensor& mask, SourceLoc loc) const {
  return slope::masked_select({*this, loc}, mask);
}
Tensor Tensor::masked_scatter(const Tensor& mask, const Tensor& source, SourceLoc loc) const {
  return slope::masked_scatter({*this, loc}, mask, source);
}
Tensor Tensor::nonzero(SourceLoc loc) const { return slope::nonzero({*this, loc}); }

TensorAlias Tensor::masked_fill_(const Tensor& mask, const Operand& value) const {
  const SourceLoc loc = value.loc;
  CallerScope scope(loc);
  check_mask(mask, "masked_fill_", loc);
  check_fits_self(*this, mask, "masked_fill_", loc);
  const FillValue fill(*this, value, "masked_fill_", loc);
  const bool plain = fill.tensor.defined() ? detail::may_write_directly(*this, {&mask, &fill.tensor})
                                           : detail::may_write_directly(*this, {&mask});
  if (!plain)
    return in_place(*this, loc, "masked_fill_",
                    [&](const Tensor& old) { return slope::masked_fill({old, loc}, mask, fill.operand); });
  return detail::write_directly(*this, loc, "masked_fill_", [&] {
    const Tensor number = fill.tensor.defined() ? fill.tensor : make_number(fill.operand.scalar, dtype());
    select_kernel(impl(), mask.impl(), number.impl(), impl());
  });
}

TensorAlias Tensor::masked_scatter_(const Tensor& mask, const Tensor& source, SourceLoc loc) const {
  CallerScope scope(loc);
  check_mask(mask, "masked_scatter_", loc);
  check_fits_self(*this, mask, "masked_scatter_", loc);
  return in_place(*this, loc, "masked_scatter_",
                  [&](const Tensor& old) { return slope::masked_scatter({old, loc}, mask, source); });
}

}  // namespace slope
