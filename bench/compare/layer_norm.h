#pragma once

#include <string>

#include "data.h"

/// Normalisation while training, and what else works on elements and rows of a layer's output.
namespace compare::layer_norm {

enum class Kind { batch, layer, group, instance, dropout, gelu, silu, leaky_relu, softmax, log_softmax };

struct Layer {
  const char* name;
  Kind kind;
  std::vector<std::int64_t> shape;
  std::int64_t weights = 0;  ///< entries of weight and bias, for those that have them
};

inline constexpr std::int64_t groups = 8;

inline const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {"batch_norm2d_n32_64_32x32", Kind::batch, {32, 64, 32, 32}, 64},
      {"batch_norm1d_n128_512", Kind::batch, {128, 512}, 512},
      {"layer_norm_1024x768", Kind::layer, {1024, 768}, 768},
      {"group_norm_8_n32_64_32x32", Kind::group, {32, 64, 32, 32}, 64},
      {"instance_norm2d_n32_64_32x32", Kind::instance, {32, 64, 32, 32}, 64},
      {"dropout_0.5_1M", Kind::dropout, {1'000'000}},
      {"gelu_1M", Kind::gelu, {1'000'000}},
      {"silu_1M", Kind::silu, {1'000'000}},
      {"leaky_relu_1M", Kind::leaky_relu, {1'000'000}},
      {"softmax_1024x1024", Kind::softmax, {1024, 1024}},
      {"log_softmax_1024x1024", Kind::log_softmax, {1024, 1024}},
  };
  return all;
}

inline std::int64_t elements(const Layer& l) {
  std::int64_t n = 1;
  for (const std::int64_t s : l.shape) n *= s;
  return n;
}
inline std::string name_of(const Layer& l, bool backward) {
  return std::string("layer/") + l.name + (backward ? "/fwd+bwd" : "/fwd");
}
inline std::vector<float> input(const Layer& l) { return normals(elements(l), 1); }
inline std::vector<float> gradient(const Layer& l) { return normals(elements(l), 2); }
inline std::vector<float> weight(const Layer& l) { return uniforms(l.weights, 3, 0.5f, 1.5f); }
inline std::vector<float> bias(const Layer& l) { return normals(l.weights, 4); }

/// What is compared of numbers that are half dropped and doubled: everybody drops others, so the sum is known to 1 %.
inline constexpr double tolerance_of_dropout = 0.01;

}  // namespace compare::layer_norm
