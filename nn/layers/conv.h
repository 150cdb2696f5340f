#pragma once

#include <string>

#include "slope/autograd/core/int_array.h"
#include "slope/nn/module.h"

namespace slope::nn {

/// Padding of a convolution: numbers as IntArray takes them, or "valid" for none, or "same" for as much as keeps the sizes (an odd
/// cell goes behind), which needs a stride of 1.
class ConvPadding : public IntArray {
 public:
  using IntArray::IntArray;
  ConvPadding(std::string word) : word_(std::move(word)) {}
  ConvPadding(const char* word) : word_(word ? word : "") {}
  /// Empty for numbers.
  const std::string& word() const { return word_; }

 private:
  std::string word_;
};

/// Numbers may be given once for all spatial dimensions or once for each.
struct ConvOptions {
  /// Steps between windows.
  IntArray stride = 1;
  /// Zeros on both sides, or "same" or "valid".
  ConvPadding padding = 0;
  /// Steps between the elements of a window.
  IntArray dilation = 1;
  /// Channels are cut into as many groups, each convolved by itself: with as many groups as channels, depthwise.
  std::int64_t groups = 1;
  /// Whether a module has a bias. Functions are given one or not.
  bool bias = true;
  /// What padding holds: "zeros", "reflect", "replicate" or "circular", as F::pad does.
  std::string padding_mode = "zeros";
};

/// Numbers may be given once for all spatial dimensions or once for each.
struct ConvTransposeOptions {
  /// Steps between the windows that are added to.
  IntArray stride = 1;
  /// Takes as much off the result as it would have added to the convolution's input.
  IntArray padding = 0;
  /// More of the result behind, where several sizes have the same convolution.
  IntArray output_padding = 0;
  /// As in ConvOptions.
  std::int64_t groups = 1;
  bool bias = true;
  IntArray dilation = 1;
  /// Only "zeros".
  std::string padding_mode = "zeros";
};

namespace functional {

/// Cross-correlation: y[n, o, p] = bias[o] + Σ_c,q weight[o, c, q]·x[n, c, p·stride - padding + q·dilation], where c runs over the
/// channels of o's group and x is 0 outside.
///
/// Shapes: x (N, in, L), (N, in, H, W) or (N, in, D, H, W), or without N; weight (out, in/groups, kernel...); bias (out) or
/// undefined; result (N, out, sizes...) with size ⌊(L + 2·padding - dilation·(kernel-1) - 1)/stride⌋ + 1. Differentiable to any
/// order by x, weight and bias. float32 and float64.
///
/// Throws ShapeError where shapes do not fit or the kernel is larger than the padded input, ValueError for options out of
/// range, DTypeError for other or different dtypes.
///
///     Tensor y = F::conv2d(image, weight, {}, {.stride = 2, .padding = {1, 2}});
///     Tensor z = F::conv1d(signal, weight, bias, {.padding = "same"});
Tensor conv1d(In x, const Tensor& weight, const Tensor& bias = {}, const ConvOptions& options = {});
Tensor conv2d(In x, const Tensor& weight, const Tensor& bias = {}, const ConvOptions& options = {});
Tensor conv3d(In x, const Tensor& weight, const Tensor& bias = {}, const ConvOptions& options = {});

/// Transposed convolution, the derivative of a convolution by its input: adds x[n, c, p]·weight[c, o, q] to
/// y[n, o, p·stride - padding + q·dilation] where that is inside, and bias[o] everywhere.
///
/// Shapes: x (N, in, sizes...) or without N; weight (in, out/groups, kernel...); bias (out) or undefined; result (N, out,
/// sizes...) with size (L-1)·stride - 2·padding + dilation·(kernel-1) + output_padding + 1. Differentiability, dtypes and errors as
/// conv1d; besides ValueError unless output_padding is smaller than stride or dilation, and for a padding_mode other than "zeros".
///
///     Tensor y = F::conv_transpose2d(x, weight, {}, {.stride = 2, .padding = 1, .output_padding = 1});
Tensor conv_transpose1d(In x, const Tensor& weight, const Tensor& bias = {}, const ConvTransposeOptions& options = {});
Tensor conv_transpose2d(In x, const Tensor& weight, const Tensor& bias = {}, const ConvTransposeOptions& options = {});
Tensor conv_transpose3d(In x, const Tensor& weight, const Tensor& bias = {}, const ConvTransposeOptions& options = {});

}  // namespace functional

/// What Conv1d, Conv2d and Conv3d have in common: F::conv1d to F::conv3d with weight and bias as parameters. Both start as
/// U(-1/√fan_in, 1/√fan_in), fan_in = in/groups · taps of the kernel.
///
/// Throws ValueError for options and sizes out of range.
class ConvModule : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;
  /// Those it was made with.
  const ConvOptions& options() const { return options_; }

  /// (out_channels, in_channels / groups, kernel...).
  Parameter weight;
  /// Undefined without bias.
  Parameter bias;

