#pragma once

#include "data.h"

/// What an operation costs beside its arithmetic: chains of y ← y·c, y ← y + c on one element, and a small layer.
namespace compare::op {

/// Operations in a chain.
inline constexpr std::int64_t chain = 1000;
/// The chains whose cost should grow like their length, and the longest that libtorch gets: it frees a graph by
/// recursion.
inline std::vector<std::int64_t> growing_chains() { return {10, 100, 1000, 10'000, 100'000, 1'000'000}; }
inline constexpr std::int64_t longest_for_torch = 100'000;

inline constexpr std::int64_t batch = 100, in_features = 4, out_features = 8;
inline std::vector<float> input() { return normals(batch * in_features, 1); }
inline std::vector<float> weight() { return normals(out_features * in_features, 2); }
inline std::vector<float> bias() { return normals(out_features, 3); }

}  // namespace compare::op
