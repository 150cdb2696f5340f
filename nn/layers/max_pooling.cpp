// Pooling that picks elements, and its inverse.
#include <memory>

#include "slope/autograd/kernels/window/max_pool.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/internal/pool_common.h"
#include "slope/nn/layers/internal/separable_op.h"

namespace slope::nn {

using std::int64_t;

namespace detail {

void check_fractional(const char* op, const FractionalMaxPoolOptions& o, SourceLoc loc) {
  if (o.output_size.empty() && o.output_ratio.empty())
    throw ValueError(concat(op, ": requires specifying either an output_size or an output_ratio"), loc);
  if (!o.output_size.empty() && !o.output_ratio.empty())
    throw ValueError(concat(op, ": only one of output_size and output_ratio may be specified"), loc);
  for (const double ratio : o.output_ratio.values())
    if (!(ratio > 0 && ratio < 1))
      throw ValueError(concat(op, ": output_ratio must be between 0 and 1 (got ", ratio, ")"), loc);
}

}  // namespace detail

namespace functional {

namespace {

/// Number of planes: the product of all sizes but the last `dims`.
int64_t planes_of(const Shape& shape, int dims) {
  int64_t planes = 1;
  for (int d = 0; d < shape.size() - dims; ++d) planes *= shape[d];
  return planes;
}

// Elements to their places in a plane and from there: each is the other's derivative.
struct PlaneGather;
struct PlaneScatter {
  static constexpr std::string_view name = "MaxUnpool";
  Shape shape;
  int dims = 1;
  bool add = false;
  struct Saved {
    SavedTensor index;
  };

  Tensor forward(Saved& s, const Tensor& x, NoGrad index) {
    s.index = save(index);
    Tensor out = make_empty(shape, x.dtype());
    plane_scatter_kernel(out.impl(), detail::dense(x).impl(), detail::dense(index).impl(), planes_of(shape, dims), add);
    return out;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const;
};
struct PlaneGather {
  static constexpr std::string_view name = "MaxUnpoolBackward";
  Shape shape;
  int dims = 1;
  struct Saved {
    SavedTensor index;
  };

  Tensor forward(Saved& s, const Tensor& x, NoGrad index) {
    s.index = save(index);
    shape = x.shape();
    Tensor out = make_empty(index.shape(), x.dtype());
    plane_gather_kernel(out.impl(), detail::dense(x).impl(), detail::dense(index).impl(), planes_of(shape, dims));
    return out;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    return {apply(slope::detail::current_node->where(), PlaneScatter{shape, dims, true}, g, s.index.get())};
  }
};
Grads<1> PlaneScatter::backward(const Saved& s, const Tensor& g) const {
  return {apply(slope::detail::current_node->where(), PlaneGather{{}, dims}, g, s.index.get())};
}

struct MaxPool {
  static constexpr std::string_view name = "MaxPool";
  std::shared_ptr<const PoolRanges> ranges;
  Shape out_shape;
  int dims = 1;
  bool overlapping = false;
  Shape shape{};
  struct Saved {
    SavedTensor index;
  };

