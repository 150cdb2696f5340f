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

// The number of elements; sizes that are all positive and not too many need no closer look.
std::int64_t count_elements(const Shape& sizes) {
  const int dims = sizes.size();
  const std::int64_t* const size = sizes.begin();
  const std::int64_t a = dims > 0 ? size[0] : 1, b = dims > 1 ? size[1] : 1;
  if (dims <= 2 && static_cast<std::uint64_t>((a - 1) | (b - 1)) < std::uint64_t{1} << 29) [[likely]]
    return a * b;
  return checked_numel(sizes, "empty");
}

Ref<Storage> memory_of(const Shape& sizes, std::size_t bytes) {
  try {
    return Storage::create(bytes);
  } catch (const std::bad_alloc&) {
    throw MemoryError(concat("a tensor of shape ", sizes, " needs ", bytes, " bytes, which the system does not give"));
  }
}

}  // namespace

inline TensorImpl::TensorImpl(const Shape& dense, std::int64_t count, DType type, Storage* memory, Storage* in)
    : dtype(type), numel(count), data(memory->data), storage(memory), home(in), sizes(dense), strides(dense) {
  const int dims = dense.size();
  if (dims > 2) {
    strides = contiguous_strides(dense);
  } else if (dims > 0) {
    // Without the checks of Shape::operator[]: every operation comes here.
    const std::int64_t* const size = dense.begin();
    std::int64_t* const stride = strides.begin();
    stride[0] = 1;
    if (dims == 2) {
      stride[0] = size[1] > 0 ? size[1] : 1;
      stride[1] = 1;
    }
  }
}

Ref<TensorImpl> TensorImpl::create(const Shape& sizes, DType dtype) {
  const std::int64_t n = count_elements(sizes);
  const std::size_t bytes = static_cast<std::size_t>(n) * itemsize(dtype);
  if (bytes <= largest_shared) {
    Storage* const storage = Storage::create(bytes, room).release();
    return Ref<TensorImpl>::adopt(new (storage->room()) TensorImpl(sizes, n, dtype, storage, storage));
  }
  Ref<Storage> storage = memory_of(sizes, bytes);
  void* const own = memory::allocate(sizeof(TensorImpl));
  return Ref<TensorImpl>::adopt(new (own) TensorImpl(sizes, n, dtype, storage.release(), nullptr));
}

Ref<TensorImpl> TensorImpl::alias(const TensorImpl& of, void* data, const Shape& sizes, const Shape& strides) {
  return over(Ref<Storage>::share(of.storage), data, sizes, strides, of.dtype);
}

Ref<TensorImpl> TensorImpl::over(Ref<Storage> storage, void* data, const Shape& sizes, const Shape& strides,
                                 DType dtype) {
  const std::int64_t n = checked_numel(sizes, "view");  // throws while there is nothing to free
  TensorImpl* t = fresh();
  t->dtype = dtype;
  t->numel = n;
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
