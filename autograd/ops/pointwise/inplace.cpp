#include "slope/autograd/ops/pointwise/inplace.h"

#include <algorithm>
#include <limits>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

// ---- geometry of a view inside its base

/// Where the elements of a view lie among those of its base, in elements from the first element of the base.
class Geometry {
 public:
  Shape base_sizes, base_strides, view_sizes, view_strides;
  std::int64_t offset = 0;

  static Geometry of(const TensorImpl& base, const TensorImpl& view) {
    return {base.sizes, base.strides, view.sizes, view.strides, view.offset() - base.offset()};
  }
  /// The view in the memory of the base itself.
  Tensor view_of(const Tensor& base) const { return at(base, offset, view_sizes, view_strides); }

  // Both in a buffer of their own, dense as they lie in memory. It reaches as far as either: as_strided may show what
  // lies outside the tensor it starts from.
  Tensor buffer(DType dtype) const {
    const std::int64_t end = std::max(extent(base_sizes, base_strides), offset + extent(view_sizes, view_strides));
    return zeros({std::max<std::int64_t>(end, 0) - origin()}, {.dtype = dtype});
  }
  Tensor base_in(const Tensor& buffer) const { return at(buffer, -origin(), base_sizes, base_strides); }
  Tensor view_in(const Tensor& buffer) const { return at(buffer, offset - origin(), view_sizes, view_strides); }

 private:
  std::int64_t origin() const { return std::min<std::int64_t>(offset, 0); }
  /// Elements from the first to the last.
  static std::int64_t extent(const Shape& sizes, const Shape& strides) {
    for (std::int64_t size : sizes)
      if (size == 0) return 0;  // whatever the strides are
    std::int64_t last = 0;
    for (int d = 0; d < sizes.size(); ++d) last += (sizes[d] - 1) * strides[d];
    return last + 1;
  }
  static Tensor at(const Tensor& memory, std::int64_t first, const Shape& sizes, const Shape& strides) {
    const TensorImpl& m = memory.impl();
    return Tensor(TensorImpl::alias(
        m, static_cast<char*>(m.data) + first * static_cast<std::int64_t>(itemsize(m.dtype)), sizes, strides));
  }
};

Tensor extract(SourceLoc loc, const Geometry& geometry, const Tensor& base_values);

/// Values of the view put into zeros of the base's shape; elements seen several times add up. Adjoint of Extract.
struct Embed {
  static constexpr std::string_view name = "AsStridedScatter";
  struct Saved {};
  Geometry geometry;
  Tensor forward(Saved&, const Tensor& values) {
    const Tensor buffer = geometry.buffer(values.dtype());
    const Tensor window = geometry.view_in(buffer);
    visit_floating(values.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      StridedLoop<2> loop(window.shape(), {&window.impl(), &values.impl()});
      loop.run_range(0, loop.numel(), [](char* const* p, const std::int64_t* s, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i)
          *reinterpret_cast<T*>(p[0] + i * s[0]) += *reinterpret_cast<const T*>(p[1] + i * s[1]);
      });
    });
    return dense_copy(geometry.base_in(buffer));
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {extract(detail::current_node->where(), geometry, g)};
  }
};

/// The elements of a tensor of the base's shape that the view sees. Adjoint of Embed.
struct Extract {
  static constexpr std::string_view name = "AsStridedGather";
  struct Saved {};
  Geometry geometry;
  Tensor forward(Saved&, const Tensor& base_values) {
    const Tensor buffer = geometry.buffer(base_values.dtype());
    copy_kernel(geometry.base_in(buffer).impl(), base_values.impl());
    return dense_copy(geometry.view_in(buffer));
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(detail::current_node->where(), Embed{geometry}, g)};
  }
};

Tensor extract(SourceLoc loc, const Geometry& geometry, const Tensor& base_values) {
  return apply(loc, Extract{geometry}, base_values);
}

