#pragma once

#include <cstdint>

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/core/ref.h"
#include "slope/autograd/core/shape.h"
#include "slope/autograd/tensor/storage.h"

namespace slope {

class Node;
struct GradMeta;

/// What a Tensor handle points to: geometry over a storage, and its place in the graph. One allocation from a free
/// list; a small new tensor shares that of its storage, which goes when the last view goes.
struct TensorImpl {
  RefCount refs;
  DType dtype = DType::float32;
  /// A leaf whose gradient is wanted. Results of recorded operations have a `producer` instead.
  bool leaf_requires_grad = false;
  bool contiguous = true;
  /// Made from a tracked tensor while gradients were off: carries no gradient.
  bool detached_view = false;
  std::uint16_t output_nr = 0;
  /// For views: the storage version at which `producer` was current; an in-place change elsewhere makes it stale.
  std::uint32_t view_version = 0;
  std::int64_t numel = 0;
  void* data = nullptr;
  Storage* storage = nullptr;
  /// The storage in whose block this lies, or null. Owned only when it is not `storage` any more.
  Storage* home = nullptr;
  Node* producer = nullptr;
  /// Root of the chain of views this one belongs to (owned), or null.
  TensorImpl* base = nullptr;
  /// Gradient, hooks; made when first needed.
  GradMeta* meta = nullptr;
  Shape sizes;
  Shape strides;

  TensorImpl() = default;
  /// A dense tensor of `count` elements over `memory`, a reference to which it takes over; it lies in the block of
  /// `in`.
  TensorImpl(const Shape& dense, std::int64_t count, DType type, Storage* memory, Storage* in);

  /// A dense tensor with fresh, uninitialised memory.
  static Ref<TensorImpl> create(const Shape& sizes, DType dtype);
  /// Another geometry over the same storage, without any graph.
  static Ref<TensorImpl> alias(const TensorImpl& of, void* data, const Shape& sizes, const Shape& strides);
  static Ref<TensorImpl> over(Ref<Storage> storage, void* data, const Shape& sizes, const Shape& strides, DType dtype);
  static void destroy(TensorImpl* t);
  /// Exchanges data, dtype, strides and what they are a view of; sizes must agree. Both handles and graphs stay.
  static void swap_data(TensorImpl& a, TensorImpl& b);

  template <class T>
  T* ptr() const {
    return static_cast<T*>(data);
  }
  std::int64_t offset() const {
    return (static_cast<char*>(data) - static_cast<char*>(storage->data)) / static_cast<std::int64_t>(itemsize(dtype));
  }
};

namespace detail {
// Defined by the engine; the tensor only owns these.
void acquire_node(Node* n);
void release_node(Node* n);
void destroy_meta(GradMeta* m);
/// Brings the producer of a view up to date after in-place changes made elsewhere.
void refresh_view(TensorImpl& view);
inline bool view_is_stale(const TensorImpl& t) { return t.base && t.view_version != t.storage->current_version(); }
}  // namespace detail

}  // namespace slope
