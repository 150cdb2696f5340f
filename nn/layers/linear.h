#pragma once

#include "slope/nn/module.h"

namespace slope::nn {

namespace functional {
/// y[..., o] = Σᵢⱼ x1[..., i]·W[o, i, j]·x2[..., j] + b[o].
///
/// Shapes: x1 (..., in1), x2 (..., in2) with the same leading sizes, weight (out, in1, in2), bias (out) or undefined; result
/// (..., out). Throws ShapeError.
Tensor bilinear(In x1, const Tensor& x2, const Tensor& weight, const Tensor& bias = {});
}  // namespace functional

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
  Linear() = delete;  // name it where it is declared: nn::Linear layer = add("layer", nn::Linear(2, 4));
  Linear(std::int64_t in_features, std::int64_t out_features, LinearOptions options = {},
         SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;

  Parameter weight;
  /// Undefined without bias.
  Parameter bias;

 private:
  std::int64_t in_features_, out_features_;
};

/// F::bilinear with its weight and bias as parameters, which start as U(-1/√in1, 1/√in1). Throws ValueError unless in1 is
/// positive and the other sizes are not negative.
///
///     nn::Bilinear score(8, 4, 1);
///     Tensor y = score(query, key);
class Bilinear : public Module {
 public:
  Bilinear() = delete;  // name it where it is declared: nn::Bilinear layer = add("layer", nn::Bilinear(2, 3, 4));
  Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features, LinearOptions options = {},
           SourceLoc loc = SourceLoc::here());
  using Module::forward;
  Tensor forward(const Tensor& x1, const Tensor& x2);
  Tensor operator()(In x1, const Tensor& x2) {
    return run(x1, [&](const Tensor& x) { return forward(x, x2); });
  }
  std::string extra_repr() const override;
  std::int64_t macs(const Shape& output_shape) const override;

  Parameter weight;
  /// Undefined without bias.
  Parameter bias;
};

/// Gives back its input. Arguments of the constructor are ignored, so that it can stand in for another layer.
///
///     Tensor y = nn::Identity(8, 1)(x);  // x
class Identity : public Module {
 public:
  template <class... Ignored>
    requires(!(sizeof...(Ignored) == 1 && (std::is_same_v<std::remove_cvref_t<Ignored>, Identity> && ...)))
  explicit Identity(const Ignored&...) {}
  Tensor forward(const Tensor& x) override { return x; }
};

struct FlattenOptions {
  std::int64_t start_dim = 1;
  std::int64_t end_dim = -1;
};

/// Joins dimensions start_dim to end_dim into one; by default all but the first, the batch. Throws what `flatten` does.
///
///     Tensor y = nn::Flatten()(ones({2, 3, 4}));  // (2, 12)
class Flatten : public Module {
 public:
  explicit Flatten(FlattenOptions options = {}) : options_(options) {}
  explicit Flatten(std::int64_t start_dim, std::int64_t end_dim = -1) : options_{start_dim, end_dim} {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  FlattenOptions options_;
};

/// Splits dimension `dim` into `sizes`, one of which may be -1. Throws what `unflatten` does.
///
///     Tensor y = nn::Unflatten(1, {3, 4})(ones({2, 12}));  // (2, 3, 4)
class Unflatten : public Module {
 public:
  Unflatten(std::int64_t dim, const Shape& sizes) : dim_(dim), sizes_(sizes) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  std::int64_t dim_;
  Shape sizes_;
};

}  // namespace slope::nn