/// The base's values with those that the view sees set to zero; its own adjoint.
struct MaskOut {
  static constexpr std::string_view name = "AsStridedMask";
  struct Saved {};
  Geometry geometry;
  Tensor forward(Saved&, const Tensor& base_values) {
    const Tensor buffer = geometry.buffer(base_values.dtype());
    copy_kernel(geometry.base_in(buffer).impl(), base_values.impl());
    fill_kernel(geometry.view_in(buffer).impl(), 0);
    return dense_copy(geometry.base_in(buffer));
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(detail::current_node->where(), MaskOut{geometry}, g)};
  }
};

struct AsStrided {
  static constexpr std::string_view name = "AsStrided";
  struct Saved {};
  Geometry geometry;
  View forward(Saved&, const Tensor& x) { return geometry.view_of(x); }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(detail::current_node->where(), Embed{geometry}, g)};
  }
};

/// The history of a base after one of its views was overwritten: what the view covers comes from the new value, the rest
/// from the old base.
struct CopySlices {
  static constexpr std::string_view name = "CopySlices";
  struct Saved {};
  Geometry geometry;
  Tensor forward(Saved&, const Tensor&, const Tensor&) { return {}; }  // never run: the values are in place already
  Grads<2> backward(const Saved&, const Tensor& g) const {
    const SourceLoc where = detail::current_node->where();
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = apply(where, MaskOut{geometry}, g);
    if (needs_grad(1)) grads[1] = extract(where, geometry, g);
    return grads;
  }
};

template <class Op, std::size_t N>
Node* record(Op op, SourceLoc loc, std::array<Edge, N> edges) {
  using NodeType = detail::OpNode<Op, N>;
  auto* node = new (detail::allocate_node(sizeof(NodeType))) NodeType(std::move(op), typename Op::Saved{}, loc);
  for (std::size_t i = 0; i < N; ++i) node->links[i] = std::move(edges[i]);
  return node;
}

bool overlaps_itself(const TensorImpl& t) {
  if (t.contiguous || t.numel < 2) return false;
  std::vector<std::pair<std::int64_t, std::int64_t>> dims;  // stride, size
  for (int d = 0; d < t.sizes.size(); ++d)
    if (t.sizes[d] > 1) dims.emplace_back(t.strides[d], t.sizes[d]);
  std::sort(dims.begin(), dims.end());
  std::int64_t reach = 0;  // last element reached by the dimensions so far
  for (const auto& [stride, size] : dims) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

void rebase(const Tensor& self, const Tensor& result, SourceLoc loc) {
  TensorImpl& t = self.impl();
  if (t.detached_view)
    throw AutogradError(
        "in-place operation: a view that was made under a NoGradGuard cannot be changed while operations are recorded; make "
        "the view outside, or clone() it",
        loc);
  if (!t.base) {
    detail::acquire_node(result.impl().producer);
    detail::replace_producer(t, result.impl().producer, result.impl().output_nr);
    return;
  }
  const Tensor base(Ref<TensorImpl>::share(t.base));
  Node* node = record(CopySlices{Geometry::of(*t.base, t)}, loc, std::array<Edge, 2>{Edge::to(base), Edge::to(result)});
  detail::set_producer(base, node);
  // The view itself, like every other view of the base, now carries an old version and reads its history from the base.
}

}  // namespace

