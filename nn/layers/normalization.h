#pragma once

#include <cstdint>
#include <optional>

#include "slope/autograd/core/int_array.h"
#include "slope/nn/module.h"

/// Normalisation: (x - mean)/√(variance + eps)·weight + bias, with moments of a set of elements. What the set is makes the difference:
///
/// | layer | set | weights |
/// |---|---|---|
/// | BatchNorm | a channel in all samples | one per channel |
/// | InstanceNorm | a channel of a sample | one per channel |
/// | GroupNorm | a group of channels of a sample | one per channel |
/// | LayerNorm | the last dimensions | one per element |
/// | RMSNorm | the last dimensions; without mean | one per element |
///
/// The variance is divided by n. Moments are summed in double, with the same bits for every number of threads and every layout. Gradients
/// exist to any order and flow through the moments. An incoming gradient of exactly 0 stays 0 where values are infinite or NaN.
namespace slope::nn {

namespace functional {

/// Batch normalisation (Ioffe & Szegedy 2015). x (N, C, *), all others (C).
///
/// While training the moments are those of this batch, and running_mean and running_var, where given, move towards them in place:
/// (1 - momentum)·old + momentum·new, with the variance divided by n - 1. Otherwise the running tensors are the moments, as
/// constants. Without samples nothing moves. Throws ShapeError for sizes that do not fit and for a single value per channel in
/// training, DTypeError unless all have the dtype of x, ValueError for a negative eps and for missing running tensors.
///
///     Tensor y = F::batch_norm(x, running_mean, running_var, weight, bias, is_training());
Tensor batch_norm(In x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);
/// Instance normalisation (Ulyanov et al. 2016). x (N, C, *), all others (C).
///
/// With `use_input_stats` the moments are those of each channel of each sample, and running tensors, where given, move towards their mean
/// over the samples; otherwise it is `batch_norm` with the running tensors. Errors as there.
Tensor instance_norm(In x, const Tensor& running_mean = {}, const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5);
/// Group normalisation (Wu & He 2018). x (N, C, *), weight and bias (C). Throws ShapeError for sizes that do not fit, for channels that
/// num_groups does not divide, and for a single value per group and sample in all.
///
///     Tensor y = F::group_norm(x, 8, weight, bias);
Tensor group_norm(In x, std::int64_t num_groups, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// Layer normalisation (Ba et al. 2016) over the last dimensions, whose sizes normalized_shape, weight and bias have. Throws ShapeError
/// unless they fit.
///
///     Tensor y = F::layer_norm(x, 768, weight, bias);      // one number stands for one dimension
Tensor layer_norm(In x, const IntArray& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
/// x/√(mean(x²) + eps)·weight over the last dimensions (Zhang & Sennrich 2019); eps is by default the machine epsilon of the dtype.
/// Throws ShapeError unless the sizes fit.
Tensor rms_norm(In x, const IntArray& normalized_shape, const Tensor& weight = {}, std::optional<double> eps = {});
/// x_c / (k + alpha/size · Σ x_j²)^beta over the `size` channels around c (Krizhevsky et al. 2012): c - size/2 to c + (size - 1)/2, those
/// beyond the edges counting as 0. x (N, C, *) of 3 dimensions or more. Throws ShapeError for fewer, ValueError unless size is positive.
Tensor local_response_norm(In x, std::int64_t size, double alpha = 1e-4, double beta = 0.75, double k = 1);

}  // namespace functional

struct BatchNormOptions {
  double eps = 1e-5;
  /// How far the running moments move towards those of a batch; absent: 1/num_batches_tracked, so that they are the mean over all batches.
  std::optional<double> momentum = 0.1;
  /// With weight and bias.
  bool affine = true;
  /// With running moments.
  bool track_running_stats = true;
};

/// F::batch_norm with its parameters and running moments. weight starts as 1, bias as 0, running_mean as 0, running_var as 1; the
/// buffer num_batches_tracked (int64) counts batches. Without running moments those of the batch serve in evaluation, too. Throws
/// ValueError for a negative size or eps.
///
///     nn::BatchNorm2d norm(64);
///     Tensor y = norm(x);                 // (N, 64, H, W)
template <int spatial>
class BatchNormModule : public Module {
 public:
  BatchNormModule() = delete;  // name it: nn::BatchNorm2d layer = add("layer", nn::BatchNorm2d(64));
  explicit BatchNormModule(std::int64_t num_features, BatchNormOptions options = {}, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;
  /// Those it was made with.
  const BatchNormOptions& options() const { return options_; }

  /// What the result is multiplied by; undefined without affine.
  Parameter weight;
  /// What is added to it; undefined without affine.
  Parameter bias;
  /// The mean in evaluation; undefined without track_running_stats.
  Tensor running_mean;
  /// The variance in evaluation; undefined without track_running_stats.
  Tensor running_var;
  /// How many batches were seen; undefined without track_running_stats.
  Tensor num_batches_tracked;

 private:
  std::int64_t num_features_;
  BatchNormOptions options_;
};
/// For (N, C) and (N, C, L).
class BatchNorm1d : public BatchNormModule<1> {
  using BatchNormModule::BatchNormModule;
};
/// For (N, C, H, W).
class BatchNorm2d : public BatchNormModule<2> {
  using BatchNormModule::BatchNormModule;
};
/// For (N, C, D, H, W).
class BatchNorm3d : public BatchNormModule<3> {
  using BatchNormModule::BatchNormModule;
};

struct InstanceNormOptions {
  double eps = 1e-5;
  /// How far the running moments move towards those of a batch; absent: not at all.
  std::optional<double> momentum = 0.1;
  /// With weight and bias.
  bool affine = false;
  /// With running moments, which serve in evaluation.
  bool track_running_stats = false;
};

/// F::instance_norm with its parameters and running moments, which start as those of batch normalisation; num_batches_tracked stays 0.
/// Inputs may lack the dimension of samples. Throws ValueError for a negative size or eps.
///
///     nn::InstanceNorm2d norm(64, {.affine = true});
template <int spatial>
class InstanceNormModule : public Module {
 public:
  InstanceNormModule() = delete;  // name it: nn::InstanceNorm2d layer = add("layer", nn::InstanceNorm2d(64));
  explicit InstanceNormModule(std::int64_t num_features, InstanceNormOptions options = {},
                              SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  /// What the result is multiplied by; undefined without affine.
  Parameter weight;
  /// What is added to it; undefined without affine.
  Parameter bias;
  /// The mean in evaluation; undefined without track_running_stats.
  Tensor running_mean;
  /// The variance in evaluation; undefined without track_running_stats.
  Tensor running_var;
  /// How many batches were seen; undefined without track_running_stats.
  Tensor num_batches_tracked;

 private:
  std::int64_t num_features_;
  InstanceNormOptions options_;
};
/// For (N, C, L) and (C, L).
class InstanceNorm1d : public InstanceNormModule<1> {
  using InstanceNormModule::InstanceNormModule;
};
/// For (N, C, H, W) and (C, H, W).
class InstanceNorm2d : public InstanceNormModule<2> {
  using InstanceNormModule::InstanceNormModule;
};
/// For (N, C, D, H, W) and (C, D, H, W).
class InstanceNorm3d : public InstanceNormModule<3> {
  using InstanceNormModule::InstanceNormModule;
};

struct GroupNormOptions {
  double eps = 1e-5;
  /// With weight and bias.
  bool affine = true;
};
/// F::group_norm with weight and bias (num_channels), which start as 1 and 0. Throws ValueError unless num_groups is positive and divides
/// num_channels, and for a negative eps.
///
///     nn::GroupNorm norm(8, 64);
class GroupNorm : public Module {
 public:
  GroupNorm() = delete;  // name it where it is declared: nn::GroupNorm layer = add("layer", nn::GroupNorm(8, 64));
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels, GroupNormOptions options = {},
            SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  /// Undefined without affine.
  Parameter weight, bias;

 private:
  std::int64_t num_groups_, num_channels_;
  GroupNormOptions options_;
};

struct LayerNormOptions {
  double eps = 1e-5;
  /// With a weight.
  bool elementwise_affine = true;
  /// With a bias beside the weight.
  bool bias = true;
};
/// F::layer_norm with weight and bias of the normalized shape, which start as 1 and 0. Throws ShapeError for an empty normalized shape,
/// ValueError for negative sizes or eps.
///
///     nn::LayerNorm norm(768);
///     nn::LayerNorm of_images({3, 32, 32}, {.bias = false});
class LayerNorm : public Module {
 public:
  LayerNorm() = delete;  // name it where it is declared: nn::LayerNorm layer = add("layer", nn::LayerNorm(768));
  explicit LayerNorm(const IntArray& normalized_shape, LayerNormOptions options = {},
                     SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  /// Undefined without elementwise_affine; the bias also without bias.
  Parameter weight, bias;

 private:
  IntArray normalized_shape_;
  LayerNormOptions options_;
};

struct RMSNormOptions {
  /// Absent: the machine epsilon of the dtype of the input.
  std::optional<double> eps{};
  /// With a weight.
  bool elementwise_affine = true;
};
/// F::rms_norm with a weight of the normalized shape, which starts as 1. Errors as LayerNorm.
///
///     nn::RMSNorm norm(768, {.eps = 1e-6});
class RMSNorm : public Module {
 public:
  RMSNorm() = delete;  // name it where it is declared: nn::RMSNorm layer = add("layer", nn::RMSNorm(768));
  explicit RMSNorm(const IntArray& normalized_shape, RMSNormOptions options = {}, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  /// Undefined without elementwise_affine.
  Parameter weight;

 private:
  IntArray normalized_shape_;
  RMSNormOptions options_;
};

struct LocalResponseNormOptions {
  double alpha = 1e-4;
  double beta = 0.75;
  /// Keeps the denominator from 0.
  double k = 1;
};
/// F::local_response_norm as a module. Throws ValueError unless size is positive.
///
///     nn::LocalResponseNorm norm(5, {.k = 2});
class LocalResponseNorm : public Module {
 public:
  LocalResponseNorm() = delete;  // name it: nn::LocalResponseNorm layer = add("layer", nn::LocalResponseNorm(5));
  explicit LocalResponseNorm(std::int64_t size, LocalResponseNormOptions options = {},
                             SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 private:
  std::int64_t size_;
  LocalResponseNormOptions options_;
};

}  // namespace slope::nn
