#pragma once

#include <string>

#include "data.h"

/// Products of square matrices.
namespace compare::gemm {

inline std::vector<std::int64_t> sizes() { return {64, 256, 1024}; }

template <class T>
std::string name_of(std::int64_t n) {
  return "gemm/" + std::to_string(n) + (sizeof(T) == 4 ? "/f32" : "/f64");
}

template <class T>
std::vector<T> matrix(std::int64_t n, unsigned seed) {
  const std::vector<float> x = normals(n * n, seed);
  return {x.begin(), x.end()};
}

}  // namespace compare::gemm
