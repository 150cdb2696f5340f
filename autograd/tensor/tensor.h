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
class TensorAlias;
struct HookHandle;
struct UniqueResult;
Generator& default_generator();

namespace detail {
/// Number types a range may hold: all but characters, so that text is not taken for numbers.
template <class T>
concept Number =
    std::is_arithmetic_v<T> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
    !std::same_as<T, char16_t> && !std::same_as<T, char32_t> && !std::same_as<T, long double>;
/// Whole numbers that may stand for a size.
template <class T>
concept SizeNumber = Number<T> && std::is_integral_v<T> && !std::same_as<T, bool>;
template <class... I>
Shape sizes(I... values) {
  return Shape{static_cast<std::int64_t>(values)...};
}
}  // namespace detail

/// Factors of addmm and its kin: beta·c + alpha·a·b.
struct AddProductOptions {
  /// Multiplies the tensor that is added; 0 ignores its values, also NaN.
  Scalar beta = 1;
  /// Multiplies the product.
  Scalar alpha = 1;
};

/// A handle to an n-dimensional array (0 to 8 dimensions) of float32, float64, int64 or bool that can record how it was
/// computed. Copying the handle shares the data; `clone()` copies it. Being a handle, a const Tensor can be written through,
/// as a const pointer can. Methods are PyTorch's; each op also exists as a free function (`slope/autograd/ops/ops.h`), where
/// its formula, shapes and errors are documented. Compilers warn where the result of an operation is not used; methods that
/// change the tensor, whose names end in `_`, may be called for that alone.
///
///     Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
///     Tensor y = (x * x).sum();
///     y.backward();                 // x.grad() is tensor([2., 4.])
class [[nodiscard]] Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  /// A 0-d constant; lets a formula written for numbers be read for tensors.
  template <class T>
    requires std::is_arithmetic_v<T>
  explicit Tensor(T value) : Tensor(from_scalar(Scalar(value))) {}

  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  // A handle that nobody keeps is not assigned to: that would change nothing.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  void operator=(const Tensor&) && = delete;  // to write into x[0], call x[0].copy_(y)
  template <class T>
    requires std::is_arithmetic_v<T>
  void operator=(T) && = delete;  // to write into x[0], call x[0].fill_(value)

  // ---- what it is
  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape(SourceLoc loc = SourceLoc::here()) const& { return impl(loc).sizes; }
  Shape shape(SourceLoc loc = SourceLoc::here()) const&& { return impl(loc).sizes; }
  const Shape& strides(SourceLoc loc = SourceLoc::here()) const& { return impl(loc).strides; }
  Shape strides(SourceLoc loc = SourceLoc::here()) const&& { return impl(loc).strides; }
  std::int64_t size(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  std::int64_t stride(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  int dim(SourceLoc loc = SourceLoc::here()) const { return impl(loc).sizes.size(); }
  int ndim(SourceLoc loc = SourceLoc::here()) const { return impl(loc).sizes.size(); }
  std::int64_t numel(SourceLoc loc = SourceLoc::here()) const { return impl(loc).numel; }
  DType dtype(SourceLoc loc = SourceLoc::here()) const { return impl(loc).dtype; }
  bool is_floating_point(SourceLoc loc = SourceLoc::here()) const { return is_floating(impl(loc).dtype); }
  std::int64_t storage_offset(SourceLoc loc = SourceLoc::here()) const { return impl(loc).offset(); }
  bool is_contiguous(SourceLoc loc = SourceLoc::here()) const { return impl(loc).contiguous; }
  /// True when both handles name the same tensor (not merely equal values).
  bool is(const Tensor& other) const { return impl_ == other.impl_; }
  /// True when both share one storage.
  bool shares_storage(const Tensor& other, SourceLoc loc = SourceLoc::here()) const {
    return impl(loc).storage == other.impl(loc).storage;
  }
  /// Number of in-place changes of the storage so far.
  std::uint32_t version(SourceLoc loc = SourceLoc::here()) const { return impl(loc).storage->current_version(); }

  // ---- values out
  /// The single element, converted to T; throws ValueError for any other number of elements, and where an integer T
  /// cannot hold the value.
  template <class T = double>
  [[nodiscard]] T item(SourceLoc loc = SourceLoc::here()) const {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      // Without <limits>, 1,500 lines that nothing else here includes.
      constexpr auto most = static_cast<T>(static_cast<std::make_unsigned_t<T>>(-1) >> (std::is_signed_v<T> ? 1 : 0));
      constexpr auto least = static_cast<T>(std::is_signed_v<T> ? -most - 1 : 0);
      return static_cast<T>(item_integer(least, most, loc));
    } else {
      return item_scalar(loc).to<T>();
    }
  }
  Scalar item_scalar(SourceLoc loc = SourceLoc::here()) const;
  /// Elements in row-major order, converted to T, whatever the strides.
  template <class T>
  [[nodiscard]] std::vector<T> to_vector(SourceLoc loc = SourceLoc::here()) const;
  /// The first element's address; throws DTypeError if T is not the element type. Writing through it bypasses version
  /// counters. Elements are dense only if `is_contiguous()`.
  template <class T>
  T* data_ptr(SourceLoc loc = SourceLoc::here()) const {
    return static_cast<T*>(checked_data(dtype_of<std::remove_const_t<T>>(), loc));
  }
  void* raw_data(SourceLoc loc = SourceLoc::here()) const { return impl(loc).data; }
  /// The printed form of `operator<<`.
  std::string to_string(SourceLoc loc = SourceLoc::here()) const;

  // ---- graph
  bool requires_grad(SourceLoc loc = SourceLoc::here()) const {
    TensorImpl& t = impl(loc);
    if (detail::view_is_stale(t)) [[unlikely]]
      detail::refresh_view(t);
    return t.leaf_requires_grad || t.producer;
  }
  /// Marks a leaf as wanting a gradient. Throws AutogradError for non-floating dtypes and for `false` on a non-leaf.
  TensorAlias requires_grad_(bool on = true, SourceLoc loc = SourceLoc::here()) const;
  bool is_leaf(SourceLoc loc = SourceLoc::here()) const;
  /// The accumulated gradient, undefined before any backward reached this tensor.
  Tensor grad(SourceLoc loc = SourceLoc::here()) const;
  void set_grad(const Tensor& g, SourceLoc loc = SourceLoc::here()) const;
  /// Drops the gradient (or zeroes it in place).
  void zero_grad(bool set_to_none = true, SourceLoc loc = SourceLoc::here()) const;
  /// Non-leaves keep their gradient only after this.
  TensorAlias retain_grad(SourceLoc loc = SourceLoc::here()) const;
  /// Name of the operation that made it, "MulBackward", or "" for leaves.
  std::string grad_fn(SourceLoc loc = SourceLoc::here()) const;
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
  Tensor detach(SourceLoc loc = SourceLoc::here()) const;

  // ---- copies and conversions
  Tensor clone(SourceLoc loc = SourceLoc::here()) const;
  Tensor contiguous(SourceLoc loc = SourceLoc::here()) const;
  Tensor to(DType dtype, SourceLoc loc = SourceLoc::here()) const;

  // ---- views
  [[nodiscard]] TensorAlias operator[](At position) const;
  [[nodiscard]] TensorAlias index(std::initializer_list<Index> indices, SourceLoc loc = SourceLoc::here()) const;
  Tensor view(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  Tensor reshape(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  // The same without braces, for up to four numbers: x.view(-1), x.expand(3, 4), x.permute(1, 0).
#define SLOPE_SIZES(name)                                                                           \
  template <detail::SizeNumber A>                                                                   \
  Tensor name(A a, SourceLoc loc = SourceLoc::here()) const {                                       \
    return name(detail::sizes(a), loc);                                                             \
  }                                                                                                 \
  template <detail::SizeNumber A, detail::SizeNumber B>                                             \
  Tensor name(A a, B b, SourceLoc loc = SourceLoc::here()) const {                                  \
    return name(detail::sizes(a, b), loc);                                                          \
  }                                                                                                 \
  template <detail::SizeNumber A, detail::SizeNumber B, detail::SizeNumber C>                       \
  Tensor name(A a, B b, C c, SourceLoc loc = SourceLoc::here()) const {                             \
    return name(detail::sizes(a, b, c), loc);                                                       \
  }                                                                                                 \
  template <detail::SizeNumber A, detail::SizeNumber B, detail::SizeNumber C, detail::SizeNumber D> \
  Tensor name(A a, B b, C c, D d, SourceLoc loc = SourceLoc::here()) const {                        \
    return name(detail::sizes(a, b, c, d), loc);                                                    \
  }
  SLOPE_SIZES(view)
  SLOPE_SIZES(reshape)
  SLOPE_SIZES(expand)
  SLOPE_SIZES(permute)
  SLOPE_SIZES(flip)
  SLOPE_SIZES(repeat)
  SLOPE_SIZES(tile)
#undef SLOPE_SIZES
  Tensor view_as(const Tensor& other, SourceLoc loc = SourceLoc::here()) const { return view(other.shape(loc), loc); }
  Tensor reshape_as(const Tensor& other, SourceLoc loc = SourceLoc::here()) const {
    return reshape(other.shape(loc), loc);
  }
  Tensor expand(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  Tensor expand_as(const Tensor& other, SourceLoc loc = SourceLoc::here()) const {
    return expand(other.shape(loc), loc);
  }
  Tensor broadcast_to(const Shape& shape, SourceLoc loc = SourceLoc::here()) const;
  Tensor as_strided(const Shape& sizes, const Shape& strides, std::int64_t storage_offset,
                    SourceLoc loc = SourceLoc::here()) const;
  Tensor permute(const Shape& dims, SourceLoc loc = SourceLoc::here()) const;
  Tensor transpose(std::int64_t dim0, std::int64_t dim1, SourceLoc loc = SourceLoc::here()) const;
  Tensor swapaxes(std::int64_t dim0, std::int64_t dim1, SourceLoc loc = SourceLoc::here()) const;
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
  [[nodiscard]] std::vector<Tensor> split(std::int64_t size, std::int64_t dim = 0,
                                          SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::vector<Tensor> split(const std::vector<std::int64_t>& sizes, std::int64_t dim = 0,
                                          SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::vector<Tensor> chunk(std::int64_t count, std::int64_t dim = 0,
                                          SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::vector<Tensor> unbind(std::int64_t dim = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor diagonal(std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1,
                  SourceLoc loc = SourceLoc::here()) const;
  Tensor unfold(std::int64_t dim, std::int64_t size, std::int64_t step, SourceLoc loc = SourceLoc::here()) const;

  // ---- rearranged copies
  Tensor flip(const Shape& dims, SourceLoc loc = SourceLoc::here()) const;
  Tensor roll(const Shape& shifts, const Shape& dims = {}, SourceLoc loc = SourceLoc::here()) const;
  Tensor tril(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor triu(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor diag(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor diag_embed(std::int64_t diagonal = 0, SourceLoc loc = SourceLoc::here()) const;
  Tensor repeat(const Shape& repeats, SourceLoc loc = SourceLoc::here()) const;
  Tensor tile(const Shape& repeats, SourceLoc loc = SourceLoc::here()) const;
  Tensor repeat_interleave(std::int64_t repeats, SourceLoc loc = SourceLoc::here()) const;
  Tensor repeat_interleave(std::int64_t repeats, std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;

  // ---- arithmetic (see also the operators below)
  Tensor add(const Operand& other, Scalar alpha = 1) const;
  Tensor sub(const Operand& other, Scalar alpha = 1) const;
  Tensor mul(const Operand& other) const;
  Tensor div(const Operand& other) const;
  Tensor pow(const Operand& exponent) const;
  Tensor floor_divide(const Operand& other) const;
  Tensor remainder(const Operand& other) const;
  Tensor fmod(const Operand& other) const;
  Tensor maximum(const Operand& other) const;
  Tensor minimum(const Operand& other) const;
  Tensor atan2(const Operand& other) const;
  Tensor xlogy(const Operand& other) const;
  Tensor copysign(const Operand& other) const;
  Tensor lerp(const Tensor& end, const Operand& weight) const;
  Tensor matmul(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor mm(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor bmm(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor mv(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  Tensor dot(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor vdot(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor outer(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor kron(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor trace(SourceLoc loc = SourceLoc::here()) const;
  Tensor addmm(const Tensor& a, const Tensor& b, const AddProductOptions& options = {},
               SourceLoc loc = SourceLoc::here()) const;
  Tensor addmv(const Tensor& a, const Tensor& x, const AddProductOptions& options = {},
               SourceLoc loc = SourceLoc::here()) const;
  Tensor baddbmm(const Tensor& a, const Tensor& b, const AddProductOptions& options = {},
                 SourceLoc loc = SourceLoc::here()) const;

#define SLOPE_UNARY(name, ...) Tensor name(SourceLoc loc = SourceLoc::here()) const;
#include "slope/autograd/tensor/tensor-unary.h"
  Tensor hardshrink(double lambda = 0.5, SourceLoc loc = SourceLoc::here()) const;
  Tensor prelu(const Tensor& weight, SourceLoc loc = SourceLoc::here()) const;
  Tensor clamp(std::optional<Scalar> min, std::optional<Scalar> max = {}, SourceLoc loc = SourceLoc::here()) const;
  Tensor clamp(const Tensor& min, const Tensor& max, SourceLoc loc = SourceLoc::here()) const;
  Tensor clamp_min(Scalar min, SourceLoc loc = SourceLoc::here()) const;
  Tensor clamp_max(Scalar max, SourceLoc loc = SourceLoc::here()) const;
  Tensor where(const Tensor& condition, const Operand& other) const;
  Tensor eq(const Operand& other) const;
  Tensor ne(const Operand& other) const;
  Tensor lt(const Operand& other) const;
  Tensor le(const Operand& other) const;
  Tensor gt(const Operand& other) const;
  Tensor ge(const Operand& other) const;
  Tensor isnan(SourceLoc loc = SourceLoc::here()) const;
  Tensor isinf(SourceLoc loc = SourceLoc::here()) const;
  Tensor isfinite(SourceLoc loc = SourceLoc::here()) const;
  Tensor isclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false,
                 SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] bool allclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false,
                              SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] bool equal(const Tensor& other, SourceLoc loc = SourceLoc::here()) const;
  Tensor logical_not(SourceLoc loc = SourceLoc::here()) const;
  Tensor logical_and(const Operand& other) const;
  Tensor logical_or(const Operand& other) const;
  Tensor logical_xor(const Operand& other) const;
  Tensor softmax(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  Tensor log_softmax(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;

  // ---- reductions: over `dims`, or over everything
#define SLOPE_REDUCTION_METHOD(name)                                                                 \
  Tensor name(const Dims& dims = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const; \
  template <std::same_as<SourceLoc> L>                                                               \
  Tensor name(L loc) const {                                                                         \
    return name(Dims(), false, loc);                                                                 \
  }
  SLOPE_REDUCTION_METHOD(sum)
  SLOPE_REDUCTION_METHOD(nansum)
  SLOPE_REDUCTION_METHOD(mean)
  SLOPE_REDUCTION_METHOD(prod)
  SLOPE_REDUCTION_METHOD(amax)
  SLOPE_REDUCTION_METHOD(amin)
  SLOPE_REDUCTION_METHOD(any)
  SLOPE_REDUCTION_METHOD(all)
  SLOPE_REDUCTION_METHOD(logsumexp)
  SLOPE_REDUCTION_METHOD(count_nonzero)
#undef SLOPE_REDUCTION_METHOD
  Tensor max(SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> max(std::int64_t dim, bool keepdim = false,
                                              SourceLoc loc = SourceLoc::here()) const;
  Tensor min(SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> min(std::int64_t dim, bool keepdim = false,
                                              SourceLoc loc = SourceLoc::here()) const;
  Tensor median(SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> median(std::int64_t dim, bool keepdim = false,
                                                 SourceLoc loc = SourceLoc::here()) const;
  Tensor argmax(std::optional<std::int64_t> dim = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor argmin(std::optional<std::int64_t> dim = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  /// Divided by n - correction; `false` (0) gives the biased estimate.
  Tensor var(const Dims& dims = {}, double correction = 1, bool keepdim = false,
             SourceLoc loc = SourceLoc::here()) const;
  Tensor std(const Dims& dims = {}, double correction = 1, bool keepdim = false,
             SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> var_mean(const Dims& dims = {}, double correction = 1, bool keepdim = false,
                                                   SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> std_mean(const Dims& dims = {}, double correction = 1, bool keepdim = false,
                                                   SourceLoc loc = SourceLoc::here()) const;
  Tensor norm(double p = 2, const Dims& dims = {}, bool keepdim = false, SourceLoc loc = SourceLoc::here()) const;
  Tensor cumsum(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  Tensor cumprod(std::int64_t dim, SourceLoc loc = SourceLoc::here()) const;
  /// Values and where they come from, in ascending order along `dim`.
  [[nodiscard]] std::pair<Tensor, Tensor> sort(std::int64_t dim = -1, bool descending = false,
                                               SourceLoc loc = SourceLoc::here()) const;
  Tensor argsort(std::int64_t dim = -1, bool descending = false, SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> topk(std::int64_t k, std::int64_t dim = -1, bool largest = true,
                                               bool sorted = true, SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> kthvalue(std::int64_t k, std::int64_t dim = -1, bool keepdim = false,
                                                   SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::pair<Tensor, Tensor> mode(std::int64_t dim = -1, bool keepdim = false,
                                               SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] UniqueResult unique(SourceLoc loc = SourceLoc::here()) const;

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
  TensorAlias add_(const Operand& other, Scalar alpha = 1) const;
  TensorAlias sub_(const Operand& other, Scalar alpha = 1) const;
  TensorAlias mul_(const Operand& other) const;
  TensorAlias div_(const Operand& other) const;
  TensorAlias pow_(const Operand& exponent) const;
  TensorAlias floor_divide_(const Operand& other) const;
  TensorAlias remainder_(const Operand& other) const;
  TensorAlias fmod_(const Operand& other) const;
  TensorAlias lerp_(const Tensor& end, const Operand& weight) const;
  TensorAlias copy_(const Tensor& source, SourceLoc loc = SourceLoc::here()) const;
  TensorAlias fill_(Scalar value, SourceLoc loc = SourceLoc::here()) const;
  TensorAlias zero_(SourceLoc loc = SourceLoc::here()) const;
#define SLOPE_UNARY(name, ...) TensorAlias name##_(SourceLoc loc = SourceLoc::here()) const;
#include "slope/autograd/tensor/tensor-unary.h"
  TensorAlias clamp_(std::optional<Scalar> min, std::optional<Scalar> max = {},
                     SourceLoc loc = SourceLoc::here()) const;
  TensorAlias clamp_min_(Scalar min, SourceLoc loc = SourceLoc::here()) const;
  TensorAlias clamp_max_(Scalar max, SourceLoc loc = SourceLoc::here()) const;
  TensorAlias masked_fill_(const Tensor& mask, const Operand& value) const;
  TensorAlias masked_scatter_(const Tensor& mask, const Tensor& source, SourceLoc loc = SourceLoc::here()) const;
  TensorAlias scatter_(std::int64_t dim, const Tensor& index, const Operand& src) const;
  TensorAlias scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& src,
                           SourceLoc loc = SourceLoc::here()) const;
  TensorAlias index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1,
                         SourceLoc loc = SourceLoc::here()) const;
  TensorAlias index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source,
                          SourceLoc loc = SourceLoc::here()) const;
  TensorAlias index_fill_(std::int64_t dim, const Tensor& index, Scalar value, SourceLoc loc = SourceLoc::here()) const;
  TensorAlias index_put_(std::initializer_list<Index> indices, const Operand& value, bool accumulate = false) const;
  // Draws; element i in row-major order is the i-th number, whatever the layout. Gradients end here. Throw DTypeError
  // unless floating (bernoulli_ takes any dtype), ValueError for parameters outside their domain.
  TensorAlias uniform_(double lo = 0, double hi = 1, Generator& gen = default_generator(),
                       SourceLoc loc = SourceLoc::here()) const;
  TensorAlias normal_(double mean = 0, double std = 1, Generator& gen = default_generator(),
                      SourceLoc loc = SourceLoc::here()) const;
  TensorAlias bernoulli_(double p = 0.5, Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here()) const;
  TensorAlias exponential_(double rate = 1, Generator& gen = default_generator(),
                           SourceLoc loc = SourceLoc::here()) const;

  // ---- for the library
  TensorImpl& impl(SourceLoc loc = SourceLoc::here()) const {
    if (!impl_) [[unlikely]]
      undefined(loc);
    return *impl_;
  }
  const Ref<TensorImpl>& ref() const { return impl_; }
  Ref<TensorImpl>& ref() { return impl_; }
  /// True when this handle is the only way to reach the data.
  bool sole_owner() const { return impl_->refs.unique() && impl_->storage->refs.unique(); }

 private:
  static Ref<TensorImpl> from_scalar(Scalar value);
  friend class In;
  [[noreturn, gnu::cold]] static void undefined(SourceLoc loc);
  void* checked_data(DType expected, SourceLoc loc) const;
  std::int64_t item_integer(std::int64_t lowest, std::uint64_t highest, SourceLoc loc) const;

  Ref<TensorImpl> impl_;
};

/// Another handle to memory that somebody holds already: what methods in place, `x[i]` and `x.index(...)` return. It may be
/// dropped, and, unlike other temporaries, changed by `+=` and its like. Otherwise a Tensor.
///
///     x[0] += 1.0;
///     const Tensor& y = relu(x).add_(1.0);     // lives as long as y
class TensorAlias : public Tensor {
 public:
  TensorAlias(const Tensor& t) : Tensor(t) {}
  TensorAlias(const TensorAlias&) = default;
  TensorAlias(TensorAlias&&) noexcept = default;
  using Tensor::operator=;
  TensorAlias& operator=(const TensorAlias&) & = default;
  TensorAlias& operator=(TensorAlias&&) & noexcept = default;
  void operator=(const TensorAlias&) && = delete;  // to write into x[0], call x[0].copy_(y)
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
  /// The tensor.
  const Tensor& tensor;
  /// The line of the call.
  SourceLoc loc;
};

/// A tensor or a number, together with the line of the call. Numbers take part in promotion by category only.
class Operand {
 public:
  Operand(const Tensor& t, SourceLoc at = SourceLoc::here()) : tensor(&t), scalar(0), loc(at) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T value, SourceLoc at = SourceLoc::here()) : scalar(value, at), loc(at) {}
  Operand(Scalar value, SourceLoc at = SourceLoc::here()) : scalar(value), loc(at) {}
  Operand(const In& in) : tensor(&in.tensor), scalar(0), loc(in.loc) {}
  /// The tensor; null when it is a number.
  const Tensor* tensor = nullptr;
  /// The number, when there is no tensor.
  Scalar scalar;
  /// The line of the call.
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
// In place. A temporary is refused unless it is a part of a tensor, as x[0] is: nobody would see the change.
inline const Tensor& operator+=(const Tensor& a, const Operand& b) { return a.add_(b), a; }
inline const Tensor& operator-=(const Tensor& a, const Operand& b) { return a.sub_(b), a; }
inline const Tensor& operator*=(const Tensor& a, const Operand& b) { return a.mul_(b), a; }
inline const Tensor& operator/=(const Tensor& a, const Operand& b) { return a.div_(b), a; }
inline const Tensor& operator%=(const Tensor& a, const Operand& b) { return a.remainder_(b), a; }
inline TensorAlias operator+=(TensorAlias&& a, const Operand& b) { return a.add_(b); }
inline TensorAlias operator-=(TensorAlias&& a, const Operand& b) { return a.sub_(b); }
inline TensorAlias operator*=(TensorAlias&& a, const Operand& b) { return a.mul_(b); }
inline TensorAlias operator/=(TensorAlias&& a, const Operand& b) { return a.div_(b); }
inline TensorAlias operator%=(TensorAlias&& a, const Operand& b) { return a.remainder_(b); }
void operator+=(Tensor&& result, const Operand& b) = delete;  // give the result a name first
void operator-=(Tensor&& result, const Operand& b) = delete;  // give the result a name first
void operator*=(Tensor&& result, const Operand& b) = delete;  // give the result a name first
void operator/=(Tensor&& result, const Operand& b) = delete;  // give the result a name first
void operator%=(Tensor&& result, const Operand& b) = delete;  // give the result a name first

/// Prints as PyTorch does: `tensor([[1., 2.]])`.
std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace slope
