#pragma once

#include "slope/autograd/ops/activation.h"
#include "slope/nn/module.h"

/// Activations as modules: each calls the function of slope/autograd/ops/activation.h or softmax.h that its comment names.
namespace slope::nn {

#define SLOPE_PLAIN_ACTIVATION(Name)                \
  class Name : public Module {                      \
   public:                                          \
    Tensor forward(const Tensor& x) override;       \
  };
SLOPE_PLAIN_ACTIVATION(ReLU)         ///< relu
SLOPE_PLAIN_ACTIVATION(ReLU6)        ///< relu6
SLOPE_PLAIN_ACTIVATION(SELU)         ///< selu
SLOPE_PLAIN_ACTIVATION(SiLU)         ///< silu
SLOPE_PLAIN_ACTIVATION(Mish)         ///< mish
SLOPE_PLAIN_ACTIVATION(Sigmoid)      ///< sigmoid
SLOPE_PLAIN_ACTIVATION(LogSigmoid)   ///< logsigmoid
SLOPE_PLAIN_ACTIVATION(Tanh)         ///< tanh
SLOPE_PLAIN_ACTIVATION(Hardsigmoid)  ///< hardsigmoid
SLOPE_PLAIN_ACTIVATION(Hardswish)    ///< hardswish
SLOPE_PLAIN_ACTIVATION(Softsign)     ///< softsign
SLOPE_PLAIN_ACTIVATION(Tanhshrink)   ///< tanhshrink
#undef SLOPE_PLAIN_ACTIVATION

struct HardtanhOptions {
  double min_val = -1, max_val = 1;
};
struct GELUOptions {
  GeluApproximation approximate = GeluApproximation::none;
};
struct SoftplusOptions {
  double beta = 1, threshold = 20;
};
struct RReLUOptions {
  double lower = 1.0 / 8, upper = 1.0 / 3;
};
struct PReLUOptions {
  std::int64_t num_parameters = 1;
  double init = 0.25;
};

/// An activation with one number: `nn::LeakyReLU(0.2)`.
#define SLOPE_NUMBER_ACTIVATION(Name, number, otherwise)           \
  class Name : public Module {                                     \
   public:                                                         \
    explicit Name(double number = otherwise) : value_(number) {}   \
    Tensor forward(const Tensor& x) override;                      \
    std::string extra_repr() const override;                       \
                                                                   \
   private:                                                        \
    double value_;                                                 \
  };
SLOPE_NUMBER_ACTIVATION(LeakyReLU, negative_slope, 0.01)  ///< leaky_relu
SLOPE_NUMBER_ACTIVATION(ELU, alpha, 1)                    ///< elu
SLOPE_NUMBER_ACTIVATION(CELU, alpha, 1)                   ///< celu
SLOPE_NUMBER_ACTIVATION(Softshrink, lambda, 0.5)          ///< softshrink
SLOPE_NUMBER_ACTIVATION(Hardshrink, lambda, 0.5)          ///< hardshrink
#undef SLOPE_NUMBER_ACTIVATION

/// An activation along a dimension: `nn::Softmax(1)`.
#define SLOPE_DIM_ACTIVATION(Name)                            \
  class Name : public Module {                                \
   public:                                                    \
    explicit Name(std::int64_t dim) : dim_(dim) {}            \
    Tensor forward(const Tensor& x) override;                 \
    std::string extra_repr() const override;                  \
                                                              \
   private:                                                   \
    std::int64_t dim_;                                        \
  };
SLOPE_DIM_ACTIVATION(Softmax)     ///< softmax
SLOPE_DIM_ACTIVATION(LogSoftmax)  ///< log_softmax
SLOPE_DIM_ACTIVATION(Softmin)     ///< softmin
#undef SLOPE_DIM_ACTIVATION

/// glu
class GLU : public Module {
 public:
  explicit GLU(std::int64_t dim = -1) : dim_(dim) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t dim_;
};

/// hardtanh
class Hardtanh : public Module {
 public:
  explicit Hardtanh(HardtanhOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  HardtanhOptions options_;
};

/// gelu
class GELU : public Module {
 public:
  explicit GELU(GELUOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  GELUOptions options_;
};

/// softplus
class Softplus : public Module {
 public:
  explicit Softplus(SoftplusOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  SoftplusOptions options_;
};

/// threshold
class Threshold : public Module {
 public:
  Threshold(double threshold, double value) : threshold_(threshold), value_(value) {}
  Tensor forward(const Tensor& x) override;

 private:
  double threshold_, value_;
};

/// prelu with its weight as a parameter.
class PReLU : public Module {
 public:
  explicit PReLU(PReLUOptions options = {}, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  Tensor weight;
};

/// Leaky with a random slope per element while training, the middle of the range otherwise (Xu et al. 2015).
class RReLU : public Module {
 public:
  explicit RReLU(RReLUOptions options = {}, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;

 private:
  RReLUOptions options_;
};

}  // namespace slope::nn
