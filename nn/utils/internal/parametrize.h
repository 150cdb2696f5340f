#pragma once

#include "slope/nn/internal/computed_parameters.h"

/// What parametrizations, the older functions beside them and pruning share.
namespace slope::nn::utils::detail {

/// The first of a parameter's parametrizations, called with all that it computes from.
Tensor computed_from(Module& rule, const std::vector<Tensor>& originals);
/// Throws ValueError unless the module has this parameter and does not compute it.
void require_parameter(const char* op, const Module& m, const std::string& name, SourceLoc loc);
/// From now on the module computes the parameter, whose entry is gone; it has this value now; `by` is for messages.
void start_computing(Module& m, nn::detail::ComputedParameter one, const char* by, const Tensor& value);
/// Other names under which a state dict may hold what a parametrized parameter is computed from.
void also_spelled(Module& m, const std::string& name, std::vector<std::pair<std::string, std::string>> spellings);

}  // namespace slope::nn::utils::detail
