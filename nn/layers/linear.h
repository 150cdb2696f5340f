#pragma once

#include "slope/nn/module.h"

namespace slope::nn {

struct LinearOptions {
  bool bias = true;
};

/// y = x·Wᵀ + b.
///
/// Shapes: x (..., in_features) -> (..., out_features); weight (out, in), bias (out). Both start as
/// U(-1/√in, 1/√in). Throws ValueError for negative sizes, ShapeError when the last size of x is not in_features.
///
///     nn::Linear fc(8, 1, {.bias = false});
///     Tensor y = fc(x);
class Linear : public Module {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, LinearOptions options = {},
         SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;

  Tensor weight;
  /// Undefined without bias.
  Tensor bias;

 private:
  std::int64_t in_features_, out_features_;
};

/// Gives back its input.
class Identity : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
};

struct FlattenOptions {
  std::int64_t start_dim = 1;
  std::int64_t end_dim = -1;
};

/// Joins dimensions start_dim to end_dim into one.
class Flatten : public Module {
 public:
  explicit Flatten(FlattenOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override { return x.flatten(options_.start_dim, options_.end_dim); }
  std::string extra_repr() const override;

 private:
  FlattenOptions options_;
};

/// Splits dimension `dim` into `sizes`.
class Unflatten : public Module {
 public:
  Unflatten(std::int64_t dim, Shape sizes) : dim_(dim), sizes_(sizes) {}
  Tensor forward(const Tensor& x) override { return x.unflatten(dim_, sizes_); }

 private:
  std::int64_t dim_;
  Shape sizes_;
};

}  // namespace slope::nn
