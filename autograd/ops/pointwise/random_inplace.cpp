// Random values into existing tensors. Element i of the tensor in row-major order is the i-th number drawn, whatever its layout.
#include "slope/autograd/core/random.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

/// `fill(pointer, n)` draws n numbers of the tensor's type; it throws before it writes.
template <class Fill>
TensorAlias draw_into(const Tensor& self, SourceLoc loc, const char* op, const Fill& fill) {
  CallerScope scope(loc);
  detail::check_in_place(self, op, loc);
  const auto draw = [&](const Tensor& dense) {
    visit_dtype(dense.dtype(),
                [&](auto tag) { fill(dense.impl().ptr<typename decltype(tag)::type>(), dense.numel()); });
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

TensorAlias Tensor::uniform_(double lo, double hi, Generator& gen, SourceLoc loc) const {
  detail::require_floating("uniform_", {*this, loc});
  return draw_into(*this, loc, "uniform_", [=, &gen](auto* out, std::int64_t n) {
    if_floating(out, n, [=, &gen](auto* p, std::int64_t count) { fill_uniform(p, count, lo, hi, gen); });
  });
}

TensorAlias Tensor::normal_(double mean, double std, Generator& gen, SourceLoc loc) const {
  detail::require_floating("normal_", {*this, loc});
  return draw_into(*this, loc, "normal_", [=, &gen](auto* out, std::int64_t n) {
    if_floating(out, n, [=, &gen](auto* p, std::int64_t count) { fill_normal(p, count, mean, std, gen); });
  });
}

TensorAlias Tensor::exponential_(double rate, Generator& gen, SourceLoc loc) const {
  detail::require_floating("exponential_", {*this, loc});
  return draw_into(*this, loc, "exponential_", [=, &gen](auto* out, std::int64_t n) {
    if_floating(out, n, [=, &gen](auto* p, std::int64_t count) { fill_exponential(p, count, rate, gen); });
  });
}

TensorAlias Tensor::bernoulli_(double p, Generator& gen, SourceLoc loc) const {
  return draw_into(*this, loc, "bernoulli_", [=, &gen](auto* out, std::int64_t n) { fill_bernoulli(out, n, p, gen); });
}

}  // namespace slope
