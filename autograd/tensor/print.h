#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "slope/autograd/tensor/tensor.h"

namespace slope {

/// How tensors are written as text. The defaults are PyTorch's.
struct PrintOptions {
  /// Digits after the point of non-integral and of scientific numbers.
  int precision = 4;
  /// Tensors of more elements than this show only the ends of each dimension.
  std::int64_t threshold = 1000;
  /// Elements shown at each end of a shortened dimension.
  std::int64_t edgeitems = 3;
  /// Column after which lines are broken.
  int linewidth = 80;
  /// Forces scientific (true) or positional (false) notation; absent: chosen from the values.
  std::optional<bool> sci_mode{};
};

/// Sets the options that `operator<<` and `Tensor::to_string` use, for all threads.
///
///     set_print_options({.precision = 2, .linewidth = 120});   // fields not named take their default
///
/// Throws ValueError unless 0 <= precision <= 100, threshold >= 0, edgeitems >= 1 and linewidth >= 1.
void set_print_options(const PrintOptions& options, SourceLoc loc = SourceLoc::here());
PrintOptions print_options();

/// Sets print options for its lifetime.
///
///     PrintOptionsGuard full({.threshold = 1'000'000});
///     std::cout << weights;
class [[nodiscard]] PrintOptionsGuard {
 public:
  [[nodiscard]] explicit PrintOptionsGuard(const PrintOptions& options, SourceLoc loc = SourceLoc::here());
  ~PrintOptionsGuard();
  PrintOptionsGuard(const PrintOptionsGuard&) = delete;
  PrintOptionsGuard& operator=(const PrintOptionsGuard&) = delete;

 private:
  PrintOptions previous_;
};

/// The text of `t` under `options`: `tensor([[1., 2.]], requires_grad=True)`.
///
/// All elements of a floating tensor share one notation, decided by the magnitudes V of those that are finite and not
/// zero: integral numbers print as `1.`; scientific when max V > 1000 min V, or max V > 1e8, or (unless all are
/// integral) min V < 1e-4; otherwise with `precision` digits. Elements are right-aligned to the widest of V; dimensions
/// nest as brackets, with n - 1 line ends between the blocks of an n-d tensor. After the brackets come, where they
/// apply: `size=(2, 0)` (empty and not 1-d), `dtype=float64` (not the default dtype, int64 or bool; also for empty
/// tensors of those), and `grad_fn=<MulBackward0>` or `requires_grad=True`. An undefined tensor is written
/// `tensor(undefined)`. Source: the rules of PyTorch 1.13 and 2.x, whose text it reproduces byte for byte up to
/// `dtype=torch.`.
std::string format_tensor(const Tensor& t, const PrintOptions& options, SourceLoc loc = SourceLoc::here());

}  // namespace slope
