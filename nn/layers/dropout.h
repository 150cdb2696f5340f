#pragma once

#include "slope/nn/module.h"

namespace slope::nn {

struct DropoutOptions {
  /// Probability of being dropped.
  double p = 0.5;
};

namespace functional {

/// While training, zeroes each element with probability p and multiplies the others by 1/(1-p), so that the expectation
/// stays (Srivastava et al. 2014); otherwise, and for p = 0, returns the tensor itself.
///
/// The mask is drawn from the default generator, the same for every thread count, and not kept: backward computes it again.
/// ∂x = g/(1-p) where kept, else 0. p = 1 gives zeros. Throws ValueError unless 0 <= p <= 1, DTypeError unless x is floating.
///
///     Tensor y = F::dropout(x, 0.2, is_training());
Tensor dropout(In x, double p = 0.5, bool training = true);
/// The same for whole channels, that is the last L, (H, W) or (D, H, W) elements of one index before them. Shapes: (N, C, L) or
/// (C, L); (N, C, H, W) or (C, H, W); (N, C, D, H, W) or (C, D, H, W). Throws ShapeError for others.
Tensor dropout1d(In x, double p = 0.5, bool training = true);
Tensor dropout2d(In x, double p = 0.5, bool training = true);
Tensor dropout3d(In x, double p = 0.5, bool training = true);
/// Sets dropped elements to the limit of SELU at -∞ and maps all by a·x + b, so that mean 0 and variance 1 stay
/// (Klambauer et al. 2017). Errors as `dropout`.
Tensor alpha_dropout(In x, double p = 0.5, bool training = true);
/// The same for whole channels: all elements of one (n, c) of (N, C, *). Throws ShapeError for fewer than two dimensions.
Tensor feature_alpha_dropout(In x, double p = 0.5, bool training = true);

}  // namespace functional

/// A function of (x, p, training) as a module: active in training mode. Throws ValueError unless 0 <= p <= 1.
template <auto function>
class DropoutModule : public Module {
 public:
  explicit DropoutModule(DropoutOptions options = {}, SourceLoc loc = SourceLoc::here()) : p_(options.p) {
    require_probability(loc);
  }
  explicit DropoutModule(double p, SourceLoc loc = SourceLoc::here()) : p_(p) { require_probability(loc); }
  Tensor forward(const Tensor& x) override { return function(x, p_, is_training()); }
  std::string extra_repr() const override { return concat("p=", p_); }

 private:
  void require_probability(SourceLoc loc) const {
    if (!(p_ >= 0 && p_ <= 1))
      throw ValueError(concat("dropout: dropout probability has to be between 0 and 1, but got ", p_), loc);
  }
  double p_;
};

/// F::dropout as a module: `nn::Dropout(0.2)` or `nn::Dropout({.p = 0.2})`.
class Dropout : public DropoutModule<functional::dropout> {
  using DropoutModule::DropoutModule;
};
class Dropout1d : public DropoutModule<functional::dropout1d> {
  using DropoutModule::DropoutModule;
};
class Dropout2d : public DropoutModule<functional::dropout2d> {
  using DropoutModule::DropoutModule;
};
class Dropout3d : public DropoutModule<functional::dropout3d> {
  using DropoutModule::DropoutModule;
};
class AlphaDropout : public DropoutModule<functional::alpha_dropout> {
  using DropoutModule::DropoutModule;
};
class FeatureAlphaDropout : public DropoutModule<functional::feature_alpha_dropout> {
  using DropoutModule::DropoutModule;
};

}  // namespace slope::nn
