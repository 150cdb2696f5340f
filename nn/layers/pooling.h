#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/int_array.h"
#include "slope/autograd/core/real_array.h"
#include "slope/nn/module.h"

/// Pooling over one to three dimensions. Inputs have the shape (N, C, sizes) or (C, sizes); a batch may be empty, every other size is at
/// least 1. Windows slide as those of convolutions do; ceil_mode adds a last one where it begins on an element or in the padding in front.
///
/// All throw DTypeError unless the input is floating, ShapeError for other shapes and for windows that do not fit, ValueError
/// for options outside their domain. All are differentiable to any order.
namespace slope::nn {

struct MaxPoolOptions {
  /// Empty: as the kernel.
  IntArray stride = {};
  /// Of -∞, at most half of the kernel.
  IntArray padding = 0;
  IntArray dilation = 1;
  bool ceil_mode = false;
};

struct AvgPoolOptions {
  /// Empty: as the kernel.
  IntArray stride = {};
  /// Of zeros, at most half of the kernel.
  IntArray padding = 0;
  bool ceil_mode = false;
  /// Whether padding counts as elements of a window.
  bool count_include_pad = true;
  /// What sums are divided by, in place of the number of elements; not 0.
  std::optional<std::int64_t> divisor_override{};
};

struct LPPoolOptions {
  /// Empty: as the kernel.
  IntArray stride = {};
  bool ceil_mode = false;
};

struct MaxUnpoolOptions {
  /// Empty: as the kernel.
  IntArray stride = {};
  IntArray padding = 0;
};

/// One of the two.
struct FractionalMaxPoolOptions {
  /// Of the result; or output_ratio.
  IntArray output_size = {};
  /// Of the input's sizes, above 0 and below 1.
  RealArray output_ratio = {};
};

/// The sizes adaptive pooling gives: one for all dimensions or one for each; `std::nullopt` keeps that of the input.
///
///     F::adaptive_avg_pool2d(x, 1);      F::adaptive_avg_pool2d(x, {std::nullopt, 7});
class AdaptiveSize {
 public:
  template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
  AdaptiveSize(I everywhere) : sizes_{static_cast<std::int64_t>(everywhere)} {}
  AdaptiveSize(std::initializer_list<std::optional<std::int64_t>> sizes) : sizes_(sizes) {}
  AdaptiveSize(std::vector<std::optional<std::int64_t>> sizes) : sizes_(std::move(sizes)) {}
  /// As they were given.
  const std::vector<std::optional<std::int64_t>>& sizes() const { return sizes_; }