namespace detail {

void refresh_view(TensorImpl& view) {
  const Tensor base(Ref<TensorImpl>::share(view.base));
  Node* node = nullptr;
  if (base.requires_grad()) {
    node = record(AsStrided{Geometry::of(*view.base, view)}, {}, std::array<Edge, 1>{Edge::to(base)});
    node->assign_id();
  }
  replace_producer(view, node, 0);
  view.view_version = view.storage->current_version();
}

void check_in_place(const Tensor& self, const char* op, SourceLoc loc) {
  require_defined(op, {self, loc});
  const TensorImpl& t = self.impl();
  if (grad_enabled()) {
    if (t.leaf_requires_grad && !t.producer)
      throw AutogradError(
          concat(op,
                 ": a leaf that requires grad cannot be changed in place while operations are recorded. Use a "
                 "NoGradGuard to change a parameter"),
          loc);
    if (t.base && t.base->leaf_requires_grad && !t.base->producer)
      throw AutogradError(
          concat(op,
                 ": a view of a leaf that requires grad cannot be changed in place while operations are recorded. "
                 "Use a NoGradGuard to change a parameter"),
          loc);
  }
  if (overlaps_itself(t))
    throw ShapeError(
        concat(op,
               ": some elements of the tensor share memory, as after expand(), and cannot be written one by one; "
               "clone() it first. Its shape is ",
               to_text(t.sizes)),
        loc);
}

void check_result_fits(const Tensor& self, const Shape& shape, DType dtype, const char* op, SourceLoc loc) {
  require_storable(op, dtype, self.dtype(), loc);
  if (shape != self.shape())
    throw ShapeError(concat(op, ": the result has shape ", to_text(shape), " but is to be stored in a tensor of shape ",
                            to_text(self.shape())),
                     loc);
}

Tensor snapshot(const Tensor& self) {
  Tensor copy = dense_copy(self);
  if (self.requires_grad() && self.impl().producer) {
    acquire_node(self.impl().producer);
    copy.impl().producer = self.impl().producer;
    copy.impl().output_nr = self.impl().output_nr;
  }
  return copy;
}

void write_back(const Tensor& self, const Tensor& result, SourceLoc loc) {
  TensorImpl& t = self.impl();
  const bool track = grad_enabled() && result.requires_grad();
  const Tensor value = track ? result.to(t.dtype) : result;
  if (track) {
    // The history first: it can refuse, and then nothing has changed.
    rebase(self, value, loc);
  }
  if (value.impl().data != t.data) copy_kernel(t, value.impl());
  t.storage->bump_version();
  if (!track) return;
  if (!t.base)
    t.view_version = t.storage->current_version();
  else if (t.meta)
    refresh_view(t);  // a gradient it keeps is from now on that of the new value
}

bool any_requires_grad(std::initializer_list<const Tensor*> tensors) {
  if (!grad_enabled()) return false;
  for (const Tensor* t : tensors)
    if (t && t->requires_grad()) return true;
  return false;
}

}  // namespace detail

Tensor as_strided(In x, const Shape& sizes, const Shape& strides, std::int64_t storage_offset) {
  const TensorImpl& t = x->impl();
  if (sizes.size() != strides.size())
    throw ShapeError(
        concat("as_strided: ", sizes.size(), " sizes and ", strides.size(), " strides; give one stride per size"),
        x.loc);
  std::int64_t last = storage_offset, first = storage_offset;
  bool none = false;
  for (int d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 0 || strides[d] < 0)
      throw ShapeError(
          concat("as_strided: negative size or stride, sizes ", to_text(sizes), ", strides ", to_text(strides)), x.loc);
    none |= sizes[d] == 0;
    std::int64_t reach = 0;
    if (__builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) || __builtin_add_overflow(last, reach, &last))
      last = std::numeric_limits<std::int64_t>::max();
  }
  const auto item = static_cast<std::int64_t>(itemsize(t.dtype));
  if (first < 0 || (!none && last >= static_cast<std::int64_t>(t.storage->bytes) / item))
    throw ShapeError(
        concat("as_strided: sizes ", to_text(sizes), " with strides ", to_text(strides), " and offset ", storage_offset,
               " reach beyond a storage of ", static_cast<std::int64_t>(t.storage->bytes) / item, " elements"),
        x.loc);
  if (overlaps_itself(t) && detail::any_requires_grad({&x.tensor}))
    throw ShapeError(concat("as_strided: the elements of the tensor of shape ", to_text(t.sizes), " and strides ",
                            to_text(t.strides),
                            " share memory, so that a gradient would count several times; start from the tensor "
                            "that was expanded"),
                     x.loc);
  // What shows nothing may be said to lie anywhere; it starts where the tensor does.
  const std::int64_t offset = none ? 0 : storage_offset - t.offset();
  return apply(x.loc, AsStrided{{t.sizes, t.strides, sizes, strides, offset}}, x.tensor);
}

Tensor Tensor::as_strided(const Shape& sizes, const Shape& strides, std::int64_t storage_offset, SourceLoc loc) const {
  return slope::as_strided({*this, loc}, sizes, strides, storage_offset);
}

}  // namespace slope
