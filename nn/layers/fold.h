#pragma once

#include "slope/autograd/core/int_array.h"
#include "slope/nn/module.h"

namespace slope::nn {

/// For folding and unfolding.
struct FoldOptions {
  /// Steps between the elements of a window.
  IntArray dilation = 1;
  /// Of zeros, on both sides.
  IntArray padding = 0;
  IntArray stride = 1;
};

namespace functional {

/// The blocks of an image as columns (im2col): column l holds the elements of window l, row c·kh·kw + a·kw + b those of channel
/// c at (a, b) in their windows, 0 on padding.
///
/// Shapes: (N, C, H, W) or (C, H, W) -> (N, C·kh·kw, L) or (C·kh·kw, L). Its gradient is `fold`. Throws DTypeError unless x is
/// floating, ShapeError for other shapes and where no block fits, ValueError for options outside their domain.
///
///     Tensor columns = F::unfold(x, 3, {.padding = 1});
Tensor unfold(In x, const IntArray& kernel_size, const FoldOptions& options = {});

/// Adds the columns of blocks back to an image of `output_size`: the adjoint of `unfold`, not its inverse where blocks overlap.
///
/// Shapes: (N, C·kh·kw, L) or (C·kh·kw, L) -> (N, C, H, W) or (C, H, W). Throws as `unfold`, and ShapeError unless the rows can be divided by
/// kh·kw and L is the number of blocks.
///
///     Tensor image = F::fold(columns, {8, 8}, 3, {.padding = 1});
Tensor fold(In x, const IntArray& output_size, const IntArray& kernel_size, const FoldOptions& options = {});

}  // namespace functional

/// F::unfold as a module: `nn::Unfold(3, {.padding = 1})`.
class Unfold : public Module {
 public:
  explicit Unfold(const IntArray& kernel_size, const FoldOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return functional::unfold(x, kernel_size_, options_); }
  std::string extra_repr() const override;

 private:
  IntArray kernel_size_;
  FoldOptions options_;
};

/// F::fold as a module: `nn::Fold({8, 8}, 3, {.padding = 1})`.
class Fold : public Module {
 public:
  Fold(const IntArray& output_size, const IntArray& kernel_size, const FoldOptions& options = {})
      : output_size_(output_size), kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return functional::fold(x, output_size_, kernel_size_, options_); }
  std::string extra_repr() const override;

 private:
  IntArray output_size_, kernel_size_;
  FoldOptions options_;
};

}  // namespace slope::nn
