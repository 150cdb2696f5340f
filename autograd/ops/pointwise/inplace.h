#pragma once

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/tensor.h"

/// In-place operations: one place for their rules (leaves, overlap, dtype, shape, versions) and for the history of views.
namespace slope {

namespace detail {

/// Throws unless `self` may be written in place: a leaf that requires grad (or a view of one) may not while recording, and
/// neither may memory where elements overlap.
void check_in_place(const Tensor& self, const char* op, SourceLoc loc);
/// Throws unless a result of this shape and dtype fits into `self`.
void check_result_fits(const Tensor& self, const Shape& shape, DType dtype, const char* op, SourceLoc loc);
/// Another tensor with the same values, history and memory of its own: what an in-place operation may save.
Tensor snapshot(const Tensor& self);
/// Copies the values of `result` into `self` and makes the history of `result` that of `self` (and of its base and views).
void write_back(const Tensor& self, const Tensor& result, SourceLoc loc);
/// Whether an operation on these inputs would be recorded.
bool any_requires_grad(std::initializer_list<const Tensor*> tensors);

}  // namespace detail

/// `compute(old)` is the operation out of place; `old` has the values of `self` and is safe to save. Its result is written
/// into the storage of `self`, whose version grows and whose history becomes that of the result.
template <class F>
TensorAlias in_place(const Tensor& self, SourceLoc loc, const char* op, const F& compute) {
  CallerScope scope(loc);
  detail::check_in_place(self, op, loc);
  const Tensor result = compute(grad_enabled() ? detail::snapshot(self) : self);
  detail::check_result_fits(self, result.shape(), result.dtype(), op, loc);
  detail::write_back(self, result, loc);
  return self;
}

/// The base of a view, spread anew: a view with any geometry over the memory of `x`, counted from the start of its
/// storage. Differentiable by those elements that `x` shows itself. Throws ShapeError for a geometry that reaches
/// beyond the storage, and for an `x` that requires grad and whose own elements overlap.
Tensor as_strided(In x, const Shape& sizes, const Shape& strides, std::int64_t storage_offset);

}  // namespace slope
