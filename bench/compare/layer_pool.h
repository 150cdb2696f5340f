#pragma once

#include <string>

#include "data.h"

/// Pooling and resampling: layers that do little but read and write memory.
namespace compare::layer_pool {

enum class Kind { max_pool, avg_pool, adaptive_avg_pool, nearest, bilinear };

struct Layer {
  const char* name;
  Kind kind;
  std::int64_t batch, out_size;
};

inline constexpr std::int64_t channels = 64, size = 32;

inline const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {"max_pool2d_2_n32_64_32x32", Kind::max_pool, 32, 16},
      {"avg_pool2d_2_n32_64_32x32", Kind::avg_pool, 32, 16},
      {"adaptive_avg_pool2d_1_n32_64_32x32", Kind::adaptive_avg_pool, 32, 1},
      {"interpolate_nearest_x2_n8_64_32x32", Kind::nearest, 8, 64},
      {"interpolate_bilinear_x2_n8_64_32x32", Kind::bilinear, 8, 64},
  };
  return all;
}

inline std::string name_of(const Layer& l, bool backward) {
  return std::string("layer/") + l.name + (backward ? "/fwd+bwd" : "/fwd");
}
inline std::vector<float> input(const Layer& l) { return normals(l.batch * channels * size * size, 1); }
inline std::vector<float> gradient(const Layer& l) { return normals(l.batch * channels * l.out_size * l.out_size, 2); }

}  // namespace compare::layer_pool
