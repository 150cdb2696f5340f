// Convolution, transposed convolution and the gradient of their weight: three products of which each is the derivative of the
// other two.
#include "slope/autograd/kernels/window/conv.h"

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/window/internal/conv.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

namespace {

using std::int64_t;

/// A tensor of channels and spatial dimensions, with a batch before them or none.
template <class T>
Field<const T> field_of(const Tensor& t, int dims) {
  const Shape& s = t.strides();
  const int lead = s.size() - dims;
  Field<const T> f{t.impl().ptr<T>(), lead == 2 ? s[0] : 0, s[lead - 1], {0, 0, 0}};
  for (int d = 0; d < dims; ++d) f.axis[static_cast<std::size_t>(3 - dims + d)] = s[lead + d];
  return f;
}

Tensor dense(const Tensor& t) { return !t.defined() || t.is_contiguous() ? t : dense_copy(t); }
template <class T>
const T* data(const Tensor& t) {
  return t.defined() ? t.impl().ptr<T>() : nullptr;
}

bool batched(const Tensor& x, const Window& w) { return x.dim() == w.dims + 2; }

ConvSizes sizes_of(const Tensor& x, const Shape& weight, const Window& w, int64_t groups) {
  return {batched(x, w) ? x.shape()[0] : 1, groups, weight[0] / groups, weight[1]};
}

/// `x` with other channels, and the sizes of the other end of the windows.
Shape result_shape(const Tensor& x, int64_t channels, const Window& w, bool input) {
  Shape shape = x.shape();
  shape[shape.size() - w.dims - 1] = channels;
  return input ? w.input_shape(shape) : w.output_shape(shape);
}

/// The gradient of the bias: sums over all dimensions but the channels.
Tensor sum_of_channels(const Tensor& g, const Window& w, SourceLoc loc) {
  const int channel = g.dim() - w.dims - 1;
  Dims others;
  for (int d = 0; d < g.dim(); ++d)
    if (d != channel) others.push_back(d);
  return g.sum(others, false, loc);
}

/// Of the weight between `y`, the outputs of the windows, and inputs with `channels` channels in a group.
Shape weight_shape(const Tensor& y, int64_t channels, const Window& w) {
  Shape shape = {y.shape()[y.dim() - w.dims - 1], channels};
  for (int d = 0; d < w.dims; ++d) shape.push_back(w.axes[static_cast<std::size_t>(3 - w.dims + d)].kernel);
  return shape;
}

/// What the three operations have in common.
struct Geometry {
  Window window;
  int64_t groups;
};

struct Convolution {
  static constexpr std::string_view name = "Convolution";
  Geometry at;
  struct Saved {
    SavedTensor x, weight;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& weight, const Tensor& bias);
  Grads<3> backward(const Saved& s, const Tensor& g) const;
};

struct TransposedConvolution {
  static constexpr std::string_view name = "TransposedConvolution";
  Geometry at;
  struct Saved {
    SavedTensor y, weight;
  };
  Tensor forward(Saved& s, const Tensor& y, const Tensor& weight, const Tensor& bias);
  Grads<3> backward(const Saved& s, const Tensor& g) const;
};

/// The gradient of a weight of this shape from the two ends of its windows.
struct ConvolutionWeight {
  static constexpr std::string_view name = "ConvolutionWeight";
  Geometry at;
  Shape weight;
  struct Saved {
    SavedTensor x, y;
  };
  Tensor forward(Saved& s, const Tensor& x, const Tensor& y);
  Grads<2> backward(const Saved& s, const Tensor& g) const;
};

Tensor Convolution::forward(Saved& s, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.requires_grad()) s.x = save(x);
  if (x.requires_grad()) s.weight = save(weight);
  const Tensor w = dense(weight), b = dense(bias);
  Tensor y = make_empty(result_shape(x, weight.shape()[0], at.window, false), x.dtype());
  visit_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    conv<T>(at.window, sizes_of(x, weight.shape(), at.window, at.groups), field_of<T>(x, at.window.dims), data<T>(w),
            data<T>(b), y.impl().ptr<T>());
  });
  return y;
}
Grads<3> Convolution::backward(const Saved& s, const Tensor& g) const {
  const SourceLoc loc = detail::current_node->where();
  Grads<3> grads;
  if (needs_grad(0)) grads[0] = apply(loc, TransposedConvolution{at}, g, s.weight.get(), Tensor());
  if (needs_grad(1)) {
    const Tensor x = s.x.get();
    const int64_t channels = x.shape()[x.dim() - at.window.dims - 1] / at.groups;
    grads[1] = apply(loc, ConvolutionWeight{at, weight_shape(g, channels, at.window)}, x, g);
  }
  if (needs_grad(2)) grads[2] = sum_of_channels(g, at.window, loc);
  return grads;
}