 protected:
  ConvModule(int dims, std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
             const ConvOptions& options, SourceLoc loc);

 private:
  int dims_;
  std::int64_t in_channels_, out_channels_;
  ConvOptions options_;
};

/// (N, in, L) -> (N, out, L'): ConvModule of one dimension.
///
///     nn::Conv1d conv(3, 8, 5, {.padding = "same"});
class Conv1d : public ConvModule {
 public:
  Conv1d() = delete;  // name it where it is declared: nn::Conv1d layer = add("layer", nn::Conv1d(3, 8, 5));
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
         const ConvOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConvModule(1, in_channels, out_channels, kernel_size, options, loc) {}
};
/// (N, in, H, W) -> (N, out, H', W'): ConvModule of two dimensions.
///
///     nn::Conv2d conv(3, 8, {3, 5}, {.stride = 2, .padding = {1, 2}});
class Conv2d : public ConvModule {
 public:
  Conv2d() = delete;  // name it where it is declared: nn::Conv2d layer = add("layer", nn::Conv2d(3, 8, 5));
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
         const ConvOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConvModule(2, in_channels, out_channels, kernel_size, options, loc) {}
};
/// (N, in, D, H, W) -> (N, out, D', H', W'): ConvModule of three dimensions.
///
///     nn::Conv3d conv(1, 8, 3, {.padding = 1});
class Conv3d : public ConvModule {
 public:
  Conv3d() = delete;  // name it where it is declared: nn::Conv3d layer = add("layer", nn::Conv3d(3, 8, 5));
  Conv3d(std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
         const ConvOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConvModule(3, in_channels, out_channels, kernel_size, options, loc) {}
};

/// What ConvTranspose1d, ConvTranspose2d and ConvTranspose3d have in common: F::conv_transpose1d to F::conv_transpose3d with weight
/// and bias as parameters. Both start as U(-1/√fan_in, 1/√fan_in), fan_in = out/groups · taps of the kernel.
///
/// Throws ValueError for options and sizes out of range.
class ConvTransposeModule : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  /// With a result of these spatial sizes, or of this shape, in place of output_padding. Throws ValueError unless they are within
  /// stride - 1 of the smallest possible ones.
  Tensor forward(const Tensor& x, const Shape& output_size);
  Tensor operator()(In x) { return Module::operator()(x); }
  Tensor operator()(In x, const Shape& output_size) {
    return run(x, [&](const Tensor& t) { return forward(t, output_size); });
  }
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;
  /// Those it was made with.
  const ConvTransposeOptions& options() const { return options_; }

  /// (in_channels, out_channels / groups, kernel...).
  Parameter weight;
  /// Undefined without bias.
  Parameter bias;

 protected:
  ConvTransposeModule(int dims, std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
                      const ConvTransposeOptions& options, SourceLoc loc);

 private:
  int dims_;
  std::int64_t in_channels_, out_channels_;
  ConvTransposeOptions options_;
};

/// (N, in, L) -> (N, out, L'): ConvTransposeModule of one dimension.
///
///     nn::ConvTranspose1d up(8, 3, 4, {.stride = 2, .padding = 1});    // twice as long
class ConvTranspose1d : public ConvTransposeModule {
 public:
  ConvTranspose1d() = delete;  // name it where it is declared: ... layer = add("layer", nn::ConvTranspose1d(8, 3, 4));
  ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
                  const ConvTransposeOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConvTransposeModule(1, in_channels, out_channels, kernel_size, options, loc) {}
};
/// (N, in, H, W) -> (N, out, H', W'): ConvTransposeModule of two dimensions.
///
///     nn::ConvTranspose2d up(8, 3, 3, {.stride = 2, .padding = 1});
///     Tensor y = up(x, {32, 32});
class ConvTranspose2d : public ConvTransposeModule {
 public:
  ConvTranspose2d() = delete;  // name it where it is declared: ... layer = add("layer", nn::ConvTranspose2d(8, 3, 4));
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
                  const ConvTransposeOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConvTransposeModule(2, in_channels, out_channels, kernel_size, options, loc) {}
};
/// (N, in, D, H, W) -> (N, out, D', H', W'): ConvTransposeModule of three dimensions.
///
///     nn::ConvTranspose3d up(8, 3, 2, {.stride = 2});
class ConvTranspose3d : public ConvTransposeModule {
 public:
  ConvTranspose3d() = delete;  // name it where it is declared: ... layer = add("layer", nn::ConvTranspose3d(8, 3, 4));
  ConvTranspose3d(std::int64_t in_channels, std::int64_t out_channels, const IntArray& kernel_size,
                  const ConvTransposeOptions& options = {}, SourceLoc loc = SourceLoc::here())
      : ConvTransposeModule(3, in_channels, out_channels, kernel_size, options, loc) {}
};

}  // namespace slope::nn
