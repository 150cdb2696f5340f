#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "work.h"

/// Numbers that are the same for all contestants.
namespace compare {

inline std::vector<float> normals(std::int64_t n, unsigned seed, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = normal(random);
  return x;
}

inline std::vector<float> uniforms(std::int64_t n, unsigned seed, float low = 0, float high = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(low, high);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = unit(random);
  return x;
}

/// In [low, high).
inline std::vector<std::int64_t> integers(std::int64_t n, unsigned seed, std::int64_t low, std::int64_t high) {
  std::mt19937 random(seed);
  std::vector<std::int64_t> x(static_cast<std::size_t>(n));
  for (std::int64_t& v : x) v = low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low));
  return x;
}

using bench::magnitude;
inline double magnitude(const std::vector<float>& x) {
  return magnitude(x.data(), static_cast<std::int64_t>(x.size()));
}

}  // namespace compare
