#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

#include "slope/autograd/ops/reduce/reduction.h"
#include "slope/autograd/tensor/tensor.h"

/// What losses share: the reduction option and the checks that precede every computation.
namespace slope::nn {

/// A Reduction, or its name: `{.reduction = Reduction::sum}` or `{.reduction = "sum"}`. A name in the program's text is
/// checked when it is compiled; one that is only known when it runs makes the loss throw ValueError.
///
///     const std::string name = read_settings();
///     F::mse_loss(y_pred, y_true, {.reduction = name});
class ReductionOption {
 public:
  constexpr ReductionOption(Reduction value = Reduction::mean) : value_(value) {}
  /// A name in the program's text.
  template <std::size_t n>
  consteval ReductionOption(const char (&name)[n])
      : value_(this_is_no_reduction_use_none_mean_or_sum(find(std::string_view(name, n - 1)))) {}
  /// A name known when the program runs.
  template <class Text>
    requires(!std::is_array_v<Text> && std::convertible_to<const Text&, std::string_view>)
  ReductionOption(const Text& name, SourceLoc loc = SourceLoc::here()) : ReductionOption(run_time(name, loc)) {}

  /// What was chosen. The error names the line where the option was made of a wrong name.
  operator Reduction() const {
    if (unknown_) [[unlikely]]
      refuse("reduction");
    return value_;
  }
  /// The same; an error names the operation and its line.
  Reduction of(const char* op, SourceLoc loc) const {
    if (unknown_) [[unlikely]]
      refuse(op, &loc);
    return value_;
  }

 private:
  static constexpr std::optional<Reduction> find(std::string_view name) {
    if (name == "none") return Reduction::none;
    if (name == "mean") return Reduction::mean;
    if (name == "sum") return Reduction::sum;
    if (name == "batchmean") return Reduction::batchmean;
    return std::nullopt;
  }
  /// Its name is what the compiler says about a wrong literal.
  static consteval Reduction this_is_no_reduction_use_none_mean_or_sum(std::optional<Reduction> found) {
    if (!found) throw "not a reduction";
    return *found;
  }
  struct Unknown;
  static ReductionOption run_time(std::string_view name, SourceLoc loc);
  [[noreturn]] void refuse(const char* op, const SourceLoc* loc = nullptr) const;

  Reduction value_;
  const Unknown* unknown_ = nullptr;  // a name that is none, kept for the message
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
void require_alike(const char* op, In prediction, const Tensor& target, const ReductionOption& reduction);
/// Throws ValueError for batchmean, which only KLDiv knows, and for a name that is no reduction.
void require_plain_reduction(const char* op, const ReductionOption& reduction, SourceLoc loc);
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
