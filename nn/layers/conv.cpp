#include "slope/nn/layers/conv.h"

#include <array>

#include "slope/autograd/kernels/window/window.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/window/internal/conv.h"
#include "slope/nn/functional.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/fresh_parameter.h"

namespace slope::nn {

using std::int64_t;

namespace {

constexpr std::array conv_names = {"conv1d", "conv2d", "conv3d"};
constexpr std::array transposed_names = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
const char* name_of(const std::array<const char*, 3>& names, int dims) {
  return names[static_cast<std::size_t>(dims - 1)];
}

/// The sizes of a weight's kernel.
Shape kernel_of(const Tensor& weight, int dims) {
  return {weight.shape().end() - dims, static_cast<std::size_t>(dims)};
}

/// `F::PadMode` of a padding_mode other than "zeros".
functional::PadMode pad_mode(const char* op, const std::string& name, SourceLoc loc) {
  if (name == "reflect") return functional::PadMode::reflect;
  if (name == "replicate") return functional::PadMode::replicate;
  if (name == "circular") return functional::PadMode::circular;
  if (name == "zeros") return functional::PadMode::constant;
  throw ValueError(concat(op,
                          ": padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got "
                          "padding_mode='",
                          name, "'"),
                   loc);
}

void require_zeros(const char* op, const std::string& padding_mode, int dims, SourceLoc loc) {
  if (padding_mode != "zeros")
    throw ValueError(concat(op, ": Only \"zeros\" padding mode is supported for ConvTranspose", dims,
                            "d, but got padding_mode='", padding_mode, "'"),
                     loc);
}

/// Padding before and after.
struct Pads {
  Shape before, after;
};

Pads pads_of(const char* op, const ConvOptions& o, const Shape& kernel, SourceLoc loc) {
  const int dims = kernel.size();
  const std::string& word = o.padding.word();
  if (word.empty()) {
    const Shape pads = o.padding.expanded(dims, op, "padding", loc);
    return {pads, pads};
  }
  Pads pads{Shape::filled(dims, 0), Shape::filled(dims, 0)};
  if (word == "valid") return pads;
  if (word != "same")
    throw ValueError(concat(op, ": Invalid padding string '", word, "', should be one of {'same', 'valid'}"), loc);
  for (const int64_t s : o.stride.expanded(dims, op, "stride", loc))
    if (s != 1)
      throw ValueError(concat(op, ": padding='same' is not supported for strided convolutions, got stride=",
                              std::span<const int64_t>(o.stride)),
                       loc);
  const Shape dilation = o.dilation.expanded(dims, op, "dilation", loc);
  for (int d = 0; d < dims; ++d) {
    const int64_t total = checked_mul(dilation[d], kernel[d] - 1, op, loc);
    pads.before[d] = total / 2;
    pads.after[d] = total - total / 2;
  }
  return pads;
}

void require_groups(const char* op, int64_t groups, SourceLoc loc) {
  if (groups < 1) throw ValueError(concat(op, ": non-positive groups is not supported, got ", groups), loc);
}

/// What a convolution and a transposed one demand of their tensors; `channel` is the weight's dimension that x must fit.
void check_tensors(const char* op, int dims, bool transposed, In x, const Tensor& weight, const Tensor& bias,
                   int64_t groups, bool wants_bias) {
  const SourceLoc loc = x.loc;
  slope::detail::require_floating(op, x);
  slope::detail::require_floating(op, {weight, loc}, "the weight");
  if (weight.dtype() != x->dtype())
    throw DTypeError(concat(op, ": the weight is ", dtype_name(weight.dtype()), " but the input is ",
                            dtype_name(x->dtype()), "; convert one with .to(", dtype_name(x->dtype()), ")"),
                     loc);
  if (weight.dim() != dims + 2)
    throw ShapeError(concat(op, ": the weight must have ", dims + 2, " dimensions, channels and the kernel's ", dims,
                            ", but has shape ", weight.shape()),
                     loc);
  if (x->dim() != dims + 1 && x->dim() != dims + 2)
    throw ShapeError(concat(op, ": Expected ", dims + 1, "D (unbatched) or ", dims + 2, "D (batched) input to ", op,
                            ", but got input of size: ", x->shape()),
                     loc);
  require_groups(op, groups, loc);
  const Shape& w = weight.shape();
  if (w[0] % groups != 0)
    throw ShapeError(concat(op, ": Given groups=", groups, ", expected weight to be divisible by ", groups,
                            " at dimension 0, but got weight of size ", w),
                     loc);
  const int64_t channels = x->shape()[x->dim() - dims - 1];
  const bool fits = transposed ? channels == w[0] : w[1] == channels / groups && channels % groups == 0;
  if (!fits)
    throw ShapeError(
        concat(op, ": Given ", transposed ? "transposed=1, " : "", "groups=", groups, ", weight of size ", w,
               ", expected input ", x->shape(), " to have ", transposed ? w[0] : checked_mul(w[1], groups, op, loc),
               " channels, but got ", channels, " channels instead"),
        loc);
  if (!bias.defined()) return;
  if (!wants_bias) throw ValueError(concat(op, ": got a bias although the options say bias=false"), loc);
  const int64_t out = transposed ? checked_mul(w[1], groups, op, loc) : w[0];
  if (bias.dim() != 1 || bias.shape()[0] != out)
    throw ShapeError(concat(op, ": Given ", transposed ? "transposed=1, " : "", "weight of size ", w,
                            ", expected bias to be 1-dimensional with ", out, " elements, but got bias of size ",
                            bias.shape(), " instead"),
                     loc);
  if (bias.dtype() != x->dtype())
    throw DTypeError(
        concat(op, ": the bias is ", dtype_name(bias.dtype()), " but the input is ", dtype_name(x->dtype())), loc);
}

Tensor convolve(int dims, In x, const Tensor& weight, const Tensor& bias, const ConvOptions& o) {
  const char* const op = name_of(conv_names, dims);
  const SourceLoc loc = x.loc;
  const CallerScope caller(loc);
  check_tensors(op, dims, false, x, weight, bias, o.groups, o.bias);
  const functional::PadMode mode = pad_mode(op, o.padding_mode, loc);
  const Shape kernel = kernel_of(weight, dims);
  for (const int64_t k : kernel)
    if (k < 1) throw ValueError(concat(op, ": kernel size should be greater than zero, got ", kernel), loc);
  const Pads pads = pads_of(op, o, kernel, loc);
  WindowOptions window{.kernel = kernel,
                       .stride = o.stride,
                       .padding = pads.before,
                       .dilation = o.dilation,
                       .padding_after = pads.after};
  if (o.stride.empty())
    o.stride.expanded(dims, op, "stride", loc);  // throws: only pooling has a stride to fall back on
  const Window w = sliding_window(op, x->shape(), dims, window, loc);
  if (mode == functional::PadMode::constant)
    return slope::detail::convolution(loc, w, o.groups, x.tensor, weight, bias);
  std::vector<int64_t> amounts;
  for (int d = dims; d-- > 0;) {
    amounts.push_back(pads.before[d]);
    amounts.push_back(pads.after[d]);
  }
  const Tensor padded = functional::pad(x, amounts, {.mode = mode});
  window.padding = window.padding_after = 0;
  return slope::detail::convolution(loc, sliding_window(op, padded.shape(), dims, window, loc), o.groups, padded,
                                    weight, bias);
}

Tensor convolve_transposed(int dims, In x, const Tensor& weight, const Tensor& bias, const ConvTransposeOptions& o) {
  const char* const op = name_of(transposed_names, dims);
  const SourceLoc loc = x.loc;
  const CallerScope caller(loc);
  check_tensors(op, dims, true, x, weight, bias, o.groups, o.bias);
  require_zeros(op, o.padding_mode, dims, loc);
  const Shape stride = o.stride.expanded(dims, op, "stride", loc),
              dilation = o.dilation.expanded(dims, op, "dilation", loc),
              more = o.output_padding.expanded(dims, op, "output_padding", loc);
  const Window w = transposed_window(
      op, x->shape(), dims,
      {.kernel = kernel_of(weight, dims), .stride = stride, .padding = o.padding, .dilation = dilation}, more, loc);
  for (int d = 0; d < dims; ++d)
    if (more[d] >= stride[d] && more[d] >= dilation[d])
      throw ValueError(
          concat(op, ": output padding must be smaller than either stride or dilation, but got output_padding=", more,
                 ", stride=", stride, ", dilation=", dilation),
          loc);
  return slope::detail::transposed_convolution(loc, w, o.groups, x.tensor, weight, bias);
}

/// What the constructors of both kinds demand.
void check_module(const std::string& name, int64_t in, int64_t out, int64_t groups, const Shape& kernel,
                  const IntArray& stride, const IntArray& padding, const IntArray& dilation, SourceLoc loc) {
  const char* const op = name.c_str();
  require_groups(op, groups, loc);
  if (in < 0 || out < 0)
    throw ValueError(concat(op, ": in_channels and out_channels must not be negative, got ", in, " and ", out), loc);
  if (in % groups != 0)
    throw ValueError(concat(op, ": in_channels must be divisible by groups, got ", in, " and ", groups), loc);
  if (out % groups != 0)
    throw ValueError(concat(op, ": out_channels must be divisible by groups, got ", out, " and ", groups), loc);
  const int dims = kernel.size();
  const auto require = [&](const IntArray& values, const char* option, int64_t least, const char* what) {
    for (const int64_t v : values.expanded(dims, op, option, loc))
      if (v < least) throw ValueError(concat(op, ": ", what, ", got ", std::span<const int64_t>(values)), loc);
  };
  require(kernel, "kernel_size", 1, "kernel size should be greater than zero");
  require(stride, "stride", 1, "non-positive stride is not supported");
  require(padding, "padding", 0, "negative padding is not supported");
  require(dilation, "dilation", 1, "dilation should be greater than zero");
}

/// (first, second, kernel...), of a size that int64 can hold.
Shape weight_shape(const std::string& op, int64_t first, int64_t second, const Shape& kernel, SourceLoc loc) {
  Shape shape = {first, second};
  for (const int64_t k : kernel) shape.push_back(k);
  checked_numel(shape, op.c_str(), loc);
  return shape;
}

int64_t fan_in(const Shape& weight) {
  return checked_numel(Shape(weight.begin() + 1, static_cast<std::size_t>(weight.size() - 1)), "");
}

bool all_are(const Shape& values, int64_t value) {
  for (const int64_t v : values)
    if (v != value) return false;
  return true;
}

/// What the printed forms of both kinds begin with; an option's numbers.
std::string numbers(int dims, const IntArray& values) { return detail::tuple(values.expanded(dims, "", "")); }

}  // namespace

namespace functional {

Tensor conv1d(In x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return convolve(1, x, weight, bias, options);
}
Tensor conv2d(In x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return convolve(2, x, weight, bias, options);
}
Tensor conv3d(In x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return convolve(3, x, weight, bias, options);
}
Tensor conv_transpose1d(In x, const Tensor& weight, const Tensor& bias, const ConvTransposeOptions& options) {
  return convolve_transposed(1, x, weight, bias, options);
}
Tensor conv_transpose2d(In x, const Tensor& weight, const Tensor& bias, const ConvTransposeOptions& options) {
  return convolve_transposed(2, x, weight, bias, options);
}
Tensor conv_transpose3d(In x, const Tensor& weight, const Tensor& bias, const ConvTransposeOptions& options) {
  return convolve_transposed(3, x, weight, bias, options);
}

}  // namespace functional

// ---- Conv1d, Conv2d, Conv3d

ConvModule::ConvModule(int dims, int64_t in_channels, int64_t out_channels, const IntArray& kernel_size,
                       const ConvOptions& options, SourceLoc loc)
    : dims_(dims), in_channels_(in_channels), out_channels_(out_channels), options_(options) {
  const CallerScope caller(loc);
  const std::string op = concat("Conv", dims, "d");
  const Shape kernel = kernel_size.expanded(dims, op.c_str(), "kernel_size", loc);
  check_module(op, in_channels, out_channels, options.groups, kernel, options.stride,
               options.padding.word().empty() ? IntArray(options.padding) : IntArray(0), options.dilation, loc);
  pads_of(op.c_str(), options, kernel, loc);
  pad_mode(op.c_str(), options.padding_mode, loc);
  const Shape shape = weight_shape(op, out_channels, in_channels / options.groups, kernel, loc);
  weight = parameter("weight", detail::uniform_parameter(shape, fan_in(shape)), loc);
  if (options.bias) bias = parameter("bias", detail::uniform_parameter({out_channels}, fan_in(shape)), loc);
}

Tensor ConvModule::forward(const Tensor& x) { return convolve(dims_, x, weight, bias, options_); }

std::string ConvModule::extra_repr() const {
  const ConvOptions& o = options_;
  std::string text =
      concat(in_channels_, ", ", out_channels_, ", kernel_size=", detail::tuple(kernel_of(weight, dims_)),
             ", stride=", numbers(dims_, o.stride));
  if (!o.padding.word().empty())
    text += ", padding=" + o.padding.word();
  else if (!all_are(o.padding, 0))
    text += ", padding=" + numbers(dims_, o.padding);
  if (!all_are(o.dilation, 1)) text += ", dilation=" + numbers(dims_, o.dilation);
  if (o.groups != 1) text += concat(", groups=", o.groups);
  if (!bias.defined()) text += ", bias=False";
  if (o.padding_mode != "zeros") text += ", padding_mode=" + o.padding_mode;
  return text;
}

int64_t ConvModule::macs(const Shape& output_shape) const {
  return detail::saturated_product(output_shape, fan_in(weight.shape()));
}

// ---- ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

ConvTransposeModule::ConvTransposeModule(int dims, int64_t in_channels, int64_t out_channels,
                                         const IntArray& kernel_size, const ConvTransposeOptions& options,
                                         SourceLoc loc)
    : dims_(dims), in_channels_(in_channels), out_channels_(out_channels), options_(options) {
  const CallerScope caller(loc);
  const std::string op = concat("ConvTranspose", dims, "d");
  const Shape kernel = kernel_size.expanded(dims, op.c_str(), "kernel_size", loc);
  require_zeros(op.c_str(), options.padding_mode, dims, loc);
  check_module(op, in_channels, out_channels, options.groups, kernel, options.stride, options.padding, options.dilation,
               loc);
  options.output_padding.expanded(dims, op.c_str(), "output_padding", loc);
  const Shape shape = weight_shape(op, in_channels, out_channels / options.groups, kernel, loc);
  weight = parameter("weight", detail::uniform_parameter(shape, fan_in(shape)), loc);
  if (options.bias) bias = parameter("bias", detail::uniform_parameter({out_channels}, fan_in(shape)), loc);
}

Tensor ConvTransposeModule::forward(const Tensor& x) { return convolve_transposed(dims_, x, weight, bias, options_); }

Tensor ConvTransposeModule::forward(const Tensor& x, const Shape& output_size) {
  const char* const op = name_of(transposed_names, dims_);
  const SourceLoc loc = SourceLoc::here();
  const int lead = output_size.size() - dims_;
  ConvTransposeOptions options = options_;
  options.output_padding = 0;
  check_tensors(op, dims_, true, {x, loc}, weight, bias, options.groups, options.bias);
  if (lead != 0 && lead != x.dim() - dims_)
    throw ValueError(
        concat(op, ": output_size must have ", dims_, " or ", x.dim(), " elements (got ", output_size.size(), ")"),
        loc);
  const Shape stride = options.stride.expanded(dims_, op, "stride", loc);
  Shape least = kernel_of(weight, dims_), most = least, more = least;
  bool within = true;
  for (int d = 0; d < dims_; ++d) {
    const int64_t dilation = options.dilation.expanded(dims_, op, "dilation", loc)[d],
                  padding = options.padding.expanded(dims_, op, "padding", loc)[d];
    const int64_t spread = checked_mul(x.shape()[x.dim() - dims_ + d] - 1, stride[d], op, loc);
    const int64_t extent = checked_add(checked_mul(dilation, least[d] - 1, op, loc), 1, op, loc);
    least[d] = checked_add(spread, extent, op, loc) - checked_mul(2, padding, op, loc);
    most[d] = checked_add(least[d], stride[d] - 1, op, loc);
    const int64_t wanted = output_size[lead + d];
    within = within && wanted >= least[d] && wanted <= most[d];
    more[d] = within ? wanted - least[d] : 0;
  }
  if (!within)
    throw ValueError(concat(op, ": requested an output size of ", output_size, ", but valid sizes range from ", least,
                            " to ", most, " (for an input of ", x.shape(), ")"),
                     loc);
  options.output_padding = more;
  return convolve_transposed(dims_, {x, loc}, weight, bias, options);
}

std::string ConvTransposeModule::extra_repr() const {
  const ConvTransposeOptions& o = options_;
  std::string text =
      concat(in_channels_, ", ", out_channels_, ", kernel_size=", detail::tuple(kernel_of(weight, dims_)),
             ", stride=", numbers(dims_, o.stride));
  if (!all_are(o.padding, 0)) text += ", padding=" + numbers(dims_, o.padding);
  if (!all_are(o.dilation, 1)) text += ", dilation=" + numbers(dims_, o.dilation);
  if (!all_are(o.output_padding, 0)) text += ", output_padding=" + numbers(dims_, o.output_padding);
  if (o.groups != 1) text += concat(", groups=", o.groups);
  if (!bias.defined()) text += ", bias=False";
  return text;
}

int64_t ConvTransposeModule::macs(const Shape& output_shape) const {
  // Each number of the input meets each of a group's weights once; how many there are follows from the sizes of the result.
  const ConvTransposeOptions& o = options_;
  const Shape& w = weight.shape();
  const int lead = output_shape.size() - dims_;
  if (lead < 1) return 0;
  Shape input = output_shape;
  input[lead - 1] = in_channels_;
  for (int d = 0; d < dims_; ++d) {
    const auto of = [&](const IntArray& values) { return values.expanded(dims_, "", "")[d]; };
    const int64_t whole = output_shape[lead + d] + 2 * of(o.padding) - of(o.dilation) * (w[2 + d] - 1) - 1;
    input[lead + d] = whole < 0 ? 0 : whole / of(o.stride) + 1;
  }
  return detail::saturated_product(input, fan_in(w));
}

}  // namespace slope::nn