 private:
  std::vector<std::optional<std::int64_t>> sizes_;
};

namespace functional {

/// The largest element of each window. Its gradient goes to the first of the largest elements in row-major order; where there is NaN,
/// the result is NaN and the gradient goes to the last one.
///
///     Tensor y = F::max_pool2d(x, 2);
///     Tensor y = F::max_pool2d(x, {3, 5}, {.stride = 2, .padding = {1, 2}});
Tensor max_pool1d(In x, const IntArray& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool2d(In x, const IntArray& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool3d(In x, const IntArray& kernel_size, const MaxPoolOptions& options = {});

/// The same with the places of the elements (int64): positions in the flattened plane of one channel, without padding. A window without any
/// element, which dilation can make, has -∞ and place -1.
[[nodiscard]] std::pair<Tensor, Tensor> max_pool1d_with_indices(In x, const IntArray& kernel_size,
                                                                const MaxPoolOptions& options = {});
[[nodiscard]] std::pair<Tensor, Tensor> max_pool2d_with_indices(In x, const IntArray& kernel_size,
                                                                const MaxPoolOptions& options = {});
[[nodiscard]] std::pair<Tensor, Tensor> max_pool3d_with_indices(In x, const IntArray& kernel_size,
                                                                const MaxPoolOptions& options = {});

/// The mean of each window: the sum of its elements divided by their number, by that of all cells within the padded input
/// (count_include_pad), or by divisor_override.
///
///     Tensor y = F::avg_pool2d(x, 3, {.stride = 1, .padding = 1, .count_include_pad = false});
Tensor avg_pool1d(In x, const IntArray& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool2d(In x, const IntArray& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool3d(In x, const IntArray& kernel_size, const AvgPoolOptions& options = {});

/// (Σ x^p)^(1/p) over each window, p being norm_type: p = 1 gives sums. A window at the edge that ceil_mode cuts off counts as a
/// whole one with the same mean. The gradient where a sum is 0 is 0. norm_type is finite and not 0.
///
///     Tensor y = F::lp_pool2d(x, 2, 3);
Tensor lp_pool1d(In x, double norm_type, const IntArray& kernel_size, const LPPoolOptions& options = {});
Tensor lp_pool2d(In x, double norm_type, const IntArray& kernel_size, const LPPoolOptions& options = {});
Tensor lp_pool3d(In x, double norm_type, const IntArray& kernel_size, const LPPoolOptions& options = {});

/// Means over o cells per dimension that together cover it: cell i of n elements has those from ⌊i·n/o⌋ up to, not including,
/// ⌈(i + 1)·n/o⌉. o = 0 gives an empty result.
///
///     Tensor y = F::adaptive_avg_pool2d(x, 1);  // the mean of each channel
Tensor adaptive_avg_pool1d(In x, const AdaptiveSize& output_size);
Tensor adaptive_avg_pool2d(In x, const AdaptiveSize& output_size);
Tensor adaptive_avg_pool3d(In x, const AdaptiveSize& output_size);

/// The largest elements of the same cells; ties, NaN and indices as of `max_pool2d`.
Tensor adaptive_max_pool1d(In x, const AdaptiveSize& output_size);
Tensor adaptive_max_pool2d(In x, const AdaptiveSize& output_size);
Tensor adaptive_max_pool3d(In x, const AdaptiveSize& output_size);
[[nodiscard]] std::pair<Tensor, Tensor> adaptive_max_pool1d_with_indices(In x, const AdaptiveSize& output_size);
[[nodiscard]] std::pair<Tensor, Tensor> adaptive_max_pool2d_with_indices(In x, const AdaptiveSize& output_size);
[[nodiscard]] std::pair<Tensor, Tensor> adaptive_max_pool3d_with_indices(In x, const AdaptiveSize& output_size);

/// Puts each element of `x` at its index (of `indices`, int64, of the shape of x) in a plane of zeros; of several for one place the last
/// stays. Undoes max pooling with the same options as far as that can be undone: sizes are (n - 1)·stride - 2·padding + kernel, or
/// `output_size`, which may differ from that by less than the stride (leading sizes of N and C are ignored).
///
/// The gradient of an element is that of its place. Throws IndexError for an index outside of the plane.
///
///     auto [y, places] = F::max_pool2d_with_indices(x, 2);
///     Tensor sparse = F::max_unpool2d(y, places, 2);
Tensor max_unpool1d(In x, const Tensor& indices, const IntArray& kernel_size, const MaxUnpoolOptions& options = {},
                    const IntArray& output_size = {});
Tensor max_unpool2d(In x, const Tensor& indices, const IntArray& kernel_size, const MaxUnpoolOptions& options = {},
                    const IntArray& output_size = {});
Tensor max_unpool3d(In x, const Tensor& indices, const IntArray& kernel_size, const MaxUnpoolOptions& options = {},
                    const IntArray& output_size = {});

/// The largest elements of windows whose starts are drawn at random, 1 or 2 (more generally ⌊α⌋ or ⌈α⌉, α = (n - k)/(o - 1)) apart
/// (Graham 2014): window i < o - 1 begins at ⌊(i + u)α⌋ - ⌊uα⌋, the last one at n - k. u is in [0, 1), one per sample, channel and
/// dimension: `random_samples` (N, C, D), drawn from the default generator unless given; in two dimensions number 0 is that of
/// the width, in three that of the depth.
///
///     Tensor y = F::fractional_max_pool2d(x, 2, {.output_ratio = 0.7});
Tensor fractional_max_pool2d(In x, const IntArray& kernel_size, const FractionalMaxPoolOptions& options,
                             const Tensor& random_samples = {});
Tensor fractional_max_pool3d(In x, const IntArray& kernel_size, const FractionalMaxPoolOptions& options,
                             const Tensor& random_samples = {});
[[nodiscard]] std::pair<Tensor, Tensor> fractional_max_pool2d_with_indices(In x, const IntArray& kernel_size,
                                                                           const FractionalMaxPoolOptions& options,
                                                                           const Tensor& random_samples = {});
[[nodiscard]] std::pair<Tensor, Tensor> fractional_max_pool3d_with_indices(In x, const IntArray& kernel_size,
                                                                           const FractionalMaxPoolOptions& options,
                                                                           const Tensor& random_samples = {});

}  // namespace functional

namespace detail {
std::string describe(const IntArray& kernel, const MaxPoolOptions& options);
std::string describe(const IntArray& kernel, const AvgPoolOptions& options);
std::string describe(const IntArray& kernel, const MaxUnpoolOptions& options);
std::string describe(double norm_type, const IntArray& kernel, const LPPoolOptions& options);
std::string describe(const AdaptiveSize& size);
/// Throws ValueError unless exactly one of output_size and output_ratio is given, with numbers in their domain.
void check_fractional(const char* op, const FractionalMaxPoolOptions& options, SourceLoc loc);
}  // namespace detail

/// F::max_pool1d, 2d or 3d as a module.
///
///     nn::MaxPool2d pool(3, {.stride = 2});
///     auto [y, places] = pool.forward_with_indices(x);
template <auto function, auto with_indices>
class MaxPoolModule : public Module {
 public:
  explicit MaxPoolModule(const IntArray& kernel_size, const MaxPoolOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return function(x, kernel_size_, options_); }
  /// Calls forward, hooks included, and returns the indices as well.
  std::pair<Tensor, Tensor> forward_with_indices(In x) {
    return run(x, [&](const Tensor& t) { return with_indices(t, kernel_size_, options_); });
  }
  /// Kernel and options.
  std::string extra_repr() const override { return detail::describe(kernel_size_, options_); }

 private:
  IntArray kernel_size_;
  MaxPoolOptions options_;
};
class MaxPool1d : public MaxPoolModule<functional::max_pool1d, functional::max_pool1d_with_indices> {
  using MaxPoolModule::MaxPoolModule;
};
class MaxPool2d : public MaxPoolModule<functional::max_pool2d, functional::max_pool2d_with_indices> {
  using MaxPoolModule::MaxPoolModule;
};
class MaxPool3d : public MaxPoolModule<functional::max_pool3d, functional::max_pool3d_with_indices> {
  using MaxPoolModule::MaxPoolModule;
};

/// F::avg_pool1d, 2d or 3d as a module: `nn::AvgPool2d(3, {.stride = 2, .padding = 1})`.
template <auto function>
class AvgPoolModule : public Module {
 public:
  explicit AvgPoolModule(const IntArray& kernel_size, const AvgPoolOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return function(x, kernel_size_, options_); }
  std::string extra_repr() const override { return detail::describe(kernel_size_, options_); }

 private:
  IntArray kernel_size_;
  AvgPoolOptions options_;
};
class AvgPool1d : public AvgPoolModule<functional::avg_pool1d> {
  using AvgPoolModule::AvgPoolModule;
};
class AvgPool2d : public AvgPoolModule<functional::avg_pool2d> {
  using AvgPoolModule::AvgPoolModule;
};
class AvgPool3d : public AvgPoolModule<functional::avg_pool3d> {
  using AvgPoolModule::AvgPoolModule;
};

/// F::lp_pool1d, 2d or 3d as a module: `nn::LPPool2d(2, 3, {.stride = 2})`.
template <auto function>
class LPPoolModule : public Module {
 public:
  LPPoolModule(double norm_type, const IntArray& kernel_size, const LPPoolOptions& options = {})
      : norm_type_(norm_type), kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return function(x, norm_type_, kernel_size_, options_); }
  std::string extra_repr() const override { return detail::describe(norm_type_, kernel_size_, options_); }

 private:
  double norm_type_;
  IntArray kernel_size_;
  LPPoolOptions options_;
};
class LPPool1d : public LPPoolModule<functional::lp_pool1d> {
  using LPPoolModule::LPPoolModule;
};
class LPPool2d : public LPPoolModule<functional::lp_pool2d> {
  using LPPoolModule::LPPoolModule;
};
class LPPool3d : public LPPoolModule<functional::lp_pool3d> {
  using LPPoolModule::LPPoolModule;
};

/// F::adaptive_avg_pool1d, 2d or 3d as a module: `nn::AdaptiveAvgPool2d(1)`.
template <auto function>
class AdaptiveAvgPoolModule : public Module {
 public:
  explicit AdaptiveAvgPoolModule(AdaptiveSize output_size) : output_size_(std::move(output_size)) {}
  Tensor forward(const Tensor& x) override { return function(x, output_size_); }
  std::string extra_repr() const override { return detail::describe(output_size_); }

 private:
  AdaptiveSize output_size_;
};
class AdaptiveAvgPool1d : public AdaptiveAvgPoolModule<functional::adaptive_avg_pool1d> {
  using AdaptiveAvgPoolModule::AdaptiveAvgPoolModule;
};
class AdaptiveAvgPool2d : public AdaptiveAvgPoolModule<functional::adaptive_avg_pool2d> {
  using AdaptiveAvgPoolModule::AdaptiveAvgPoolModule;
};
class AdaptiveAvgPool3d : public AdaptiveAvgPoolModule<functional::adaptive_avg_pool3d> {
  using AdaptiveAvgPoolModule::AdaptiveAvgPoolModule;
};

/// F::adaptive_max_pool1d, 2d or 3d as a module.
template <auto function, auto with_indices>
class AdaptiveMaxPoolModule : public Module {
 public:
  explicit AdaptiveMaxPoolModule(AdaptiveSize output_size) : output_size_(std::move(output_size)) {}
  Tensor forward(const Tensor& x) override { return function(x, output_size_); }
  /// Calls forward, hooks included, and returns the indices as well.
  std::pair<Tensor, Tensor> forward_with_indices(In x) {
    return run(x, [&](const Tensor& t) { return with_indices(t, output_size_); });
  }
  /// The output size.
  std::string extra_repr() const override { return detail::describe(output_size_); }

 private:
  AdaptiveSize output_size_;
};
class AdaptiveMaxPool1d
    : public AdaptiveMaxPoolModule<functional::adaptive_max_pool1d, functional::adaptive_max_pool1d_with_indices> {
  using AdaptiveMaxPoolModule::AdaptiveMaxPoolModule;
};
class AdaptiveMaxPool2d
    : public AdaptiveMaxPoolModule<functional::adaptive_max_pool2d, functional::adaptive_max_pool2d_with_indices> {
  using AdaptiveMaxPoolModule::AdaptiveMaxPoolModule;
};
class AdaptiveMaxPool3d
    : public AdaptiveMaxPoolModule<functional::adaptive_max_pool3d, functional::adaptive_max_pool3d_with_indices> {
  using AdaptiveMaxPoolModule::AdaptiveMaxPoolModule;
};

/// F::max_unpool1d, 2d or 3d as a module of two inputs.
///
///     Tensor y = nn::MaxUnpool2d(2)(x, places);
template <auto function>
class MaxUnpoolModule : public Module {
 public:
  explicit MaxUnpoolModule(const IntArray& kernel_size, const MaxUnpoolOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  using Module::forward;
  Tensor forward(const Tensor& x, const Tensor& indices, const IntArray& output_size = {}) {
    return function(x, indices, kernel_size_, options_, output_size);
  }
  Tensor operator()(In x, const Tensor& indices, const IntArray& output_size = {}) {
    return run(x, [&](const Tensor& t) { return forward(t, indices, output_size); });
  }
  std::string extra_repr() const override { return detail::describe(kernel_size_, options_); }

 private:
  IntArray kernel_size_;
  MaxUnpoolOptions options_;
};
class MaxUnpool1d : public MaxUnpoolModule<functional::max_unpool1d> {
  using MaxUnpoolModule::MaxUnpoolModule;
};
class MaxUnpool2d : public MaxUnpoolModule<functional::max_unpool2d> {
  using MaxUnpoolModule::MaxUnpoolModule;
};
class MaxUnpool3d : public MaxUnpoolModule<functional::max_unpool3d> {
  using MaxUnpoolModule::MaxUnpoolModule;
};

/// F::fractional_max_pool2d or 3d as a module, with new random numbers in every call unless it is given some. Throws ValueError unless
/// one of output_size and output_ratio is given.
///
///     nn::FractionalMaxPool2d pool(2, {.output_size = 14});
template <auto function, auto with_indices>
class FractionalMaxPoolModule : public Module {
 public:
  FractionalMaxPoolModule(const IntArray& kernel_size, const FractionalMaxPoolOptions& options,
                          SourceLoc loc = SourceLoc::here())
      : kernel_size_(kernel_size), options_(options) {
    detail::check_fractional("fractional_max_pool", options, loc);
  }
  Tensor forward(const Tensor& x) override { return function(x, kernel_size_, options_, {}); }
  Tensor forward(const Tensor& x, const Tensor& random_samples) {
    return function(x, kernel_size_, options_, random_samples);
  }
  using Module::operator();
  Tensor operator()(In x, const Tensor& random_samples) {
    return run(x, [&](const Tensor& t) { return forward(t, random_samples); });
  }
  /// Calls forward, hooks included, and returns the indices as well.
  std::pair<Tensor, Tensor> forward_with_indices(In x, const Tensor& random_samples = {}) {
    return run(x, [&](const Tensor& t) { return with_indices(t, kernel_size_, options_, random_samples); });
  }

 private:
  IntArray kernel_size_;
  FractionalMaxPoolOptions options_;
};
class FractionalMaxPool2d : public FractionalMaxPoolModule<functional::fractional_max_pool2d,
                                                           functional::fractional_max_pool2d_with_indices> {
  using FractionalMaxPoolModule::FractionalMaxPoolModule;
};
class FractionalMaxPool3d : public FractionalMaxPoolModule<functional::fractional_max_pool3d,
                                                           functional::fractional_max_pool3d_with_indices> {
  using FractionalMaxPoolModule::FractionalMaxPoolModule;
};

}  // namespace slope::nn