Tensor TransposedConvolution::forward(Saved& s, const Tensor& y, const Tensor& weight, const Tensor& bias) {
  if (weight.requires_grad()) s.y = save(y);
  if (y.requires_grad()) s.weight = save(weight);
  const Tensor w = dense(weight), b = dense(bias);
  Tensor x = make_empty(result_shape(y, weight.shape()[1] * at.groups, at.window, true), y.dtype());
  visit_floating(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    conv_input<T>(at.window, sizes_of(y, weight.shape(), at.window, at.groups), field_of<T>(y, at.window.dims),
                  data<T>(w), data<T>(b), x.impl().ptr<T>());
  });
  return x;
}
Grads<3> TransposedConvolution::backward(const Saved& s, const Tensor& g) const {
  const SourceLoc loc = detail::current_node->where();
  Grads<3> grads;
  if (needs_grad(0)) grads[0] = apply(loc, Convolution{at}, g, s.weight.get(), Tensor());
  if (needs_grad(1)) {
    const Tensor y = s.y.get();
    const int64_t channels = g.shape()[g.dim() - at.window.dims - 1] / at.groups;
    grads[1] = apply(loc, ConvolutionWeight{at, weight_shape(y, channels, at.window)}, g, y);
  }
  if (needs_grad(2)) grads[2] = sum_of_channels(g, at.window, loc);
  return grads;
}

Tensor ConvolutionWeight::forward(Saved& s, const Tensor& x, const Tensor& y) {
  if (y.requires_grad()) s.x = save(x);
  if (x.requires_grad()) s.y = save(y);
  // Where a kernel is flat, rows are joined, and with them the pieces that sums are made of: not to depend on the layout.
  const bool flat = at.window.height().kernel == 1 && at.window.width().kernel == 1;
  const Tensor from = flat ? dense(x) : x, g = dense(y);
  Tensor w = make_empty(weight, x.dtype());
  visit_floating(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    conv_weight<T>(at.window, sizes_of(x, weight, at.window, at.groups), field_of<T>(from, at.window.dims), data<T>(g),
                   w.impl().ptr<T>());
  });
  return w;
}
Grads<2> ConvolutionWeight::backward(const Saved& s, const Tensor& g) const {
  const SourceLoc loc = detail::current_node->where();
  Grads<2> grads;
  if (needs_grad(0)) grads[0] = apply(loc, TransposedConvolution{at}, s.y.get(), g, Tensor());
  if (needs_grad(1)) grads[1] = apply(loc, Convolution{at}, s.x.get(), g, Tensor());
  return grads;
}

}  // namespace

namespace detail {

Tensor convolution(SourceLoc loc, const Window& w, int64_t groups, const Tensor& x, const Tensor& weight,
                   const Tensor& bias) {
  return apply(loc, Convolution{{w, groups}}, x, weight, bias);
}

Tensor transposed_convolution(SourceLoc loc, const Window& w, int64_t groups, const Tensor& x, const Tensor& weight,
                              const Tensor& bias) {
  return apply(loc, TransposedConvolution{{w, groups}}, x, weight, bias);
}

}  // namespace detail

}  // namespace slope
