#pragma once

#include "slope/nn/module.h"

namespace slope {

namespace nn {

namespace functional {
/// While training, zeroes each element with probability p and scales the rest by 1/(1-p) (Srivastava et al. 2014); otherwise
/// the tensor itself. The mask is the same for every thread count. Throws ValueError unless 0 <= p <= 1.
Tensor dropout(In x, double p = 0.5, bool training = true);
/// The same for whole channels: dimension 1 of (N, C, ...).
Tensor feature_dropout(In x, double p = 0.5, bool training = true);
/// Keeps mean and variance of SELU activations (Klambauer et al. 2017).
Tensor alpha_dropout(In x, double p = 0.5, bool training = true);
}  // namespace functional

/// A dropout function with its probability, active while training.
template <auto function>
class DropoutModule : public Module {
 public:
  explicit DropoutModule(double p = 0.5, SourceLoc loc = SourceLoc::here()) : p_(p) {
    if (!(p >= 0 && p <= 1))
      throw ValueError(concat("Dropout: dropout probability has to be between 0 and 1, but got ", p), loc);
  }
  Tensor forward(const Tensor& x) override { return function(x, p_, is_training()); }
  std::string extra_repr() const override { return concat("p=", p_); }

 private:
  double p_;
};

class Dropout : public DropoutModule<functional::dropout> {
  using DropoutModule::DropoutModule;
};
class Dropout1d : public DropoutModule<functional::feature_dropout> {
  using DropoutModule::DropoutModule;
};
class Dropout2d : public DropoutModule<functional::feature_dropout> {
  using DropoutModule::DropoutModule;
};
class AlphaDropout : public DropoutModule<functional::alpha_dropout> {
  using DropoutModule::DropoutModule;
};

}  // namespace nn
}  // namespace slope
