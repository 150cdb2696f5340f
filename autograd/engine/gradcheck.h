#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/function.h"
#include "slope/autograd/tensor/tensor.h"

/// Checking derivatives against central differences, with PyTorch's conventions (torch.autograd.gradcheck).
///
///     auto x = randn({3, 4}, {.dtype = float64, .requires_grad = true});
///     auto result = autograd::gradcheck([](const auto& in) { return sigmoid(in[0]); }, {x});
///     BOOST_TEST(result.ok, result.message);
namespace slope::autograd {

/// A function to be checked: takes the inputs, returns a tensor or a vector of tensors. It is called many times, must
/// give the same values for the same inputs, and must not change the inputs in place (clone() them first).
class CheckedFunction {
 public:
  template <class F>
    requires std::invocable<F&, const std::vector<Tensor>&> && (!std::same_as<std::remove_cvref_t<F>, CheckedFunction>)
  CheckedFunction(F f) {
    if constexpr (std::convertible_to<std::invoke_result_t<F&, const std::vector<Tensor>&>, Tensor>)
      call_ = [f = std::move(f)](const std::vector<Tensor>& in) mutable { return std::vector<Tensor>{f(in)}; };
    else
      call_ = std::move(f);
  }
  /// Calls the function.
  std::vector<Tensor> operator()(const std::vector<Tensor>& inputs) const { return call_(inputs); }

 private:
  Function<std::vector<Tensor>(const std::vector<Tensor>&)> call_;
};

struct GradcheckOptions {
  /// Step of the differences.
  double eps = 1e-6;
  /// Accepted: |analytic - numeric| <= atol + rtol·|numeric|.
  double atol = 1e-5;
  double rtol = 1e-3;
  /// Instead of the whole Jacobian J (one backward an output element, two calls an input element), compare vᵀJu for
  /// random u and v: one backward, two calls an input. For large inputs; it cannot tell which element is wrong.
  bool fast_mode = false;
  /// Also run on copies of the inputs in other memory layouts (transposed, every second element).
  bool check_layouts = true;
  /// Of the random cotangents and directions.
  std::uint64_t seed = 0;
};

/// `message` names input, element, analytic and numeric value when `ok` is false, and is empty otherwise.
struct GradcheckResult {
  /// Whether all derivatives agree, and if not, which one is wrong.
  bool ok = true;
  std::string message;
};

/// Checks the derivatives of every floating output of `f` with respect to every input that requires grad.
///
/// Beyond the comparison with differences: a random cotangent gives the same combination of rows that the Jacobian
/// gives (the backward is linear in it); a second backward through the same graph, and a second run, have the same
/// bits; a zero cotangent gives zero gradients; gradients have the shape and dtype of their inputs; other memory
/// layouts of the inputs give the same values and gradients. An undefined gradient counts as zero. When no output
/// requires grad the outputs must not depend on the inputs.
///
/// Inputs should be away from kinks. Throws ValueError when no input requires grad or when inputs overlap in memory,
/// DTypeError when an input that requires grad or an output is not float64 (float32 differences are noise); whatever
/// `f` or its backward throws passes through. The inputs and their `.grad` are left alone.
GradcheckResult gradcheck(const CheckedFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {}, SourceLoc loc = SourceLoc::here());

/// The same for the second derivatives: `gradcheck` of the function that maps inputs and cotangents to the gradients.
///
/// `grad_outputs`: one cotangent for each floating output that requires grad; random ones when empty.
GradcheckResult gradgradcheck(const CheckedFunction& f, const std::vector<Tensor>& inputs,
                              const std::vector<Tensor>& grad_outputs = {}, const GradcheckOptions& options = {},
                              SourceLoc loc = SourceLoc::here());

/// `gradcheck` and `gradgradcheck` that throw AutogradError with the message unless all is well.
void require_gradcheck(const CheckedFunction& f, const std::vector<Tensor>& inputs,
                       const GradcheckOptions& options = {}, SourceLoc loc = SourceLoc::here());
void require_gradgradcheck(const CheckedFunction& f, const std::vector<Tensor>& inputs,
                           const std::vector<Tensor>& grad_outputs = {}, const GradcheckOptions& options = {},
                           SourceLoc loc = SourceLoc::here());

}  // namespace slope::autograd
