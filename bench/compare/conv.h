#pragma once

#include <string>

#include "data.h"

/// Convolutions as nets have them, forward alone and with all three gradients.
namespace compare::conv {

struct Case {
  const char* name;
  /// 1 or 2; of one dimension the height is 1.
  int dims;
  std::int64_t batch, in, out, height, width, kernel_height, kernel_width, stride, padding, groups;
  bool transposed = false;

  std::int64_t out_height() const { return dims == 1 ? 1 : size(height, kernel_height); }
  std::int64_t out_width() const { return size(width, kernel_width); }
  std::vector<std::int64_t> shape(std::int64_t channels, std::int64_t h, std::int64_t w) const {
    return dims == 1 ? std::vector<std::int64_t>{batch, channels, w} : std::vector<std::int64_t>{batch, channels, h, w};
  }
  std::vector<std::int64_t> x_shape() const { return shape(in, height, width); }
  std::vector<std::int64_t> y_shape() const { return shape(out, out_height(), out_width()); }
  std::vector<std::int64_t> weight_shape() const {
    std::vector<std::int64_t> s =
        transposed ? std::vector<std::int64_t>{in, out / groups} : std::vector<std::int64_t>{out, in / groups};
    if (dims == 2) s.push_back(kernel_height);
    s.push_back(kernel_width);
    return s;
  }

 private:
  std::int64_t size(std::int64_t n, std::int64_t k) const {
    return transposed ? (n - 1) * stride - 2 * padding + k : (n + 2 * padding - k) / stride + 1;
  }
};

inline std::vector<Case> cases() {
  return {
      {"conv2d_3x3_n32_64_64_32x32", 2, 32, 64, 64, 32, 32, 3, 3, 1, 1, 1},
      {"conv2d_3x3_n32_16_16_32x32", 2, 32, 16, 16, 32, 32, 3, 3, 1, 1, 1},
      {"conv2d_3x3_n8_256_256_8x8", 2, 8, 256, 256, 8, 8, 3, 3, 1, 1, 1},
      {"conv2d_1x1_n32_64_256_16x16", 2, 32, 64, 256, 16, 16, 1, 1, 1, 0, 1},
      {"conv2d_7x7_s2_n4_3_64_112x112", 2, 4, 3, 64, 112, 112, 7, 7, 2, 3, 1},
      {"conv2d_5x5_n64_1_32_28x28", 2, 64, 1, 32, 28, 28, 5, 5, 1, 2, 1},
      {"conv2d_depthwise_3x3_n32_64_32x32", 2, 32, 64, 64, 32, 32, 3, 3, 1, 1, 64},
      {"conv2d_3x3_n1_8_8_8x8", 2, 1, 8, 8, 8, 8, 3, 3, 1, 1, 1},
      {"conv1d_k5_n32_64_64_l256", 1, 32, 64, 64, 1, 256, 1, 5, 1, 2, 1},
      {"conv_transpose2d_4x4_s2_n16_64_32_16x16", 2, 16, 64, 32, 16, 16, 4, 4, 2, 1, 1, true},
  };
}

inline std::int64_t count(const std::vector<std::int64_t>& shape) {
  std::int64_t n = 1;
  for (const std::int64_t s : shape) n *= s;
  return n;
}
inline std::string name_of(const Case& c, bool backward) {
  return std::string("layer/") + c.name + (backward ? "/fwd+bwd" : "/fwd");
}

// All of one size in the mean, so that no result of a check is small by chance.
inline std::vector<float> x_values(const Case& c) { return normals(count(c.x_shape()), 1); }
inline std::vector<float> weight_values(const Case& c) { return normals(count(c.weight_shape()), 2, 0.1F); }
inline std::vector<float> bias_values(const Case& c) { return normals(c.out, 3); }
inline std::vector<float> grad_values(const Case& c) { return normals(count(c.y_shape()), 4); }

}  // namespace compare::conv
