#pragma once

#include <string_view>

#include "slope/autograd/core/random.h"
#include "slope/autograd/tensor/tensor.h"

/// Initialisers: fill a tensor of any layout in place, without recording, and return it. Random ones draw from `gen`;
/// a tensor without elements, or a weight without inputs, is left as it is.
///
///     nn::Linear fc(8, 4);
///     nn::init::kaiming_normal_(fc.weight, {.nonlinearity = "relu"});
///     nn::init::zeros_(fc.bias);
namespace slope::nn::init {

/// Whether variance is kept on the way forward or backward.
enum class FanMode { fan_in, fan_out };

/// How many inputs and outputs a unit has.
struct Fans {
  /// Numbers of inputs and outputs.
  std::int64_t in, out;
};
/// Inputs and outputs of one unit, size(1) and size(0) times the kernel: (out, in, kernel...). Of a transposed convolution's weight
/// (in, out/groups, kernel...) these are, as in PyTorch, out/groups·kernel and in·kernel. Throws ShapeError for fewer than 2 dimensions.
Fans fans(const Tensor& t, SourceLoc loc = SourceLoc::here());
/// Recommended gain: linear, conv1d ... conv_transpose3d, sigmoid 1; tanh 5/3; relu √2; leaky_relu √(2/(1+a²)); selu 3/4.
/// Throws ValueError for others.
double calculate_gain(std::string_view nonlinearity, double param = 0.01, SourceLoc loc = SourceLoc::here());

/// U(a, b). Throws ValueError unless a <= b.
TensorAlias uniform_(const Tensor& t, double a = 0, double b = 1, Generator& gen = default_generator(),
                     SourceLoc loc = SourceLoc::here());
/// N(mean, std²). Throws ValueError unless std >= 0.
TensorAlias normal_(const Tensor& t, double mean = 0, double std = 1, Generator& gen = default_generator(),
                    SourceLoc loc = SourceLoc::here());
/// N(mean, std²) restricted to [a, b]. Throws ValueError unless std > 0 and a < b, and when [a, b] is so far out that
/// no number falls there.
TensorAlias trunc_normal_(const Tensor& t, double mean = 0, double std = 1, double a = -2, double b = 2,
                          Generator& gen = default_generator(), SourceLoc loc = SourceLoc::here());
TensorAlias constant_(const Tensor& t, double value, SourceLoc loc = SourceLoc::here());
TensorAlias zeros_(const Tensor& t, SourceLoc loc = SourceLoc::here());
TensorAlias ones_(const Tensor& t, SourceLoc loc = SourceLoc::here());
/// Ones on the diagonal of a matrix. Throws ShapeError for other than 2 dimensions.
TensorAlias eye_(const Tensor& t, SourceLoc loc = SourceLoc::here());
/// A convolution weight (out, in, kernel...) that hands channel i through to channel i, in each of `groups`: 1 at the middle of the
/// kernel. Throws ShapeError for other than 3 to 5 dimensions, ValueError when `groups` does not divide out.
TensorAlias dirac_(const Tensor& t, std::int64_t groups = 1, SourceLoc loc = SourceLoc::here());
/// U(±gain·√(6/(fan_in + fan_out))) (Glorot & Bengio 2010).
TensorAlias xavier_uniform_(const Tensor& t, double gain = 1, Generator& gen = default_generator(),
                            SourceLoc loc = SourceLoc::here());
/// Normal with deviation gain·√(2/(fan_in + fan_out)).
TensorAlias xavier_normal_(const Tensor& t, double gain = 1, Generator& gen = default_generator(),
                           SourceLoc loc = SourceLoc::here());

struct KaimingOptions {
  /// The slope of leaky_relu.
  double a = 0;
  /// Which fan counts.
  FanMode mode = FanMode::fan_in;
  /// The activation that follows, as calculate_gain knows it.
  std::string_view nonlinearity = "leaky_relu";
};
/// U(±√3·gain/√fan) (He et al. 2015).
TensorAlias kaiming_uniform_(const Tensor& t, const KaimingOptions& options = {}, Generator& gen = default_generator(),
                             SourceLoc loc = SourceLoc::here());
/// Normal with deviation gain/√fan.
TensorAlias kaiming_normal_(const Tensor& t, const KaimingOptions& options = {}, Generator& gen = default_generator(),
                            SourceLoc loc = SourceLoc::here());
/// Rows (or columns, when there are more rows) orthonormal, times gain (Saxe et al. 2014); dimensions beyond the first
/// count as one. Throws ShapeError for fewer than 2 dimensions.
TensorAlias orthogonal_(const Tensor& t, double gain = 1, Generator& gen = default_generator(),
                        SourceLoc loc = SourceLoc::here());
/// N(0, std²) with a share `sparsity` of every column zero. Throws ShapeError for other than 2 dimensions, ValueError
/// unless 0 <= sparsity <= 1.
TensorAlias sparse_(const Tensor& t, double sparsity, double std = 0.01, Generator& gen = default_generator(),
                    SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn::init
