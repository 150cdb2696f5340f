#pragma once

#include <optional>
#include <string>

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

struct EmbeddingBagOptions {
  /// As in EmbeddingOptions.
  std::optional<double> max_norm{};
  double norm_type = 2;
  bool scale_grad_by_freq = false;
  /// What becomes of the rows of a bag: "sum", "mean" or "max".
  std::string mode = "mean";
  /// Whether the last of the offsets is the end of the last bag, not the beginning of another one.
  bool include_last_offset = false;
  /// Rows of this index take no part in their bags, receive no gradient, and the module makes them zero in the beginning. Negative
  /// ones count from the end.
  std::optional<std::int64_t> padding_idx{};
};

namespace functional {
/// Rows of `weight` (num, dim) by index: int64 indices of any shape (*) -> (*, dim). The gradient of a row is the sum over its
/// uses. Throws IndexError for an index outside [0, num), DTypeError unless indices are int64, ShapeError unless weight is a
/// matrix, ValueError for a padding_idx out of range and a negative max_norm.
Tensor embedding(In indices, const Tensor& weight, const EmbeddingOptions& options = {});
/// Sums, means or maxima of bags of rows of `weight` (num, dim), without storing those rows. `input` is int64: (bags, length), or (n) with
/// `offsets`, int64, which say where each bag begins; the last one ends at n, or at the last offset with include_last_offset. With
/// mode "sum" rows may be multiplied by `per_sample_weights`, of the shape of `input`. Bags of nothing give 0.
///
/// Result (bags, dim). Differentiable to any order by weight, where the first of equal maxima gets the gradient, and by
/// per_sample_weights; a row of weight 0 adds exactly 0. scale_grad_by_freq divides a row's gradient by the number of its occurrences in
/// `input`. Throws IndexError for an index outside [0, num), DTypeError for indices and offsets other than int64 and weights of
/// another dtype, ShapeError for shapes other than these, ValueError for offsets that do not begin with 0, decrease or pass n, for an
/// unknown mode, weights with another mode than sum, max with scale_grad_by_freq, a padding_idx out of range, a negative max_norm.
///
///     Tensor y = F::embedding_bag(tensor({3, 0, 7}), weight, tensor({0, 1}), {}, {.mode = "sum"});  // rows 3 and 0 + 7
Tensor embedding_bag(In input, const Tensor& weight, const Tensor& offsets = {}, const Tensor& per_sample_weights = {},
                     const EmbeddingBagOptions& options = {});
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

/// F::embedding_bag with its weight (num_embeddings, embedding_dim) as a parameter, which starts as N(0, 1). Throws ValueError for
/// negative sizes and for options that F::embedding_bag refuses.
///
///     nn::EmbeddingBag words(1000, 16, {.mode = "sum"});
///     Tensor y = words(tensor({3, 0, 7}), tensor({0, 2}));  // (2, 16)
class EmbeddingBag : public Module {
 public:
  EmbeddingBag() = delete;  // name it where it is declared: nn::EmbeddingBag b = add("b", nn::EmbeddingBag(100, 8));
  EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim, EmbeddingBagOptions options = {},
               SourceLoc loc = SourceLoc::here());
  /// With given rows; frozen ones require no gradient. Throws ShapeError unless `rows` is a matrix.
  static EmbeddingBag from_pretrained(const Tensor& rows, bool freeze = true, EmbeddingBagOptions options = {},
                                      SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& input) override;
  Tensor forward(const Tensor& input, const Tensor& offsets, const Tensor& per_sample_weights = {});
  Tensor operator()(In input, const Tensor& offsets = {}, const Tensor& per_sample_weights = {}) {
    return run(input, [&](const Tensor& x) { return forward(x, offsets, per_sample_weights); });
  }
  std::string extra_repr() const override;

  Parameter weight;

 private:
  EmbeddingBag(const Tensor& rows, EmbeddingBagOptions options, SourceLoc loc);
  EmbeddingBagOptions options_;
};

}  // namespace slope::nn
