#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "slope/nn/module.h"

/// Penalties on parameters, to be added to a loss. Each is one operation over all the parameters, differentiable to any order,
/// and equals what writing it out would give.
///
///     Tensor loss = F::binary_cross_entropy(net(x), y) + l2_penalty(net, 1e-3) + l1_penalty(net, 1e-3);
namespace slope::nn {

/// Which parameters a penalty concerns, by their dotted names.
using ParameterFilter = std::function<bool(std::string_view name)>;
/// All whose name does not contain "bias": shrinking a bias costs fit and buys no simplicity.
bool without_bias(std::string_view name);

/// Σ β·|w|, ∂w = β·sign(w), 0 at 0: drives weights to exactly zero. 0 without parameters. Throws ValueError for an undefined
/// tensor, DTypeError for an integral one.
Tensor l1_penalty(const std::vector<Tensor>& parameters, double beta, SourceLoc loc = SourceLoc::here());
Tensor l1_penalty(const Module& module, double beta, const ParameterFilter& filter = without_bias,
                  SourceLoc loc = SourceLoc::here());

/// Σ ½·α·w², ∂w = α·w: with plain SGD the same as a weight_decay of α. Otherwise as l1_penalty.
Tensor l2_penalty(const std::vector<Tensor>& parameters, double alpha, SourceLoc loc = SourceLoc::here());
Tensor l2_penalty(const Module& module, double alpha, const ParameterFilter& filter = without_bias,
                  SourceLoc loc = SourceLoc::here());

/// l1_penalty and l2_penalty in one pass (Zou & Hastie, Regularization and Variable Selection via the Elastic Net,
/// 2005): Σ l1·|w| + ½·l2·w², ∂w = l1·sign(w) + l2·w. Otherwise as l1_penalty.
Tensor elastic_net_penalty(const std::vector<Tensor>& parameters, double l1, double l2,
                           SourceLoc loc = SourceLoc::here());
Tensor elastic_net_penalty(const Module& module, double l1, double l2, const ParameterFilter& filter = without_bias,
                           SourceLoc loc = SourceLoc::here());

/// What group_lasso_penalty drives to zero as a whole.
enum class LassoGroup {
  /// Each w[i] along the first dimension: the weights of one output. Of a vector each number, of a 0-d tensor the
  /// tensor.
  row,
  tensor
};

/// Σ λ·√n_g·‖w_g‖₂ over groups g of n_g numbers (Yuan & Lin, Model Selection and Estimation in Regression with Grouped
/// Variables, 2006): drives whole groups to exactly zero. ∂w_g = λ·√n_g·w_g/‖w_g‖₂, 0 for a group of zeros. Otherwise
/// as l1_penalty.
///
///     Tensor loss = F::mse_loss(net(x), y) + group_lasso_penalty(net, 1e-3);       // unused units fall away
Tensor group_lasso_penalty(const std::vector<Tensor>& parameters, double lambda, LassoGroup group = LassoGroup::row,
                           SourceLoc loc = SourceLoc::here());
Tensor group_lasso_penalty(const Module& module, double lambda, const ParameterFilter& filter = without_bias,
                           LassoGroup group = LassoGroup::row, SourceLoc loc = SourceLoc::here());

/// Σ λ·‖WᵀW - I‖²_F, or ‖WWᵀ - I‖²_F for a W with fewer rows than columns: pulls columns (rows) to be orthonormal
/// (Brock et al., Neural Photo Editing with Introspective Adversarial Networks, 2017). W is the parameter with all
/// dimensions but the first as one. ∂W = 4λ·W·(WᵀW - I), or 4λ·(WWᵀ - I)·W. Of a module only parameters with two or
/// more dimensions count; in a list others throw ShapeError. Otherwise as l1_penalty.
Tensor orthogonality_penalty(const std::vector<Tensor>& parameters, double lambda, SourceLoc loc = SourceLoc::here());
Tensor orthogonality_penalty(const Module& module, double lambda, const ParameterFilter& filter = without_bias,
                             SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn
