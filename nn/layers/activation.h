#pragma once

#include <string_view>

#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/nn/module.h"

/// Activations as modules: each calls the function of slope/autograd/ops/pointwise/activation.h or softmax.h, where formula, derivative and
/// kinks are stated. Options are given by name, and a single number also by itself:
///
///     nn::LeakyReLU({.negative_slope = 0.2});      nn::LeakyReLU(0.2);      nn::Softmax(1);
///
/// Options outside their domain throw ValueError when the module is made.
namespace slope::nn {

/// A function of one tensor as a module.
template <Tensor (*function)(In)>
class PlainActivation : public Module {
 public:
  Tensor forward(const Tensor& x) override { return function(x); }
};

class ReLU : public PlainActivation<slope::relu> {};
class ReLU6 : public PlainActivation<slope::relu6> {};
class SELU : public PlainActivation<slope::selu> {};
class SiLU : public PlainActivation<slope::silu> {};
class Mish : public PlainActivation<slope::mish> {};
class Sigmoid : public PlainActivation<slope::sigmoid> {};
class LogSigmoid : public PlainActivation<slope::logsigmoid> {};
class Tanh : public PlainActivation<slope::tanh> {};
class Hardsigmoid : public PlainActivation<slope::hardsigmoid> {};
class Hardswish : public PlainActivation<slope::hardswish> {};
class Softsign : public PlainActivation<slope::softsign> {};
class Tanhshrink : public PlainActivation<slope::tanhshrink> {};

struct LeakyReLUOptions {
  double negative_slope = 0.01;
};
class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(LeakyReLUOptions options = {}) : options_(options) {}
  explicit LeakyReLU(double negative_slope) : options_{negative_slope} {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  LeakyReLUOptions options_;
};

struct ELUOptions {
  double alpha = 1;
};
class ELU : public Module {
 public:
  explicit ELU(ELUOptions options = {}) : options_(options) {}
  explicit ELU(double alpha) : options_{alpha} {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  ELUOptions options_;
};

struct CELUOptions {
  /// Not 0.
  double alpha = 1;
};
class CELU : public Module {
 public:
  explicit CELU(CELUOptions options = {}, SourceLoc loc = SourceLoc::here());
  explicit CELU(double alpha, SourceLoc loc = SourceLoc::here()) : CELU(CELUOptions{alpha}, loc) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  CELUOptions options_;
};

struct HardtanhOptions {
  double min_val = -1;
  /// At least min_val.
  double max_val = 1;
};
class Hardtanh : public Module {
 public:
  explicit Hardtanh(HardtanhOptions options = {}, SourceLoc loc = SourceLoc::here());
  Hardtanh(double min_val, double max_val, SourceLoc loc = SourceLoc::here())
      : Hardtanh(HardtanhOptions{min_val, max_val}, loc) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  HardtanhOptions options_;
};

struct GELUOptions {
  GeluApproximation approximate = GeluApproximation::none;
};
class GELU : public Module {
 public:
  explicit GELU(GELUOptions options = {}) : options_(options) {}
  /// "none" or "tanh".
  explicit GELU(std::string_view approximate, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  GELUOptions options_;
};

struct SoftplusOptions {
  /// Not 0.
  double beta = 1;
  double threshold = 20;
};
class Softplus : public Module {
 public:
  explicit Softplus(SoftplusOptions options = {}, SourceLoc loc = SourceLoc::here());
  explicit Softplus(double beta, double threshold = 20, SourceLoc loc = SourceLoc::here())
      : Softplus(SoftplusOptions{beta, threshold}, loc) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  SoftplusOptions options_;
};

struct SoftshrinkOptions {
  /// Not negative.
  double lambda = 0.5;
};
class Softshrink : public Module {
 public:
  explicit Softshrink(SoftshrinkOptions options = {}, SourceLoc loc = SourceLoc::here());
  explicit Softshrink(double lambda, SourceLoc loc = SourceLoc::here()) : Softshrink(SoftshrinkOptions{lambda}, loc) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  SoftshrinkOptions options_;
};

struct HardshrinkOptions {
  double lambda = 0.5;
};
class Hardshrink : public Module {
 public:
  explicit Hardshrink(HardshrinkOptions options = {}) : options_(options) {}
  explicit Hardshrink(double lambda) : options_{lambda} {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  HardshrinkOptions options_;
};

struct ThresholdOptions {
  double threshold = 0;
  double value = 0;
};
class Threshold : public Module {
 public:
  explicit Threshold(ThresholdOptions options) : options_(options) {}
  Threshold(double threshold, double value) : options_{threshold, value} {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  ThresholdOptions options_;
};

// ---- along a dimension

struct DimOptions {
  std::int64_t dim = -1;
};
/// A function of a tensor and a dimension as a module.
class DimActivation : public Module {
 public:
  explicit DimActivation(DimOptions options) : dim_(options.dim) {}
  explicit DimActivation(std::int64_t dim) : dim_(dim) {}
  std::string extra_repr() const override { return concat("dim=", dim_); }

 protected:
  /// The dimension.
  std::int64_t dim_;
};
class Softmax : public DimActivation {
 public:
  using DimActivation::DimActivation;
  Tensor forward(const Tensor& x) override;
};
class LogSoftmax : public DimActivation {
 public:
  using DimActivation::DimActivation;
  Tensor forward(const Tensor& x) override;
};
class Softmin : public DimActivation {
 public:
  using DimActivation::DimActivation;
  Tensor forward(const Tensor& x) override;
};
/// Softmax over the channels at each place: (N, C, H, W) or (C, H, W). Throws ShapeError for other inputs.
class Softmax2d : public Module {
 public:
  Tensor forward(const Tensor& x) override;
};
class GLU : public DimActivation {
 public:
  using DimActivation::DimActivation;
  GLU() : DimActivation(-1) {}
  Tensor forward(const Tensor& x) override;
};

// ---- with state

struct PReLUOptions {
  /// 1, or the size of dimension 1 of the inputs.
  std::int64_t num_parameters = 1;
  double init = 0.25;
};
/// prelu with its weight (num_parameters) as a parameter. Throws ValueError unless num_parameters is positive.
class PReLU : public Module {
 public:
  explicit PReLU(PReLUOptions options = {}, SourceLoc loc = SourceLoc::here());
  explicit PReLU(std::int64_t num_parameters, SourceLoc loc = SourceLoc::here())
      : PReLU(PReLUOptions{.num_parameters = num_parameters}, loc) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  Parameter weight;
};

struct RReLUOptions {
  double lower = 1.0 / 8;
  /// At least lower.
  double upper = 1.0 / 3;
};
class RReLU : public Module {
 public:
  explicit RReLU(RReLUOptions options = {}, SourceLoc loc = SourceLoc::here());
  RReLU(double lower, double upper, SourceLoc loc = SourceLoc::here()) : RReLU(RReLUOptions{lower, upper}, loc) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  RReLUOptions options_;
};

namespace functional {
/// x > 0 ? x : a·x; while training `a` is drawn from U(lower, upper) for each element, otherwise it is the middle (Xu et al. 2015).
/// Throws ValueError unless lower <= upper.
Tensor rrelu(In x, double lower = 1.0 / 8, double upper = 1.0 / 3, bool training = false);
}  // namespace functional

}  // namespace slope::nn
