#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/dtype.h"
#include "slope/autograd/core/error.h"
#include "slope/autograd/core/ref.h"
#include "slope/autograd/core/shape.h"
#include "slope/autograd/tensor/tensor_impl.h"

namespace slope {

class In;
class Operand;
class Index;
class Generator;
struct HookHandle;
Generator& default_generator();

/// A position along a dimension together with the line of the call: what `x[i]` takes.
class At {
 public:
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  At(T position, SourceLoc at = SourceLoc::here()) : index(static_cast<std::int64_t>(position)), loc(at) {}
  std::int64_t index;
  SourceLoc loc;
};

/// A handle to an n-dimensional array (0 to 8 dimensions) of float32, float64, int64 or bool that can record how it was
/// computed. Copying the handle shares the data; `clone()` copies it. Methods are PyTorch's; each op also exists as a
/// free function (`slope/autograd/ops/ops.h`), where its formula, shapes and errors are documented.
///
///     Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
///     Tensor y = (x * x).sum();
///     y.backward();                 // x.grad() is tensor([2., 4.])
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  /// A 0-d constant; lets a formula written for numbers be read for tensors.
  template <class T>
    requires std::is_arithmetic_v<T>
  explicit Tensor(T value) : Tensor(from_scalar(Scalar(value))) {}

  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  // Assigning to a temporary is always a mistake: use copy_() to write through a view.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;

