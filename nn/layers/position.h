#pragma once

#include <cstdint>

#include "slope/autograd/tensor/factory.h"
#include "slope/nn/module.h"

/// Where a token stands in its sequence, which attention itself does not see. PyTorch has no such layers: names and options are
/// those of the field, the definitions slope's own.
namespace slope::nn {

struct RotaryOptions {
  /// The wavelengths go from 2π to 2π·base.
  double base = 10000;
  /// The position of the first row, for sequences that are read in pieces.
  std::int64_t offset = 0;
  /// Whether features 2i and 2i+1 are a pair (Su et al.), or i and i + dim/2 (GPT-NeoX, Llama's published weights).
  bool interleaved = true;
};

namespace functional {

/// [length, dim] with sin(t·ω_i) at (t, 2i) and cos(t·ω_i) at (t, 2i+1), ω_i = base^(-2i/dim) (Vaswani et al. 2017). Throws
/// ValueError for negative sizes and unless base is positive.
Tensor sinusoidal_positions(std::int64_t length, std::int64_t dim, double base = 10000,
                            const TensorOptions& options = {}, SourceLoc loc = SourceLoc::here());

/// Rotary position embedding (Su et al. 2021): turns each pair of features of row t by the angle (offset + t)·ω_i, so that the
/// product of a query and a key depends on how far they are apart.
///
/// Shapes: (..., L, dim), as scaled_dot_product_attention takes them -> the same. Throws ShapeError for fewer than two dimensions
/// or an odd dim, ValueError for a negative offset and unless base is positive.
///
///     Tensor y = F::scaled_dot_product_attention(F::rotary_embedding(q), F::rotary_embedding(k), v, {.is_causal = true});
Tensor rotary_embedding(In x, const RotaryOptions& options = {});

}  // namespace functional

struct PositionalEncodingOptions {
  /// Of the sum, in training.
  double dropout = 0.1;
  /// The longest sequence.
  std::int64_t max_len = 5000;
  /// (N, L, E) instead of (L, N, E).
  bool batch_first = false;
};

/// dropout(x + F::sinusoidal_positions): for embeddings x (L, N, d_model), or (N, L, d_model) with batch_first, or (L, d_model). The
/// table is not saved. Throws ValueError for sizes that are negative, ShapeError for an x that does not fit or is longer than
/// max_len.
///
///     Tensor y = nn::PositionalEncoding(64, {.batch_first = true})(embedding(tokens));
class PositionalEncoding : public Module {
 public:
  PositionalEncoding() = delete;  // name it: nn::PositionalEncoding p = add("p", nn::PositionalEncoding(64));
  explicit PositionalEncoding(std::int64_t d_model, PositionalEncodingOptions options = {},
                              SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  /// The table, (max_len, d_model).
  Tensor pe;

 private:
  PositionalEncodingOptions options_;
};

/// F::rotary_embedding as a module, which knows no parameter and may serve all layers of a net.
///
///     nn::RotaryEmbedding rotary = add("rotary", nn::RotaryEmbedding({.interleaved = false}));
class RotaryEmbedding : public Module {
 public:
  explicit RotaryEmbedding(RotaryOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override { return functional::rotary_embedding(x, options_); }
  std::string extra_repr() const override;

 private:
  RotaryOptions options_;
};

}  // namespace slope::nn
