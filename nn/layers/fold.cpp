#include "slope/nn/layers/fold.h"

#include "slope/autograd/kernels/window/fold.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/pool_common.h"
#include "slope/nn/layers/internal/separable_op.h"

namespace slope::nn {

using std::int64_t;

namespace {

std::string described(const IntArray& kernel, const FoldOptions& o) {
  using detail::numbers;
  return concat("kernel_size=", numbers(kernel), ", dilation=", numbers(o.dilation), ", padding=", numbers(o.padding),
                ", stride=", numbers(o.stride));
}

}  // namespace

std::string Unfold::extra_repr() const { return described(kernel_size_, options_); }
std::string Fold::extra_repr() const {
  return concat("output_size=", detail::numbers(output_size_), ", ", described(kernel_size_, options_));
}

namespace functional {

namespace {

/// The blocks in an image of this size. Throws where none fits.
Window blocks(const char* op, const Shape& image, const IntArray& kernel, const FoldOptions& o, SourceLoc loc) {
  if (o.stride.empty()) throw ValueError(concat(op, ": stride must hold one number or two, but got none"), loc);
  const Window w = possible_windows(
      op, image, 2, {.kernel = kernel, .stride = o.stride, .padding = o.padding, .dilation = o.dilation}, loc);
  if (w.height().output < 1 || w.width().output < 1)
    throw ShapeError(
        concat(op, ": Given input with spatial size ", detail::tuple({w.height().input, w.width().input}),
               ", kernel_size=", detail::tuple({w.height().kernel, w.width().kernel}),
               ", dilation=", detail::tuple({w.height().dilation, w.width().dilation}),
               ", padding=", detail::tuple({w.height().before, w.width().before}),
               ", calculated shape of the array of sliding blocks as ",
               detail::tuple({w.height().output, w.width().output}), ", but its components must be at least one."),
        loc);
  return w;
}

/// Images to columns and back: each is the other's derivative.
struct FoldOp;
struct UnfoldOp {
  static constexpr std::string_view name = "Im2Col";
  Window window;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) {
    Shape shape = x.shape();
    const int c = shape.size() - 3;
    const int64_t planes = shape.size() == 4 ? shape[0] * shape[1] : shape[0];
    shape[c] *= window.taps();
    shape[c + 1] = window.outputs();
    shape.erase(c + 2);
    Tensor out = make_empty(shape, x.dtype());
    unfold_kernel(out.impl(), detail::dense(x).impl(), window, planes);
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const;
};
struct FoldOp {
  static constexpr std::string_view name = "Col2Im";
  Window window;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) {
    Shape shape = x.shape();
    const int c = shape.size() - 2;
    shape[c] /= window.taps();
    shape[c + 1] = window.height().input;
    shape.push_back(window.width().input);
    const int64_t planes = c == 1 ? shape[0] * shape[1] : shape[0];
    Tensor out = make_empty(shape, x.dtype());
    fold_kernel(out.impl(), detail::dense(x).impl(), window, planes);
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(slope::detail::current_node->where(), UnfoldOp{window}, g)};
  }
};
Grads<1> UnfoldOp::backward(const Saved&, const Tensor& g) const {
  return {apply(slope::detail::current_node->where(), FoldOp{window}, g)};
}

}  // namespace

Tensor unfold(In x, const IntArray& kernel_size, const FoldOptions& options) {
  const CallerScope caller(x.loc);
  slope::detail::require_floating("unfold", x);
  const Shape& shape = x->shape();
  bool fits = shape.size() == 3 || shape.size() == 4;
  for (int d = shape.size() - 3; fits && d < shape.size(); ++d) fits = shape[d] > 0;
  if (!fits)
    throw ShapeError(
        concat("unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
               "dimensions for input, but got: ",
               shape),
        x.loc);
  const Window w = blocks("unfold", shape, kernel_size, options, x.loc);
  const int64_t taps = checked_mul(checked_mul(w.height().kernel, w.width().kernel, "unfold", x.loc),
                                   shape[shape.size() - 3], "unfold", x.loc);
  const int64_t count = checked_mul(w.height().output, w.width().output, "unfold", x.loc);
  checked_mul(taps, count, "unfold", x.loc);
  checked_numel(shape.size() == 4 ? Shape{shape[0], taps, count} : Shape{taps, count}, "unfold", x.loc);
  return apply(x.loc, UnfoldOp{w}, x.tensor);
}

Tensor fold(In x, const IntArray& output_size, const IntArray& kernel_size, const FoldOptions& options) {
  const CallerScope caller(x.loc);
  slope::detail::require_floating("fold", x);
  const Shape& shape = x->shape();
  const int c = shape.size() - 2;
  if ((c != 0 && c != 1) || shape[c] < 1 || shape[c + 1] < 1)
    throw ShapeError(
        concat("fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
               "dimensions for input, but got: ",
               shape),
        x.loc);
  const Shape image = output_size.expanded(2, "fold", "output_size", x.loc);
  for (const int64_t n : image)
    if (n < 1) throw ValueError(concat("fold: output sizes must be at least 1, got ", image), x.loc);
  const Window w = blocks("fold", image, kernel_size, options, x.loc);
  const int64_t taps = checked_mul(w.height().kernel, w.width().kernel, "fold", x.loc);
  if (shape[c] % taps != 0)
    throw ShapeError(concat("fold: Expected size of input's dimension ", c,
                            " to be divisible by the product of kernel_size, but got input.size(", c, ")=", shape[c],
                            " and kernel_size=", detail::tuple({w.height().kernel, w.width().kernel})),
                     x.loc);
  const int64_t count = checked_mul(w.height().output, w.width().output, "fold", x.loc);
  if (shape[c + 1] != count)
    throw ShapeError(concat("fold: Given output_size=", detail::tuple(image),
                            ", kernel_size=", detail::tuple({w.height().kernel, w.width().kernel}),
                            ", dilation=", detail::tuple({w.height().dilation, w.width().dilation}),
                            ", padding=", detail::tuple({w.height().before, w.width().before}),
                            ", stride=", detail::tuple({w.height().stride, w.width().stride}),
                            ", expected size of input's dimension ", c + 1,
                            " to match the calculated number of sliding blocks ", w.height().output, " * ",
                            w.width().output, " = ", count, ", but got input.size(", c + 1, ")=", shape[c + 1]),
                     x.loc);
  checked_mul(checked_mul(image[0], image[1], "fold", x.loc), shape[c], "fold", x.loc);
  checked_mul(shape[c], count, "fold", x.loc);
  Shape result = shape;
  result[c] /= taps;
  result[c + 1] = image[0];
  result.push_back(image[1]);
  checked_numel(result, "fold", x.loc);
  return apply(x.loc, FoldOp{w}, x.tensor);
}

}  // namespace functional

}  // namespace slope::nn
