#include "slope/autograd/tensor/tensor_impl.h"

#include <new>
#include <utility>

#include "slope/autograd/core/pool.h"

namespace slope {

namespace {

// Larger ones have an allocation of their own, so that a view or an exchange of data keeps little that nobody needs.
constexpr std::size_t largest_shared = 4096;
constexpr std::size_t room = (sizeof(TensorImpl) + 63) / 64 * 64;

TensorImpl* fresh() { return new (memory::allocate(sizeof(TensorImpl))) TensorImpl; }

// The number of elements of sizes that are all positive and not too many, and their dense strides; -1 for what wants a closer
// look. `strides` is a copy of `sizes`.
std::int64_t plain_numel(const Shape& sizes, Shape& strides) {
  if (sizes.size() <= 2) {  // most have no more: without a loop
    const std::int64_t rows = sizes.size() == 2 ? sizes[0] : 1, row = sizes.empty() ? 1 : sizes.back();
    if (sizes.size() == 2) strides[0] = row;
    if (!sizes.empty()) strides[sizes.size() - 1] = 1;
    constexpr std::uint64_t few = std::uint64_t{1} << 29;
    return static_cast<std::uint64_t>((rows - 1) | (row - 1)) < few ? rows * row : -1;
  }
  std::int64_t n = 1;
  bool plain = true;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    strides[i] = n;
    plain &= sizes[i] > 0;
    plain &= !__builtin_mul_overflow(n, sizes[i], &n);
  }
  return plain && n <= std::int64_t{1} << 59 ? n : -1;
}

}  // namespace

Ref<TensorImpl> TensorImpl::create(const Shape& sizes, DType dtype) {
  Shape strides = sizes;
  std::int64_t n = plain_numel(sizes, strides);
  if (n < 0) [[unlikely]] {
    n = checked_numel(sizes, "empty");
    strides = contiguous_strides(sizes);
  }
  const std::size_t bytes = static_cast<std::size_t>(n) * itemsize(dtype);
  const bool shared = bytes <= largest_shared;
  Ref<Storage> storage = Storage::create(bytes, shared ? room : 0);
  TensorImpl* t = shared ? new (storage->room()) TensorImpl : fresh();
  t->home = shared ? storage.get() : nullptr;
  t->dtype = dtype;
  t->numel = n;
  t->sizes = sizes;
  t->strides = strides;
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
  Storage* const storage = t->storage;
  Storage* const home = t->home;
  t->~TensorImpl();
  if (!home)
    memory::deallocate(t, sizeof(TensorImpl));
  else if (home != storage && home->refs.release())
    Storage::destroy(home);
  if (storage->refs.release()) Storage::destroy(storage);
}

void TensorImpl::swap_data(TensorImpl& a, TensorImpl& b) {
  for (TensorImpl* t : {&a, &b})
    if (t->home == t->storage) t->home->refs.acquire();
  std::swap(a.storage, b.storage);
  std::swap(a.data, b.data);
  std::swap(a.dtype, b.dtype);
  std::swap(a.strides, b.strides);
  std::swap(a.contiguous, b.contiguous);
  std::swap(a.base, b.base);
  for (TensorImpl* t : {&a, &b})
    if (t->home == t->storage) t->home->refs.release();
}

}  // namespace slope
