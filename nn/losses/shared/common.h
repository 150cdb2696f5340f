#pragma once

#include <string>
#include <string_view>

#include "slope/autograd/ops/reduce/reduction.h"
#include "slope/autograd/tensor/tensor.h"

/// What losses share: the reduction option and the checks that precede every computation.
namespace slope::nn {

/// A Reduction, or its name: `{.reduction = Reduction::sum}` or `{.reduction = "sum"}`. Throws ValueError for other
/// names.
class ReductionOption {
 public:
  ReductionOption(Reduction value = Reduction::mean) : value_(value) {}
  ReductionOption(std::string_view name, SourceLoc loc = SourceLoc::here());
  ReductionOption(const char* name, SourceLoc loc = SourceLoc::here()) : ReductionOption(std::string_view(name), loc) {}
  ReductionOption(const std::string& name, SourceLoc loc = SourceLoc::here())
      : ReductionOption(std::string_view(name), loc) {}
  /// What was chosen.
  operator Reduction() const { return value_; }

 private:
  Reduction value_;
};

namespace detail {

/// Prediction and target must have one shape; (N, 1) against (N) would otherwise broadcast to N x N. Throws ShapeError.
void require_same_shape(const char* op, In prediction, const Tensor& target);
/// Throws DTypeError for an integral prediction, or another argument that `what` names.
void require_floating(const char* op, In prediction, const char* what = "the prediction");
/// Throws AutogradError when an argument without a gradient formula requires one.
void require_constant(const char* op, const char* argument, const Tensor& t, SourceLoc loc);
/// Throws ShapeError unless `weight` broadcasts to `shape` without enlarging it.
void require_broadcasts_to(const char* op, const char* argument, const Tensor& weight, const Shape& shape,
                           SourceLoc loc);
/// Throws ShapeError unless the two broadcast, ValueError for an undefined `other`.
void require_broadcastable(const char* op, const char* argument, In prediction, const Tensor& other);
/// All that losses of one prediction and one target of its shape check: floating, shapes, no batchmean.
void require_alike(const char* op, In prediction, const Tensor& target, Reduction reduction);
/// Throws ValueError for batchmean, which only KLDiv knows.
void require_plain_reduction(const char* op, Reduction reduction, SourceLoc loc);
/// The dtype of a loss: prediction and target promoted. Weights and the like are converted to it and change nothing.
DType result_dtype(const Tensor& prediction, const Tensor& target);
/// Unreduced values to their reduction.
Tensor reduce(const Tensor& values, Reduction reduction);
/// A 0-d constant.
Tensor scalar(double value, DType dtype);
/// Σ values / divisor as a 0-d constant; 0/0 is NaN.
Tensor total(const Tensor& values, double divisor, DType dtype);
/// Local gradients times what comes in, which is 0-d or broadcasts: `local` itself when that is 1, exactly 0 where it
/// is 0.
Tensor scaled_gradient(const Tensor& local, const Tensor& g);
/// A gradient as create_graph asks for it: `value`, the numbers of the fused pass, which keeps tails, with the
/// derivatives of `composed`, tensor operations that give the same numbers but for those.
Tensor recorded_gradient(const Tensor& value, const Tensor& composed, SourceLoc loc);

}  // namespace detail

}  // namespace slope::nn
