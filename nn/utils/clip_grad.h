#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "slope/nn/module.h"

/// What is done with all parameters of a model at once.
namespace slope::nn::utils {

/// The parameters a function works on: a module's, or a list of tensors.
///
///     clip_grad_norm_(net, 1.0);
///     clip_grad_norm_(net.fc1.parameters(), 1.0);
struct ParameterTensors {
  ParameterTensors(const Module& module, SourceLoc loc = SourceLoc::here()) : tensors(module.parameters(true, loc)) {}
  ParameterTensors(std::vector<Tensor> list) : tensors(std::move(list)) {}
  ParameterTensors(std::initializer_list<Tensor> list) : tensors(list) {}

  /// The tensors.
  std::vector<Tensor> tensors;
};

struct ClipGradNormOptions {
  /// p > 0, may be infinite.
  double norm_type = 2;
  /// Whether a total that is NaN or infinite throws, instead of making the gradients NaN or 0.
  bool error_if_nonfinite = false;
};

/// (Σ|x|^p)^(1/p) over the elements of all tensors, for p = ∞ their largest magnitude; 0-d, of the tensors' common dtype. It
/// is computed in float64 and scaled where powers would leave its range. Throws ValueError unless p > 0, and for a total that
/// is not finite if asked to; DTypeError for tensors that are not floating.
///
///     Tensor norm = nn::utils::get_total_norm({a, b}, {.norm_type = 1});
Tensor get_total_norm(const std::vector<Tensor>& tensors, const ClipGradNormOptions& options = {},
                      SourceLoc loc = SourceLoc::here());

/// Multiplies all gradients in place by min(1, max_norm/(total + 1e-6)), total being their norm, which it returns (0 without
/// gradients). Parameters without gradient are skipped. A total that is infinite makes infinite gradients NaN and others 0,
/// one that is NaN makes all NaN. Throws as get_total_norm, ValueError for a max_norm that is negative or NaN; nothing has
/// changed then (Pascanu et al. 2013).
///
///     loss.backward();
///     nn::utils::clip_grad_norm_(net, 1.0);
///     opt.step();
Tensor clip_grad_norm_(const ParameterTensors& parameters, double max_norm, const ClipGradNormOptions& options = {},
                       SourceLoc loc = SourceLoc::here());
/// The second half of clip_grad_norm_, for a total that was computed before.
void clip_grads_with_norm_(const ParameterTensors& parameters, double max_norm, const Tensor& total_norm,
                           SourceLoc loc = SourceLoc::here());
/// Limits each element of all gradients to [-clip_value, clip_value], in place. Throws ValueError for a negative or NaN value.
///
///     nn::utils::clip_grad_value_(net, 0.5);
void clip_grad_value_(const ParameterTensors& parameters, double clip_value, SourceLoc loc = SourceLoc::here());

/// All elements of all parameters, one after the other, in one vector. Differentiable. Throws ValueError without parameters.
///
///     Tensor all = nn::utils::parameters_to_vector(net);
Tensor parameters_to_vector(const ParameterTensors& parameters, SourceLoc loc = SourceLoc::here());
/// Writes the elements of a vector into the parameters, in place and in their order. Throws ShapeError unless it has as many as
/// they have, DTypeError unless it is floating; nothing has changed then.
///
///     nn::utils::vector_to_parameters(all * 0.5, net);
void vector_to_parameters(In vector, const ParameterTensors& parameters);

}  // namespace slope::nn::utils
