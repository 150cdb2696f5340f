#pragma once

#include "data.h"

/// Looking up rows of a table, and their gradient, which is as large as the table.
namespace compare::embedding {

inline constexpr std::int64_t rows = 50'000, width = 128, indices = 2048;
inline constexpr const char* forward_name = "layer/embedding_50000x128_2048/fwd";
inline constexpr const char* backward_name = "layer/embedding_50000x128_2048/fwd+bwd";

inline std::vector<float> table() { return normals(rows * width, 1); }
inline std::vector<std::int64_t> chosen() { return integers(indices, 2, 0, rows); }
inline std::vector<float> grad() { return normals(indices * width, 3); }

}  // namespace compare::embedding
