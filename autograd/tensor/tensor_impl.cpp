#include "slope/autograd/tensor/tensor_impl.h"

#include <new>

#include "slope/autograd/core/pool.h"

namespace slope {

namespace {
TensorImpl* fresh() { return new (memory::allocate(sizeof(TensorImpl))) TensorImpl; }
}  // namespace

Ref<TensorImpl> TensorImpl::create(const Shape& sizes, DType dtype) {
  const std::int64_t n = checked_numel(sizes, "empty");
  Ref<Storage> storage = Storage::create(static_cast<std::size_t>(n) * itemsize(dtype));
  TensorImpl* t = fresh();
  t->dtype = dtype;
  t->numel = n;
  t->sizes = sizes;
  t->strides = contiguous_strides(sizes);
  t->storage = storage.release();
  t->data = t->storage->data;
  return Ref<TensorImpl>::adopt(t);
}

Ref<TensorImpl> TensorImpl::alias(const TensorImpl& of, void* data, const Shape& sizes, const Shape& strides) {
  return over(Ref<Storage>::share(of.storage), data, sizes, strides, of.dtype);
}

Ref<TensorImpl> TensorImpl::over(Ref<Storage> storage, void* data, const Shape& sizes, const Shape& strides,
                                 DType dtype) {
  TensorImpl* t = fresh();
  t->dtype = dtype;
  t->numel = checked_numel(sizes, "view");
  t->sizes = sizes;
  t->strides = strides;
  t->contiguous = is_contiguous(sizes, strides);
  t->storage = storage.release();
  t->data = data;
  return Ref<TensorImpl>::adopt(t);
}

void TensorImpl::destroy(TensorImpl* t) {
  if (t->producer) detail::release_node(t->producer);
  if (t->meta) detail::destroy_meta(t->meta);
  if (t->base && t->base->refs.release()) destroy(t->base);
  if (t->storage && t->storage->refs.release()) Storage::destroy(t->storage);
  t->~TensorImpl();
  memory::deallocate(t, sizeof(TensorImpl));
}

}  // namespace slope
