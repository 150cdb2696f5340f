#pragma once

#include <optional>

#include "slope/autograd/tensor/tensor.h"

/// What Embedding and EmbeddingBag share.
namespace slope::nn::detail {

/// The padding index counted from the front. Throws ValueError when it is out of range.
std::optional<std::int64_t> resolve_padding(const char* op, std::optional<std::int64_t> padding, std::int64_t rows,
                                            SourceLoc loc);
/// Throws ValueError for a negative norm.
void check_max_norm(const char* op, std::optional<double> max_norm, SourceLoc loc);
/// How often each row occurs among the indices, int64.
Tensor occurrences(const Tensor& indices, std::int64_t rows);
/// Scales the rows of these indices down to a p-norm of at most `max_norm`, each once, in place and unrecorded.
void renormalise(const Tensor& weight, const Tensor& indices, double max_norm, double p);
/// What a new layer starts with. Throws ValueError for negative sizes and for a padding index out of range.
Tensor normal_rows(const char* op, std::int64_t num, std::int64_t dim, std::optional<std::int64_t> padding_idx,
                   SourceLoc loc);
/// Given rows, detached. Throws ShapeError unless they are a matrix.
Tensor pretrained_rows(const char* op, const Tensor& rows, SourceLoc loc);

}  // namespace slope::nn::detail
