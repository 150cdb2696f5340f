#pragma once

#include <string>

#include "data.h"

/// Attention and a transformer's layer as nets have them: 128 positions, a batch of 8, 256 features, 8 heads.
namespace compare::attention {

inline constexpr std::int64_t positions = 128, batch = 8, width = 256, heads = 8, hidden = 1024;
inline constexpr double dropout = 0.1;

inline std::vector<float> input() { return normals(positions * batch * width, 1); }
inline std::vector<float> grad() { return normals(positions * batch * width, 2); }
/// Parameter number i, a matrix or a vector, small enough for the softmax not to saturate.
inline std::vector<float> parameter(std::size_t i, std::int64_t n) {
  return uniforms(n, static_cast<unsigned>(10 + i), -0.06F, 0.06F);
}

/// What is measured: attention with its weights, as it is called by default, and without; a layer while training.
enum class What { attention, without_weights, encoder_layer };
inline std::string name_of(What what, bool backward) {
  const char* const name = what == What::attention         ? "mha_l128_n8_e256_h8"
                           : what == What::without_weights ? "mha_without_weights_l128_n8_e256_h8"
                                                           : "transformer_encoder_layer_l128_n8_e256_f1024_train";
  return std::string("layer/") + name + (backward ? "/fwd+bwd" : "/fwd");
}
inline constexpr What all[] = {What::attention, What::without_weights, What::encoder_layer};

}  // namespace compare::attention
