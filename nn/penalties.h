#pragma once

#include <string_view>
#include <vector>

#include "slope/nn/module.h"

/// Penalties on parameters, to be added to a loss. Each is one operation over all the parameters, differentiable to any order,
/// and equals what writing it out would give.
///
///     Tensor loss = F::binary_cross_entropy(net(x), y) + l2_penalty(net, 1e-3) + l1_penalty(net, 1e-3);
namespace slope::nn {

/// Which parameters a penalty concerns, by their dotted names.
using ParameterFilter = Function<bool(std::string_view name)>;
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

}  // namespace slope::nn