  std::pair<Tensor, NoGrad> forward(Saved& s, const Tensor& x) {
    shape = x.shape();
    Tensor out = make_empty(out_shape, x.dtype()), index = make_empty(out_shape, DType::int64);
    max_pool_kernel(out.impl(), &index.impl(), detail::dense(x).impl(), *ranges);
    s.index = save(index);
    return {out, index};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    if (!g[0].defined()) return {};
    return {apply(slope::detail::current_node->where(), PlaneScatter{shape, dims, overlapping}, g[0], s.index.get())};
  }
};

/// Whether two windows share an element.
bool overlap(const WindowRanges& r) {
  for (std::size_t o = 0; o + 1 < r.begin.size(); ++o) {
    const bool same_plane = !r.per_plane || (static_cast<int64_t>(o) + 1) % r.output != 0;
    if (same_plane && r.count[o] > 0 && r.begin[o + 1] <= r.begin[o] + (r.count[o] - 1) * r.step) return true;
  }
  return false;
}

/// What a call returns: the indices as well, if they are wanted.
enum class Result { values, both };

std::pair<Tensor, Tensor> pool(In x, int dims, PoolRanges ranges, const Shape& out, Result result) {
  bool overlapping = false;
  for (const WindowRanges& r : ranges) overlapping = overlapping || overlap(r);
  if (result == Result::values && !(grad_enabled() && x->requires_grad())) {
    Tensor y = make_empty(out, x->dtype());
    max_pool_kernel(y.impl(), nullptr, detail::dense(x.tensor).impl(), ranges);
    return {y, {}};
  }
  return apply(x.loc, MaxPool{std::make_shared<const PoolRanges>(std::move(ranges)), out, dims, overlapping}, x.tensor);
}

/// What there is without elements.
std::pair<Tensor, Tensor> pool_nothing(In x, const Shape& shape) {
  return {detail::nothing(x, shape), make_empty(shape, DType::int64)};
}

std::pair<Tensor, Tensor> max_pool(const char* op, int dims, In x, const IntArray& kernel_size, const MaxPoolOptions& o,
                                   Result result) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  const Window w = detail::pool_window(op, x, dims,
                                       {.kernel = kernel_size,
                                        .stride = o.stride,
                                        .padding = o.padding,
                                        .dilation = o.dilation,
                                        .ceil_mode = o.ceil_mode});
  const Shape shape = w.output_shape(x->shape());
  if (checked_numel(shape, op, x.loc) == 0) return pool_nothing(x, shape);
  PoolRanges ranges;
  for (auto d = static_cast<std::size_t>(3 - dims); d < 3; ++d) {
    detail::reserve_tables(w.axes[d].output);
    ranges[d] = WindowRanges(w.axes[d]);
  }
  return pool(x, dims, std::move(ranges), shape, result);
}

std::pair<Tensor, Tensor> adaptive_max_pool(const char* op, int dims, In x, const AdaptiveSize& size, Result result) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  const Shape sizes = detail::adaptive_sizes(op, x, dims, size);
  if (checked_numel(sizes, op, x.loc) == 0) return pool_nothing(x, sizes);
  PoolRanges ranges;
  for (int d = 0; d < dims; ++d) {
    WindowRanges& r = ranges[static_cast<std::size_t>(3 - dims + d)];
    r = {};
    r.axis.reset();
    r.begin.clear();
    r.count.clear();
    r.input = x->shape()[x->dim() - dims + d];
    r.output = sizes[sizes.size() - dims + d];
    detail::reserve_tables(r.output);
    for (int64_t o = 0; o < r.output; ++o) {
      const TapRange cell = adaptive_range(o, r.output, r.input);
      r.begin.push_back(cell.begin);
      r.count.push_back(cell.size());
    }
  }
  return pool(x, dims, std::move(ranges), sizes, result);
}

/// Starts of windows drawn by `u`: those of plane p and dimension d from element p·step + d of it.
template <class T>
void draw_starts(WindowRanges& r, const T* u, int64_t planes, int64_t step, int64_t kernel) {
  for (int64_t p = 0; p < planes; ++p) {
    const T sample = u[p * step];
    const T apart = r.output > 1 ? static_cast<T>(r.input - kernel) / static_cast<T>(r.output - 1) : T(0);
    for (int64_t i = 0; i < r.output; ++i) {
      const int64_t start =
          static_cast<int64_t>((static_cast<T>(i) + sample) * apart) - static_cast<int64_t>(sample * apart);
      r.begin.push_back(i + 1 < r.output ? std::min(start, r.input - kernel) : r.input - kernel);
      r.count.push_back(kernel);
    }
  }
}

std::pair<Tensor, Tensor> fractional_max_pool(const char* op, int dims, In x, const IntArray& kernel_size,
                                              const FractionalMaxPoolOptions& o, const Tensor& random_samples,
                                              Result result) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  detail::check_fractional(op, o, x.loc);
  const Shape kernel = kernel_size.expanded(dims, op, "kernel_size", x.loc);
  const int first = x->dim() - dims;
  Shape sizes;
  if (o.output_ratio.empty()) {
    sizes = o.output_size.expanded(dims, op, "output_size", x.loc);
  } else {
    const auto ratios = o.output_ratio.expanded(dims, op, "output_ratio", x.loc);
    for (int d = 0; d < dims; ++d)
      sizes.push_back(
          static_cast<int64_t>(static_cast<double>(x->shape()[first + d]) * ratios[static_cast<std::size_t>(d)]));
  }
  for (int d = 0; d < dims; ++d) {
    if (kernel[d] < 1) throw ValueError(concat(op, ": kernel size should be greater than zero, got ", kernel), x.loc);
    if (sizes[d] < 1) throw ValueError(concat(op, ": output sizes must be at least 1, got ", sizes), x.loc);
    if (kernel[d] > x->shape()[first + d] || sizes[d] - 1 > x->shape()[first + d] - kernel[d])
      throw ShapeError(
          concat(op, ": pool size ", kernel[d], " and output size ", sizes[d], " are too large relative to input size ",
                 x->shape()[first + d], " of dimension ", first + d, " of ", x->shape()),
          x.loc);
  }
  const bool batched = first == 2;
  const int64_t batch = batched ? x->shape()[0] : 1, channels = x->shape()[first - 1];
  const Shape wanted = {batch, channels, dims};
  Tensor samples = random_samples;
  if (samples.defined()) {
    slope::detail::require_floating(op, {samples, x.loc}, "random_samples");
    if (samples.shape() != wanted)
      throw ShapeError(concat(op, ": expected random_samples of shape ", wanted, ", but got ", samples.shape()), x.loc);
    samples = detail::dense(samples.detach().to(x->dtype()));
  }
  Shape shape = x->shape();
  for (int d = 0; d < dims; ++d) shape[first + d] = sizes[d];
  if (checked_numel(shape, op, x.loc) == 0) return pool_nothing(x, shape);
  for (int d = 0; d < dims; ++d) detail::reserve_tables(batch * channels * sizes[d]);
  if (!samples.defined()) {
    samples = rand(wanted, {.dtype = x->dtype()});
  }
  PoolRanges ranges;
  visit_floating(x->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* u = samples.impl().template ptr<T>();
    for (int64_t i = 0; i < samples.numel(); ++i)
      if (!(u[i] >= 0 && u[i] < 1))
        throw ValueError(
            concat(op, ": random_samples must lie in [0, 1), but element ", i, " is ", static_cast<double>(u[i])),
            x.loc);
    for (int d = 0; d < dims; ++d) {
      WindowRanges& r = ranges[static_cast<std::size_t>(3 - dims + d)];
      r.axis.reset();
      r.begin.clear();
      r.count.clear();
      r.per_plane = true;
      r.input = x->shape()[first + d];
      r.output = sizes[d];
      draw_starts(r, u + (dims == 2 ? 1 - d : d), batch * channels, dims, kernel[d]);
    }
  });
  return pool(x, dims, std::move(ranges), shape, result);
}

/// Throws IndexError for an index outside of [0, size).
void check_places(const char* op, In x, const Tensor& indices, const Shape& sizes) {
  int64_t size = 1;
  std::string text;
  for (const int64_t n : sizes) {
    size *= n;
    text += (text.empty() ? "" : "x") + std::to_string(n);
  }
  const Tensor places = detail::dense(indices);
  const auto* at = places.impl().ptr<int64_t>();
  for (int64_t i = 0; i < places.numel(); ++i)
    if (static_cast<std::uint64_t>(at[i]) >= static_cast<std::uint64_t>(size))
      throw IndexError(concat(op, ": Found an invalid max index: ", at[i], " (output volumes are of size ", text, ")"),
                       x.loc);
}

Tensor max_unpool(const char* op, int dims, In x, const Tensor& indices, const IntArray& kernel_size,
                  const MaxUnpoolOptions& o, const IntArray& output_size) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  if (!indices.defined()) throw ValueError(concat(op, ": the indices are undefined"), x.loc);
  if (indices.dtype() != DType::int64)
    throw DTypeError(concat(op, ": elements in indices should be type int64 but got: ", dtype_name(indices.dtype())),
                     x.loc);
  if (indices.shape() != x->shape())
    throw ShapeError(concat(op, ": Expected shape of indices to be same as that of the input tensor (", x->shape(),
                            ") but got indices tensor with shape: ", indices.shape()),
                     x.loc);
  const Shape kernel = kernel_size.expanded(dims, op, "kernel_size", x.loc);
  const Shape stride = (o.stride.empty() ? kernel_size : o.stride).expanded(dims, op, "stride", x.loc);
  const Shape padding = o.padding.expanded(dims, op, "padding", x.loc);
  const int first = x->dim() - dims;
  if (!output_size.empty() && output_size.size() != dims && output_size.size() != dims + 2)
    throw ValueError(concat(op, ": output_size should be a sequence containing ", dims, " or ", dims + 2,
                            " elements, but it has a length of '", output_size.size(), "'"),
                     x.loc);
  Shape shape = x->shape(), sizes;
  for (int d = 0; d < dims; ++d) {
    if (kernel[d] < 1) throw ValueError(concat(op, ": kernel size should be greater than zero, got ", kernel), x.loc);
    if (stride[d] < 1) throw ValueError(concat(op, ": non-positive stride is not supported, got ", stride), x.loc);
    if (padding[d] < 0) throw ValueError(concat(op, ": negative padding is not supported, got ", padding), x.loc);
    const int64_t spread = checked_mul(x->shape()[first + d] - 1, stride[d], op, x.loc);
    int64_t size =
        checked_add(checked_add(spread, kernel[d], op, x.loc), checked_mul(padding[d], -2, op, x.loc), op, x.loc);
    if (!output_size.empty()) {
      const int64_t wanted = output_size[output_size.size() - dims + d];
      const int64_t most = checked_add(size, stride[d], op, x.loc);
      if (wanted <= size - stride[d] || wanted >= most)
        throw ValueError(concat(op, ": invalid output_size \"", static_cast<const Shape&>(output_size), "\" (dim ", d,
                                " must be between ", size - stride[d], " and ", most, ")"),
                         x.loc);
      size = wanted;
    }
    if (size < 1)
      throw ShapeError(
          concat(op, ": the output would have size ", size, " in dimension ", d, " for an input of shape ", x->shape()),
          x.loc);
    shape[first + d] = size;
    sizes.push_back(size);
  }
  checked_numel(shape, op, x.loc);
  check_places(op, x, indices, sizes);
  return apply(x.loc, PlaneScatter{shape, dims, false}, x.tensor, indices);
}

}  // namespace

