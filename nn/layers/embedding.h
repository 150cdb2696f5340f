#pragma once

#include <optional>

#include "slope/nn/module.h"

namespace slope::nn {

struct EmbeddingOptions {
  /// Rows of this index receive no gradient, and the module makes it zero in the beginning. Negative ones count from the end.
  std::optional<std::int64_t> padding_idx{};
  /// Rows that are used are scaled down, in place and before they are looked up, to have at most this norm.
  std::optional<double> max_norm{};
  /// The p of that norm.
  double norm_type = 2;
  /// Divides the gradient of a row by the number of times it was used.
  bool scale_grad_by_freq = false;
};

namespace functional {
/// Rows of `weight` (num, dim) by index: int64 indices of any shape (*) -> (*, dim). The gradient of a row is the sum over its
/// uses. Throws IndexError for an index outside [0, num), DTypeError unless indices are int64, ShapeError unless weight is a
/// matrix.
Tensor embedding(In indices, const Tensor& weight, const EmbeddingOptions& options = {});
/// A 1 at the index and 0 elsewhere, int64: (*) -> (*, num_classes); -1 takes the largest index + 1. Throws DTypeError unless
/// indices are int64, ValueError for negative indices, for indices >= num_classes, and when nothing tells the number.
///
///     F::one_hot(tensor({0, 2}))         // [[1, 0, 0], [0, 0, 1]]
Tensor one_hot(In indices, std::int64_t num_classes = -1);
}  // namespace functional

/// F::embedding with its weight (num_embeddings, embedding_dim) as a parameter, which starts as N(0, 1). Throws ValueError for
/// negative sizes and for a padding_idx out of range.
///
///     nn::Embedding words(1000, 16, {.padding_idx = 0});
///     Tensor y = words(tensor({3, 0, 7}));          // (3, 16)
class Embedding : public Module {
 public:
  Embedding() = delete;  // name it where it is declared: nn::Embedding layer = add("layer", nn::Embedding(100, 8));
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, EmbeddingOptions options = {},
            SourceLoc loc = SourceLoc::here());
  /// With given rows; frozen ones require no gradient. Throws ShapeError unless `rows` is a matrix.
  static Embedding from_pretrained(const Tensor& rows, bool freeze = true, EmbeddingOptions options = {},
                                   SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& indices) override;
  std::string extra_repr() const override;

  Parameter weight;

 private:
  Embedding(const Tensor& rows, EmbeddingOptions options, SourceLoc loc);
  EmbeddingOptions options_;
};

}  // namespace slope::nn