  // ---- what it is
  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape() const { return impl().sizes; }
  const Shape& strides() const { return impl().strides; }
  std::int64_t size(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  std::int64_t stride(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  int dim() const { return impl().sizes.size(); }
  int ndim() const { return impl().sizes.size(); }
  std::int64_t numel() const { return impl().numel; }
  DType dtype() const { return impl().dtype; }
  bool is_floating_point() const { return is_floating(impl().dtype); }
  std::int64_t storage_offset() const { return impl().offset(); }
  bool is_contiguous() const { return impl().contiguous; }
  /// True when both handles name the same tensor (not merely equal values).
  bool is(const Tensor& other) const { return impl_ == other.impl_; }
  /// True when both share one storage.
  bool shares_storage(const Tensor& other) const { return impl().storage == other.impl().storage; }
  /// Number of in-place changes of the storage so far.
  std::uint32_t version() const { return impl().storage->current_version(); }

  // ---- values out
  /// The single element; throws ValueError for any other number of elements, DTypeError never (converts).
  template <class T = double>
  T item(SourceLoc loc = SourceLoc::here()) const {
    return item_scalar(loc).to<T>();
  }
  Scalar item_scalar(SourceLoc loc = SourceLoc::here()) const;
  /// Elements in row-major order, converted to T, whatever the strides.
  template <class T>
  std::vector<T> to_vector() const;
  /// The first element's address; throws DTypeError if T is not the element type. Writing through it bypasses version
  /// counters. Elements are dense only if `is_contiguous()`.
  template <class T>
  T* data_ptr(SourceLoc loc = SourceLoc::here()) const {
    return static_cast<T*>(checked_data(dtype_of<std::remove_const_t<T>>(), loc));
  }
  void* raw_data() const { return impl().data; }
  /// The printed form of `operator<<`.
  std::string to_string() const;

  // ---- graph
  bool requires_grad() const {
    TensorImpl& t = impl();
    if (detail::view_is_stale(t)) [[unlikely]]
      detail::refresh_view(t);
    return t.leaf_requires_grad || t.producer;
  }
  /// Marks a leaf as wanting a gradient. Throws AutogradError for non-floating dtypes and for `false` on a non-leaf.
  const Tensor& requires_grad_(bool on = true, SourceLoc loc = SourceLoc::here()) const;
  bool is_leaf() const;
  /// The accumulated gradient, undefined before any backward reached this tensor.
  Tensor grad() const;
  void set_grad(const Tensor& g, SourceLoc loc = SourceLoc::here()) const;
  /// Drops the gradient (or zeroes it in place).
  void zero_grad(bool set_to_none = true) const;
  /// Non-leaves keep their gradient only after this.
  const Tensor& retain_grad(SourceLoc loc = SourceLoc::here()) const;
  /// Name of the operation that made it, "MulBackward", or "" for leaves.
  std::string grad_fn() const;
  /// Accumulates d(this)/d(leaf) into the `.grad` of every leaf that requires grad. Without `gradient` this must have one
  /// element. `retain_graph` defaults to `create_graph`; `create_graph` records the backward itself.
  void backward(const Tensor& gradient = {}, std::optional<bool> retain_graph = {}, bool create_graph = false,
                SourceLoc loc = SourceLoc::here()) const;
  /// Runs when this tensor's gradient is complete; may return a replacement (an undefined tensor keeps it) of the same
  /// shape and dtype. Throws AutogradError unless this requires grad.
  template <class F>
  HookHandle register_hook(F fn, SourceLoc loc = SourceLoc::here()) const;
  /// Runs on a leaf after its `.grad` was updated. Throws AutogradError unless this is a leaf that requires grad.
  template <class F>
  HookHandle register_post_accumulate_grad_hook(F fn, SourceLoc loc = SourceLoc::here()) const;
  Tensor detach() const;

  // ---- copies and conversions
  Tensor clone(SourceLoc loc = SourceLoc::here()) const;
  Tensor contiguous(SourceLoc loc = SourceLoc::here()) const;
  Tensor to(DType dtype, SourceLoc loc = SourceLoc::here()) const;

  // ---- views
  Tensor operator[](At position) const;
  Tensor index(std::initializer_list<Index> indices, SourceLoc loc = SourceLoc::here()) const;
  Tensor view(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  Tensor reshape(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  Tensor view_as(const Tensor& other, SourceLoc loc = SourceLoc::here()) const { return view(other.shape(), loc); }
  Tensor reshape_as(const Tensor& other, SourceLoc loc = SourceLoc::here()) const {
    return reshape(other.shape(), loc);
  }
  Tensor expand(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  Tensor expand_as(const Tensor& other, SourceLoc loc = SourceLoc::here()) const { return expand(other.shape(), loc); }
  Tensor permute(const Shape& dims, SourceLoc loc = SourceLoc::here()) const;
  Tensor transpose(std::int64_t dim0, std::int64_t dim1, SourceLoc loc = SourceLoc::here()) const;
  Tensor movedim(const Shape& from, const Shape& to, SourceLoc loc = SourceLoc::here()) const;
  Tensor t(SourceLoc loc = SourceLoc::here()) const;
  Tensor squeeze(SourceLoc loc = SourceLoc::here()) const;
  Tensor squeeze(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  Tensor unsqueeze(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  Tensor flatten(std::int64_t start_dim = 0, std::int64_t end_dim = -1, SourceLoc loc = SourceLoc::here()) const;
  Tensor unflatten(std::int64_t dim, const Shape& sizes, SourceLoc loc = SourceLoc::here()) const;
  Tensor narrow(std::int64_t dim, std::int64_t start, std::int64_t length, SourceLoc loc = SourceLoc::here()) const;
  Tensor slice(std::int64_t dim, std::optional<std::int64_t> start = {}, std::optional<std::int64_t> stop = {},
               std::int64_t step = 1, SourceLoc loc = SourceLoc::here()) const;
  Tensor select(std::int64_t dim, std::int64_t index, SourceLoc loc = SourceLoc::here()) const;
  std::vector<Tensor> split(std::int64_t size, std::int64_t dim = 0, SourceLoc loc = SourceLoc::here()) const;
  std::vector<Tensor> split(const std::vector<std::int64_t>& sizes, std::int64_t dim = 0,
                            SourceLoc loc = SourceLoc::here()) const;
  std::vector<Tensor> chunk(std::int64_t count, std::int64_t dim = 0, SourceLoc loc = SourceLoc::here()) const;
  std::vector<Tensor> unbind(std::int64_t dim = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor diagonal(std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1,
                  SourceLoc loc = SourceLoc::here()) const;
  Tensor unfold(std::int64_t dim, std::int64_t size, std::int64_t step, SourceLoc loc = SourceLoc::here()) const;

  // ---- rearranged copies
  Tensor flip(const Shape& dims, SourceLoc loc = SourceLoc::here()) const;
  Tensor roll(const Shape& shifts, const Shape& dims = {}, SourceLoc loc = SourceLoc::here()) const;
  Tensor tril(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor triu(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor diag(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor repeat(const Shape& repeats, SourceLoc loc = SourceLoc::here()) const;

  // ---- arithmetic (see also the operators below)
  Tensor add(const Operand& other, Scalar alpha = 1) const;
  Tensor sub(const Operand& other, Scalar alpha = 1) const;
  Tensor mul(const Operand& other) const;
  Tensor div(const Operand& other) const;
  Tensor pow(const Operand& exponent) const;
  Tensor matmul(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor mm(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor dot(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;

#define SLOPE_UNARY_METHOD(name) Tensor name(SourceLoc loc = SourceLoc::here()) const;
  // clang-format off
  SLOPE_UNARY_METHOD(neg) SLOPE_UNARY_METHOD(abs) SLOPE_UNARY_METHOD(sign) SLOPE_UNARY_METHOD(exp)
  SLOPE_UNARY_METHOD(log) SLOPE_UNARY_METHOD(log1p) SLOPE_UNARY_METHOD(expm1) SLOPE_UNARY_METHOD(sqrt)
  SLOPE_UNARY_METHOD(rsqrt) SLOPE_UNARY_METHOD(square) SLOPE_UNARY_METHOD(reciprocal) SLOPE_UNARY_METHOD(sin)
  SLOPE_UNARY_METHOD(cos) SLOPE_UNARY_METHOD(tanh) SLOPE_UNARY_METHOD(sigmoid) SLOPE_UNARY_METHOD(relu)
  SLOPE_UNARY_METHOD(erf) SLOPE_UNARY_METHOD(floor) SLOPE_UNARY_METHOD(ceil) SLOPE_UNARY_METHOD(round)
  SLOPE_UNARY_METHOD(trunc) SLOPE_UNARY_METHOD(isnan) SLOPE_UNARY_METHOD(isinf) SLOPE_UNARY_METHOD(isfinite)
  SLOPE_UNARY_METHOD(logical_not)
  // clang-format on
#undef SLOPE_UNARY_METHOD
  Tensor clamp(std::optional<Scalar> min, std::optional<Scalar> max = {}, SourceLoc loc = SourceLoc::here()) const;
  Tensor eq(const Operand& other) const;
  Tensor ne(const Operand& other) const;
  Tensor lt(const Operand& other) const;
  Tensor le(const Operand& other) const;
  Tensor gt(const Operand& other) const;
  Tensor ge(const Operand& other) const;
  Tensor softmax(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  Tensor log_softmax(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;

  // ---- reductions: over `dims`, or over everything
#define SLOPE_REDUCTION_METHOD(name)                                                                 \
  Tensor name(const Dims& dims = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const; \
  template <std::same_as<SourceLoc> L>                                                               \
  Tensor name(L loc) const {                                                                         \
    return name(Dims(), false, loc);                                                                 \
  }
  // clang-format off
  SLOPE_REDUCTION_METHOD(sum) SLOPE_REDUCTION_METHOD(mean) SLOPE_REDUCTION_METHOD(prod) SLOPE_REDUCTION_METHOD(amax)
  SLOPE_REDUCTION_METHOD(amin) SLOPE_REDUCTION_METHOD(any) SLOPE_REDUCTION_METHOD(all)
  SLOPE_REDUCTION_METHOD(logsumexp) SLOPE_REDUCTION_METHOD(count_nonzero)
  // clang-format on
#undef SLOPE_REDUCTION_METHOD
  Tensor max(SourceLoc loc = SourceLoc::here()) const;
  std::pair<Tensor, Tensor> max(std::int64_t dim, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor min(SourceLoc loc = SourceLoc::here()) const;
  std::pair<Tensor, Tensor> min(std::int64_t dim, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor median(SourceLoc loc = SourceLoc::here()) const;
  std::pair<Tensor, Tensor> median(std::int64_t dim, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor argmax(std::optional<std::int64_t> dim = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor argmin(std::optional<std::int64_t> dim = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  /// Divided by n - correction; `false` (0) gives the biased estimate.
  Tensor var(const Dims& dims = {}, double correction = 1, bool keepdim = false,
             SourceLoc loc = SourceLoc::here()) const;
  Tensor std(const Dims& dims = {}, double correction = 1, bool keepdim = false,
             SourceLoc loc = SourceLoc::here()) const;
  Tensor norm(double p = 2, const Dims& dims = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor cumsum(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  Tensor cumprod(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  /// Values and where they come from, in ascending order along `dim`.
  std::pair<Tensor, Tensor> sort(std::int64_t dim = -1, bool descending = false,
                                 SourceLoc loc = SourceLoc::here()) const;
  Tensor argsort(std::int64_t dim = -1, bool descending = false, SourceLoc loc = SourceLoc::here()) const;
  std::pair<Tensor, Tensor> topk(std::int64_t k, std::int64_t dim = -1, bool largest = true, bool sorted = true,
                                 SourceLoc loc = SourceLoc::here()) const;

  // ---- indexing
  Tensor index_select(std::int64_t dim, const Tensor& index, SourceLoc loc = SourceLoc::here()) const;
  Tensor gather(std::int64_t dim, const Tensor& index, SourceLoc loc = SourceLoc::here()) const;
  Tensor masked_fill(const Tensor& mask, const Operand& value) const;
  Tensor masked_select(const Tensor& mask, SourceLoc loc = SourceLoc::here()) const;
  Tensor masked_scatter(const Tensor& mask, const Tensor& source, SourceLoc loc = SourceLoc::here()) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, const Operand& src) const;
  Tensor scatter_add(std::int64_t dim, const Tensor& index, const Tensor& src, SourceLoc loc = SourceLoc::here()) const;
  Tensor index_add(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1,
                   SourceLoc loc = SourceLoc::here()) const;
  Tensor index_copy(std::int64_t dim, const Tensor& index, const Tensor& source,
                    SourceLoc loc = SourceLoc::here()) const;
  Tensor index_fill(std::int64_t dim, const Tensor& index, Scalar value, SourceLoc loc = SourceLoc::here()) const;
  Tensor index_put(std::initializer_list<Index> indices, const Operand& value, bool accumulate = false) const;
  Tensor take(const Tensor& index, SourceLoc loc = SourceLoc::here()) const;
  Tensor take_along_dim(const Tensor& index, std::optional<std::int64_t> dim = {},
                        SourceLoc loc = SourceLoc::here()) const;
  Tensor nonzero(SourceLoc loc = SourceLoc::here()) const;

  // ---- in place: change the storage, bump its version, keep the graph right (also through views)
  const Tensor& add_(const Operand& other, Scalar alpha = 1) const;
  const Tensor& sub_(const Operand& other, Scalar alpha = 1) const;
  const Tensor& mul_(const Operand& other) const;
  const Tensor& div_(const Operand& other) const;
  const Tensor& pow_(const Operand& exponent) const;
  const Tensor& remainder_(const Operand& other) const;
  const Tensor& lerp_(const Tensor& end, const Operand& weight) const;
  const Tensor& copy_(const Tensor& source, SourceLoc loc = SourceLoc::here()) const;
  const Tensor& fill_(Scalar value, SourceLoc loc = SourceLoc::here()) const;
  const Tensor& zero_(SourceLoc loc = SourceLoc::here()) const;
#define SLOPE_UNARY_METHOD(name) const Tensor& name(SourceLoc loc = SourceLoc::here()) const;
  // clang-format off
  SLOPE_UNARY_METHOD(neg_)
  SLOPE_UNARY_METHOD(abs_)
  SLOPE_UNARY_METHOD(exp_)
  SLOPE_UNARY_METHOD(log_)
  SLOPE_UNARY_METHOD(sqrt_)
  SLOPE_UNARY_METHOD(square_)
  SLOPE_UNARY_METHOD(reciprocal_)
  SLOPE_UNARY_METHOD(tanh_)
  SLOPE_UNARY_METHOD(sigmoid_)
  SLOPE_UNARY_METHOD(relu_) SLOPE_UNARY_METHOD(floor_) SLOPE_UNARY_METHOD(ceil_) SLOPE_UNARY_METHOD(round_)
      SLOPE_UNARY_METHOD(trunc_) SLOPE_UNARY_METHOD(sign_) SLOPE_UNARY_METHOD(rsqrt_) SLOPE_UNARY_METHOD(log1p_)
          SLOPE_UNARY_METHOD(expm1_) SLOPE_UNARY_METHOD(sin_) SLOPE_UNARY_METHOD(cos_)
  // clang-format on
#undef SLOPE_UNARY_METHOD
  const Tensor& clamp_(std::optional<Scalar> min, std::optional<Scalar> max = {},
                       SourceLoc loc = SourceLoc::here()) const;
  const Tensor& masked_fill_(const Tensor& mask, const Operand& value) const;
  const Tensor& masked_scatter_(const Tensor& mask, const Tensor& source, SourceLoc loc = SourceLoc::here()) const;
  const Tensor& scatter_(std::int64_t dim, const Tensor& index, const Operand& src) const;
  const Tensor& scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& src,
                             SourceLoc loc = SourceLoc::here()) const;
  const Tensor& index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1,
                           SourceLoc loc = SourceLoc::here()) const;
  const Tensor& index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source,
                            SourceLoc loc = SourceLoc::here()) const;
  const Tensor& index_fill_(std::int64_t dim, const Tensor& index, Scalar value,
                            SourceLoc loc = SourceLoc::here()) const;
  const Tensor& index_put_(std::initializer_list<Index> indices, const Operand& value, bool accumulate = false) const;
  // Draws; element i in row-major order is the i-th number, whatever the layout. Gradients end here. Throw DTypeError
  // unless floating (bernoulli_ takes any dtype), ValueError for parameters outside their domain.
  const Tensor& uniform_(double lo = 0, double hi = 1, Generator& gen = default_generator(),
                         SourceLoc loc = SourceLoc::here()) const;
  const Tensor& normal_(double mean = 0, double std = 1, Generator& gen = default_generator(),
                        SourceLoc loc = SourceLoc::here()) const;
  const Tensor& bernoulli_(double p = 0.5, Generator& gen = default_generator(),
                           SourceLoc loc = SourceLoc::here()) const;
  const Tensor& exponential_(double rate = 1, Generator& gen = default_generator(),
                             SourceLoc loc = SourceLoc::here()) const;

  // ---- for the library
  TensorImpl& impl() const {
    if (!impl_) undefined();
    return *impl_;
  }
  const Ref<TensorImpl>& ref() const { return impl_; }
  Ref<TensorImpl>& ref() { return impl_; }
  /// True when this handle is the only way to reach the data.
  bool sole_owner() const { return impl_->refs.unique() && impl_->storage->refs.unique(); }

 private:
  static Ref<TensorImpl> from_scalar(Scalar value);
  friend class In;
  [[noreturn]] static void undefined(SourceLoc loc = {});
  void* checked_data(DType expected, SourceLoc loc) const;

  Ref<TensorImpl> impl_;
};

/// A tensor argument together with the line of the call; converts from Tensor, so users never write it.
class In {
 public:
  In(const Tensor& t, SourceLoc at = SourceLoc::here()) : tensor(t), loc(at) {}
  operator const Tensor&() const { return tensor; }
  const Tensor* operator->() const {
    if (!tensor.defined()) [[unlikely]]
      Tensor::undefined(loc);
    return &tensor;
  }
  const Tensor& tensor;
  SourceLoc loc;
};

/// A tensor or a number, together with the line of the call. Numbers take part in promotion by category only.
class Operand {
 public:
  Operand(const Tensor& t, SourceLoc at = SourceLoc::here()) : tensor(&t), scalar(0), loc(at) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T value, SourceLoc at = SourceLoc::here()) : scalar(value), loc(at) {}
  Operand(Scalar value, SourceLoc at = SourceLoc::here()) : scalar(value), loc(at) {}
  Operand(const In& in) : tensor(&in.tensor), scalar(0), loc(in.loc) {}
  const Tensor* tensor = nullptr;
  Scalar scalar;
  SourceLoc loc;
};

// ---- operators
Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
/// Python's modulo: the result has the divisor's sign.
Tensor operator%(const Operand& a, const Operand& b);
Tensor operator-(const In& a);
Tensor operator<(const Operand& a, const Operand& b);
Tensor operator<=(const Operand& a, const Operand& b);
Tensor operator>(const Operand& a, const Operand& b);
Tensor operator>=(const Operand& a, const Operand& b);
Tensor operator==(const Operand& a, const Operand& b);
Tensor operator!=(const Operand& a, const Operand& b);
/// Logical on bool, bitwise on int64.
Tensor operator&(const Operand& a, const Operand& b);
Tensor operator|(const Operand& a, const Operand& b);
Tensor operator^(const Operand& a, const Operand& b);
/// Logical not of a bool tensor (bitwise not of int64).
Tensor operator!(const In& a);
inline const Tensor& operator+=(const Tensor& a, const Operand& b) { return a.add_(b); }
inline const Tensor& operator-=(const Tensor& a, const Operand& b) { return a.sub_(b); }
inline const Tensor& operator*=(const Tensor& a, const Operand& b) { return a.mul_(b); }
inline const Tensor& operator/=(const Tensor& a, const Operand& b) { return a.div_(b); }
inline const Tensor& operator%=(const Tensor& a, const Operand& b) { return a.remainder_(b); }

/// Prints as PyTorch does: `tensor([[1., 2.]])`.
std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace slope
