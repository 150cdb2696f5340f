#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "slope/nn/module.h"

namespace slope::nn::utils {

struct SpectralNormOptions {
  /// Steps of power iteration in each forward in training.
  std::int64_t n_power_iterations = 1;
  /// A lower bound of the norms that are divided by.
  double eps = 1e-12;
  /// Which dimension counts the rows; by default that of the outputs: 1 for transposed convolutions, else 0.
  std::optional<std::int64_t> dim{};
};

namespace parametrizations {

/// w = g·v/‖v‖: direction v and length g of a weight are trained apart (Salimans and Kingma 2016). The norm is over all
/// dimensions but `dim`, over all for none and -1. g starts as ‖w‖, v as w; they are the parameters
/// `parametrizations.<name>.original0` and `original1`. Loads what the older `nn::utils::weight_norm` saved, and the other way round.
/// Undone by `remove_parametrizations`; errors as `register_parametrization`, IndexError for another `dim`.
///
///     nn::Conv1d conv(8, 8, 3);
///     nn::utils::parametrizations::weight_norm(conv);
void weight_norm(Module& module, const std::string& name = "weight", std::optional<std::int64_t> dim = 0,
                 SourceLoc loc = SourceLoc::here());

/// w/σ, σ being the largest singular value of w as a matrix with dimension `dim` first (Miyato et al. 2018). It is found by power
/// iteration: each forward in training does n times u = W·v/‖W·v‖, v = Wᵀ·u/‖Wᵀ·u‖, and σ = uᵀ·W·v, in which u and v count as
/// constants. They are the buffers `parametrizations.<name>.0._u` and `._v`, random unit vectors after 15 steps. A vector is
/// divided by its norm. Throws ValueError unless n_power_iterations > 0; otherwise as weight_norm.
///
///     nn::utils::parametrizations::spectral_norm(critic.fc, "weight", {.n_power_iterations = 2});
void spectral_norm(Module& module, const std::string& name = "weight", const SpectralNormOptions& options = {},
                   SourceLoc loc = SourceLoc::here());

}  // namespace parametrizations

/// parametrizations::weight_norm in the older form: g and v are parameters `<name>_g` and `<name>_v` of the module itself.
///
///     nn::utils::weight_norm(fc);                // fc.state_dict() has bias, weight_g, weight_v
///     nn::utils::remove_weight_norm(fc);
void weight_norm(Module& module, const std::string& name = "weight", std::optional<std::int64_t> dim = 0,
                 SourceLoc loc = SourceLoc::here());
/// Makes the parameter an ordinary one again. Throws ValueError when there is no weight_norm of this form.
void remove_weight_norm(Module& module, const std::string& name = "weight", SourceLoc loc = SourceLoc::here());
/// parametrizations::spectral_norm in the older form: parameter `<name>_orig`, buffers `<name>_u` and `<name>_v` of the module
/// itself.
void spectral_norm(Module& module, const std::string& name = "weight", const SpectralNormOptions& options = {},
                   SourceLoc loc = SourceLoc::here());
/// Makes the parameter an ordinary one again. Throws ValueError when there is no spectral_norm of this form.
void remove_spectral_norm(Module& module, const std::string& name = "weight", SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn::utils