#define SLOPE_MAX_POOL(n)                                                                                            \
  Tensor max_pool##n##d(In x, const IntArray& kernel_size, const MaxPoolOptions& options) {                          \
    return max_pool("max_pool" #n "d", n, x, kernel_size, options, Result::values).first;                            \
  }                                                                                                                  \
  std::pair<Tensor, Tensor> max_pool##n##d_with_indices(In x, const IntArray& kernel_size,                           \
                                                        const MaxPoolOptions& options) {                             \
    return max_pool("max_pool" #n "d_with_indices", n, x, kernel_size, options, Result::both);                       \
  }                                                                                                                  \
  Tensor adaptive_max_pool##n##d(In x, const AdaptiveSize& output_size) {                                            \
    return adaptive_max_pool("adaptive_max_pool" #n "d", n, x, output_size, Result::values).first;                   \
  }                                                                                                                  \
  std::pair<Tensor, Tensor> adaptive_max_pool##n##d_with_indices(In x, const AdaptiveSize& output_size) {            \
    return adaptive_max_pool("adaptive_max_pool" #n "d_with_indices", n, x, output_size, Result::both);              \
  }                                                                                                                  \
  Tensor max_unpool##n##d(In x, const Tensor& indices, const IntArray& kernel_size, const MaxUnpoolOptions& options, \
                          const IntArray& output_size) {                                                             \
    return max_unpool("max_unpool" #n "d", n, x, indices, kernel_size, options, output_size);                        \
  }
SLOPE_MAX_POOL(1)
SLOPE_MAX_POOL(2)
SLOPE_MAX_POOL(3)
#undef SLOPE_MAX_POOL

#define SLOPE_FRACTIONAL_MAX_POOL(n)                                                                                  \
  Tensor fractional_max_pool##n##d(In x, const IntArray& kernel_size, const FractionalMaxPoolOptions& options,        \
                                   const Tensor& random_samples) {                                                    \
    return fractional_max_pool("fractional_max_pool" #n "d", n, x, kernel_size, options, random_samples,              \
                               Result::values)                                                                        \
        .first;                                                                                                       \
  }                                                                                                                   \
  std::pair<Tensor, Tensor> fractional_max_pool##n##d_with_indices(                                                   \
      In x, const IntArray& kernel_size, const FractionalMaxPoolOptions& options, const Tensor& random_samples) {     \
    return fractional_max_pool("fractional_max_pool" #n "d_with_indices", n, x, kernel_size, options, random_samples, \
                               Result::both);                                                                         \
  }
SLOPE_FRACTIONAL_MAX_POOL(2)
SLOPE_FRACTIONAL_MAX_POOL(3)
#undef SLOPE_FRACTIONAL_MAX_POOL

}  // namespace functional

}  // namespace slope::nn
