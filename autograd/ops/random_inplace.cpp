// Random values into existing tensors. Element i of the tensor in row-major order is the i-th number drawn, whatever its layout.
#include "slope/autograd/core/random.h"
#include "slope/autograd/kernels/iterate.h"
#include "slope/autograd/ops/inplace.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

void require_floating(const Tensor& self, const char* op, SourceLoc loc) {
  if (!self.is_floating_point())
    throw DTypeError(concat(op, ": takes a floating point tensor, got ", dtype_name(self.dtype())), loc);
}

/// `fill(pointer, n)` draws n numbers of the tensor's type; it throws before it writes.
template <class Fill>
const Tensor& draw_into(const Tensor& self, SourceLoc loc, const char* op, const Fill& fill) {
  CallerScope scope(loc);
  detail::check_in_place(self, op, loc);
  const auto draw = [&](const Tensor& dense) {
    visit_dtype(dense.dtype(), [&](auto tag) { fill(dense.impl().ptr<typename decltype(tag)::type>(), dense.numel()); });
  };
  const bool recorded = detail::any_requires_grad({&self});
  if (self.is_contiguous() && !recorded) {
    draw(self);
    self.impl().storage->bump_version();
    return self;
  }
  const Tensor values = make_empty(self.shape(), self.dtype());
  draw(values);
  if (recorded) return self.copy_(values, loc);
  copy_kernel(self.impl(), values.impl());
  self.impl().storage->bump_version();
  return self;
}

template <class T, class Fill>
void if_floating(T* out, std::int64_t n, const Fill& fill) {
  if constexpr (std::is_floating_point_v<T>) fill(out, n);
}

}  // namespace

const Tensor& Tensor::uniform_(double lo, double hi, SourceLoc loc) const {
  require_floating(*this, "uniform_", loc);
  return draw_into(*this, loc, "uniform_", [=](auto* out, std::int64_t n) {
    if_floating(out, n, [=](auto* p, std::int64_t count) { fill_uniform(p, count, lo, hi); });
  });
}

const Tensor& Tensor::normal_(double mean, double std, SourceLoc loc) const {
  require_floating(*this, "normal_", loc);
  return draw_into(*this, loc, "normal_", [=](auto* out, std::int64_t n) {
    if_floating(out, n, [=](auto* p, std::int64_t count) { fill_normal(p, count, mean, std); });
  });
}

const Tensor& Tensor::exponential_(double rate, SourceLoc loc) const {
  require_floating(*this, "exponential_", loc);
  return draw_into(*this, loc, "exponential_", [=](auto* out, std::int64_t n) {
    if_floating(out, n, [=](auto* p, std::int64_t count) { fill_exponential(p, count, rate); });
  });
}

const Tensor& Tensor::bernoulli_(double p, SourceLoc loc) const {
  return draw_into(*this, loc, "bernoulli_", [=](auto* out, std::int64_t n) { fill_bernoulli(out, n, p); });
}

}  // namespace slope
