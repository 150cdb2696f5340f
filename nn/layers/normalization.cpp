#include "slope/nn/layers/normalization.h"

#include <cmath>
#include <limits>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/norm/norm.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/functional.h"
#include "slope/nn/layers/internal/describe.h"

namespace slope::nn {

using detail::number;
using detail::truth;
using detail::tuple;

namespace {

// ---- the operation

const TensorImpl* impl_or_null(const Tensor& t) { return t.defined() ? &t.impl() : nullptr; }
Tensor dense(const Tensor& t) { return t.defined() ? t.contiguous() : t; }

/// x̂·weight + bias. The second result holds the moments (2, sets) in float64; `given` holds them where they are constants.
struct NormalizationOp {
  static constexpr std::string_view name = "Normalization";
  NormShape shape;
  double epsilon;
  bool constant = false;
  struct Saved {
    SavedTensor x, weight;
    Tensor moments;
  };

  NormMoments moments_in(const Tensor& t) const {
    auto* first = t.impl().ptr<double>();
    return {first, first + shape.sets(), epsilon, constant};
  }

  std::pair<Tensor, NoGrad> forward(Saved& s, const Tensor& x, const Tensor& weight, const Tensor& bias, NoGrad given) {
    constant = given.defined();
    Tensor moments = constant ? Tensor(given) : make_empty({2, shape.sets()}, DType::float64);
    Tensor y = make_empty(x.shape(), x.dtype());
    const Tensor values = dense(x), w = dense(weight), b = dense(bias);
    norm_kernel(y.impl(), values.impl(), impl_or_null(w), impl_or_null(b), moments_in(moments), shape);
    s.x = save(x);
    s.weight = save(weight);
    s.moments = moments;
    return {y, moments};
  }

  Grads<3> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    const Tensor x = s.x.get(), weight = s.weight ? s.weight.get() : Tensor();
    if (grad_enabled()) return composed(x, weight, g[0], s.moments);
    Grads<3> grads;
    const Shape weights{shape.groups * shape.channels};
    if (needs_grad(0)) grads[0] = make_empty(x.shape(), x.dtype());
    if (weight.defined() && needs_grad(1)) grads[1] = make_empty(weights, x.dtype());
    if (needs_grad(2)) grads[2] = make_empty(weights, x.dtype());
    const Tensor values = dense(x), w = dense(weight), up = dense(g[0]);
    norm_backward_kernel(impl_or_null(grads[0]), impl_or_null(grads[1]), impl_or_null(grads[2]), up.impl(),
                         values.impl(), impl_or_null(w), moments_in(s.moments), shape);
    return grads;
  }

 private:
  /// The same made of operations, for derivatives of derivatives.
  Grads<3> composed(const Tensor& x, const Tensor& weight, const Tensor& upstream, const Tensor& moments) const {
    const SourceLoc loc = slope::detail::current_node->where();
    const CallerScope caller(loc);
    const Shape parts{shape.batch, shape.groups, shape.channels, shape.length};
    const Dims set = shape.pooled ? Dims{0, 2, 3} : Dims{2, 3}, weights{0, 3};
    const Shape each_weight{1, shape.groups, shape.channels, 1};
    const auto mean_of = [&](const Tensor& t) { return mean({t, loc}, set, true); };
    const Tensor v = reshape({x, loc}, parts), g = reshape({upstream, loc}, parts);
    Tensor d = v, factor;
    if (constant) {
      const auto moment = [&](int i) {
        return reshape({moments.select(0, i), loc}, {1, shape.groups, 1, 1}).to(x.dtype());
      };
      d = v - moment(0);
      factor = rsqrt(moment(1) + epsilon);
    } else {
      if (shape.centred) {
        // The rounding of the mean is taken out by centring twice.
        const Tensor once = v - mean_of(v);
        d = once - mean_of(once);
      }
      factor = rsqrt(mean_of(square(d)) + epsilon);
    }
    const Tensor normal = d * factor;
    const Tensor h = weight.defined() ? scale_cotangent(g, reshape({weight, loc}, each_weight)) : g;
    Grads<3> grads;
    if (needs_grad(0)) {
      Tensor inner = h;
      if (!constant) {
        if (shape.centred) inner = inner - mean_of(h);
        inner = inner - scale_cotangent(mean_of(scale_cotangent(h, normal)), normal);
      }
      grads[0] = reshape({scale_cotangent(inner, factor), loc}, x.shape());
    }
    const Shape flat{shape.groups * shape.channels};
    if (needs_grad(1) && weight.defined())
      grads[1] = reshape({sum({scale_cotangent(g, normal), loc}, weights), loc}, flat);
    if (needs_grad(2)) grads[2] = reshape({sum({g, loc}, weights), loc}, flat);
    return grads;
  }
};

// ---- checks

struct Affine {
  const Tensor &weight, &bias;
};

void check_eps(const char* op, double eps, SourceLoc loc) {
  if (!(eps >= 0)) throw ValueError(concat(op, ": eps must not be negative, got ", eps), loc);
}

void check_momentum(const char* op, double momentum, SourceLoc loc) {
  if (std::isnan(momentum))
    throw ValueError(concat(op, ": momentum is NaN; it is the share of the new batch in the running moments"), loc);
}

void check_size(const char* op, const char* what, std::int64_t size, SourceLoc loc) {
  if (size < 0) throw ValueError(concat(op, ": ", what, " must not be negative, got ", size), loc);
}

void check_dtype(const char* op, const char* what, const Tensor& t, In x) {
  if (t.defined() && t.dtype() != x->dtype())
    throw DTypeError(concat(op, ": expected ", what, " of the dtype of the input, ", dtype_name(x->dtype()), ", got ",
                            dtype_name(t.dtype())),
                     x.loc);
}

/// A tensor with an entry per channel.
void check_per_channel(const char* op, const char* what, const Tensor& t, std::int64_t channels, In x) {
  if (!t.defined()) return;
  if (t.dim() == 1 && t.shape()[0] == channels) return check_dtype(op, what, t, x);
  if (t.dim() == 1)
    throw ShapeError(concat(op, ": ", what, " should contain ", channels, " elements not ", t.numel(),
                            "; the input has shape ", x->shape()),
                     x.loc);
  throw ShapeError(concat(op, ": ", what, " should have shape [", channels, "], one for each channel, got ", t.shape(),
                          "; the input has shape ", x->shape()),
                   x.loc);
}

std::int64_t channels_of(const char* op, In x) {
  slope::detail::require_floating(op, x);
  if (x->dim() < 2)
    throw ShapeError(concat(op, ": expected an input of at least 2 dimensions (N, C, ...), got shape ", x->shape()),
                     x.loc);
  return x->shape()[1];
}

std::int64_t space_of(const Shape& shape) {
  std::int64_t n = 1;
  for (int d = 2; d < shape.size(); ++d) n *= shape[d];
  return n;
}

/// The running tensors, which will be written.
void check_running(const char* op, const Tensor& mean, const Tensor& var, std::int64_t channels, bool written, In x) {
  check_per_channel(op, "running_mean", mean, channels, x);
  check_per_channel(op, "running_var", var, channels, x);
  if (!written) return;
  const NoGradGuard no_grad;
  if (mean.defined()) slope::detail::check_in_place(mean, op, x.loc);
  if (var.defined()) slope::detail::check_in_place(var, op, x.loc);
}

// ---- running moments

/// (1 - momentum)·running + momentum·factor·(mean over the samples of `values`), in place.
void move_towards(const Tensor& running, const double* values, std::int64_t samples, double factor, double momentum) {
  if (!running.defined()) return;
  const NoGradGuard no_grad;
  const std::int64_t channels = running.numel();
  const Tensor moved = slope::clone(running);
  visit_floating(running.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = moved.impl().ptr<T>();
    for (std::int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::int64_t n = 0; n < samples; ++n) sum += values[n * channels + c];
      to[c] = static_cast<T>((1 - momentum) * static_cast<double>(to[c]) +
                             momentum * factor * sum / static_cast<double>(samples));
    }
  });
  running.copy_(moved);
}

void move_running(const Tensor& mean, const Tensor& var, const Tensor& moments, const NormShape& shape,
                  double momentum) {
  if (!mean.defined() && !var.defined()) return;
  const auto* first = moments.impl().ptr<const double>();
  const std::int64_t samples = shape.pooled ? 1 : shape.batch;
  const auto n = static_cast<double>(shape.set_size());
  move_towards(mean, first, samples, 1, momentum);
  move_towards(var, first + shape.sets(), samples, n / (n - 1), momentum);
}

/// Running moments as the kernel takes them.
Tensor constant_moments(const Tensor& mean, const Tensor& var) {
  const NoGradGuard no_grad;
  Tensor moments = make_empty({2, mean.numel()}, DType::float64);
  moments.select(0, 0).copy_(mean);
  moments.select(0, 1).copy_(var);
  return moments;
}

Tensor with_constants(In x, const Tensor& mean, const Tensor& var, Affine a, double eps) {
  const Shape& s = x->shape();
  const NormShape shape{.batch = s[0], .groups = s[1], .length = space_of(s), .pooled = true};
  return apply(x.loc, NormalizationOp{shape, eps, true}, x.tensor, a.weight, a.bias, constant_moments(mean, var)).first;
}

// ---- the last dimensions

NormShape rows_of(const char* op, In x, const IntArray& normalized, const Tensor& weight, const Tensor& bias) {
  slope::detail::require_floating(op, x);
  if (normalized.empty())
    throw ShapeError(concat(op,
                            ": Expected normalized_shape to be at least 1-dimensional, i.e., containing at least "
                            "one element, but got normalized_shape = []"),
                     x.loc);
  const Shape& s = x->shape();
  const int first = s.size() - normalized.size();
  bool fits = first >= 0;
  for (int d = 0; fits && d < normalized.size(); ++d) fits = s[first + d] == normalized[d];
  if (!fits) {
    std::string expected = "[*";
    for (std::int64_t n : normalized) expected += ", " + std::to_string(n);
    throw ShapeError(concat(op, ": Given normalized_shape=", to_text(normalized), ", expected input with shape ",
                            expected, "], but got input of size", s),
                     x.loc);
  }
  const auto check = [&](const char* what, const Tensor& t) {
    if (!t.defined()) return;
    if (t.shape() != normalized)
      throw ShapeError(concat(op, ": Expected ", what, " to be of same shape as normalized_shape, but got ", what,
                              " of shape ", t.shape(), " and normalized_shape = ", to_text(normalized)),
                       x.loc);
    check_dtype(op, what, t, x);
  };
  check("weight", weight);
  check("bias", bias);
  NormShape shape;
  for (int d = 0; d < first; ++d) shape.batch *= s[d];
  for (std::int64_t n : normalized) shape.channels *= n;
  return shape;
}

/// Weights of any shape as the vector the operation takes.
Tensor flat(const Tensor& t, SourceLoc loc) { return t.defined() ? reshape({t, loc}, {t.numel()}) : t; }

double machine_epsilon(DType dtype) {
  return dtype == DType::float64 ? std::numeric_limits<double>::epsilon()
                                 : static_cast<double>(std::numeric_limits<float>::epsilon());
}

}  // namespace

namespace functional {

Tensor batch_norm(In x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                  bool training, double momentum, double eps) {
  const CallerScope caller(x.loc);
  const std::int64_t channels = channels_of("batch_norm", x);
  check_eps("batch_norm", eps, x.loc);
  check_momentum("batch_norm", momentum, x.loc);
  if (!training && !(running_mean.defined() && running_var.defined()))
    throw ValueError(
        "batch_norm: Expected running_mean and running_var to be defined when training=False; pass training = true to "
        "use the moments of the batch",
        x.loc);
  check_running("batch_norm", running_mean, running_var, channels, training, x);
  check_per_channel("batch_norm", "weight", weight, channels, x);
  check_per_channel("batch_norm", "bias", bias, channels, x);
  if (!training) return with_constants(x, running_mean, running_var, {weight, bias}, eps);
  const Shape& s = x->shape();
  const NormShape shape{.batch = s[0], .groups = channels, .length = space_of(s), .pooled = true};
  if (shape.set_size() == 1)
    throw ShapeError(concat("batch_norm: Expected more than 1 value per channel when training, got input size ", s),
                     x.loc);
  const auto [y, moments] = apply(x.loc, NormalizationOp{shape, eps}, x.tensor, weight, bias, Tensor());
  if (x->numel() > 0) move_running(running_mean, running_var, moments, shape, momentum);
  return y;
}

Tensor instance_norm(In x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                     const Tensor& bias, bool use_input_stats, double momentum, double eps) {
  const CallerScope caller(x.loc);
  const std::int64_t channels = channels_of("instance_norm", x);
  check_eps("instance_norm", eps, x.loc);
  check_momentum("instance_norm", momentum, x.loc);
  if (!use_input_stats && !(running_mean.defined() && running_var.defined()))
    throw ValueError(
        "instance_norm: Expected running_mean and running_var to be defined when use_input_stats is false; pass "
        "use_input_stats = true to use the moments of the input",
        x.loc);
  check_running("instance_norm", running_mean, running_var, channels, use_input_stats, x);
  check_per_channel("instance_norm", "weight", weight, channels, x);
  check_per_channel("instance_norm", "bias", bias, channels, x);
  if (!use_input_stats) return with_constants(x, running_mean, running_var, {weight, bias}, eps);
  const Shape& s = x->shape();
  const NormShape shape{.batch = s[0], .groups = channels, .length = space_of(s)};
  if (shape.length == 1)
    throw ShapeError(concat("instance_norm: Expected more than 1 spatial element when training, got input size ", s),
                     x.loc);
  const auto [y, moments] = apply(x.loc, NormalizationOp{shape, eps}, x.tensor, weight, bias, Tensor());
  if (x->numel() > 0) move_running(running_mean, running_var, moments, shape, momentum);
  return y;
}

Tensor group_norm(In x, std::int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  const CallerScope caller(x.loc);
  const std::int64_t channels = channels_of("group_norm", x);
  check_eps("group_norm", eps, x.loc);
  if (num_groups <= 0)
    throw ValueError(concat("group_norm: Expected num groups to be greater than 0, got ", num_groups), x.loc);
  if (channels % num_groups != 0)
    throw ShapeError(concat("group_norm: Expected number of channels in input to be divisible by num_groups, but got "
                            "input of shape ",
                            x->shape(), " and num_groups=", num_groups),
                     x.loc);
  check_per_channel("group_norm", "weight", weight, channels, x);
  check_per_channel("group_norm", "bias", bias, channels, x);
  const Shape& s = x->shape();
  const NormShape shape{.batch = s[0], .groups = num_groups, .channels = channels / num_groups, .length = space_of(s)};
  if (shape.batch == 1 && shape.set_size() == 1)
    throw ShapeError(concat("group_norm: Expected more than 1 value per channel when training, got input size ", s),
                     x.loc);
  return apply(x.loc, NormalizationOp{shape, eps}, x.tensor, weight, bias, Tensor()).first;
}

Tensor layer_norm(In x, const IntArray& normalized_shape, const Tensor& weight, const Tensor& bias, double eps) {
  const CallerScope caller(x.loc);
  const NormShape shape = rows_of("layer_norm", x, normalized_shape, weight, bias);
  check_eps("layer_norm", eps, x.loc);
  return apply(x.loc, NormalizationOp{shape, eps}, x.tensor, flat(weight, x.loc), flat(bias, x.loc), Tensor()).first;
}

Tensor rms_norm(In x, const IntArray& normalized_shape, const Tensor& weight, std::optional<double> eps) {
  const CallerScope caller(x.loc);
  NormShape shape = rows_of("rms_norm", x, normalized_shape, weight, {});
  shape.centred = false;
  const double epsilon = eps.value_or(machine_epsilon(x->dtype()));
  check_eps("rms_norm", epsilon, x.loc);
  return apply(x.loc, NormalizationOp{shape, epsilon}, x.tensor, flat(weight, x.loc), Tensor(), Tensor()).first;
}

Tensor local_response_norm(In x, std::int64_t size, double alpha, double beta, double k) {
  const CallerScope caller(x.loc);
  slope::detail::require_floating("local_response_norm", x);
  if (x->dim() < 3)
    throw ShapeError(concat("local_response_norm: Expected 3D or higher dimensionality input (got ", x->dim(),
                            " dimensions), a tensor of shape ", x->shape()),
                     x.loc);
  if (size <= 0) throw ValueError(concat("local_response_norm: size must be positive, got ", size), x.loc);
  if (x->numel() == 0) return clone(x);
  // Beyond the channels there are only zeros: a longer window is as one that reaches all of them.
  const std::int64_t channels = x->shape()[1];
  const std::int64_t before = std::min(size / 2, channels), after = std::min((size - 1) / 2, channels);
  std::vector<std::int64_t> pads(static_cast<std::size_t>(2 * (x->dim() - 1)), 0);
  pads[pads.size() - 2] = before;
  pads[pads.size() - 1] = after;
  const Tensor windows = slope::unfold(pad(square(x), pads), 1, before + after + 1, 1);
  return x.tensor / pow(k + sum(windows, -1) * (alpha / static_cast<double>(size)), beta);
}

}  // namespace functional

// ---- modules

namespace {

template <class Module, class Options>
std::string describe_moments(const Module&, std::int64_t features, const Options& o) {
  return concat(features, ", eps=", number(o.eps), ", momentum=", o.momentum ? number(*o.momentum) : "None",
                ", affine=", truth(o.affine), ", track_running_stats=", truth(o.track_running_stats));
}

Tensor filled(std::int64_t n, double value) { return full({n}, value, {.dtype = default_dtype()}); }

/// "2D or 3D": what a layer of so many spatial dimensions takes.
void check_dims(const char* op, const Tensor& x, int spatial, bool without_samples) {
  const int dims = x.dim();
  const bool shorter = without_samples || spatial == 1;
  if (dims == spatial + 2 || (shorter && dims == spatial + 1)) return;
  throw ShapeError(concat(op, ": expected ", shorter ? concat(spatial + 1, "D or ") : "", spatial + 2, "D input (got ",
                          dims, "D input), a tensor of shape ", x.shape()),
                   SourceLoc::here());
}

}  // namespace

template <int spatial>
BatchNormModule<spatial>::BatchNormModule(std::int64_t num_features, BatchNormOptions options, SourceLoc loc)
    : num_features_(num_features), options_(options) {
  const CallerScope caller(loc);
  check_size("BatchNorm", "num_features", num_features, loc);
  check_eps("BatchNorm", options.eps, loc);
  check_momentum("BatchNorm", options.momentum.value_or(0), loc);
  if (options.affine) {
    weight = parameter("weight", filled(num_features, 1), loc);
    bias = parameter("bias", filled(num_features, 0), loc);
  }
  if (options.track_running_stats) {
    running_mean = buffer("running_mean", filled(num_features, 0), true, loc);
    running_var = buffer("running_var", filled(num_features, 1), true, loc);
    num_batches_tracked = buffer("num_batches_tracked", zeros({}, {.dtype = int64}), true, loc);
  }
}

template <int spatial>
Tensor BatchNormModule<spatial>::forward(const Tensor& x) {
  slope::detail::require_defined("batch_norm", x);
  check_dims("batch_norm", x, spatial, false);
  const bool tracked = running_mean.defined(), counts = tracked && is_training();
  double momentum = options_.momentum.value_or(0);
  if (counts && !options_.momentum) momentum = 1 / static_cast<double>(num_batches_tracked.item<std::int64_t>() + 1);
  Tensor y = functional::batch_norm(x, running_mean, running_var, weight, bias, !tracked || is_training(), momentum,
                                    options_.eps);
  if (counts) {
    const NoGradGuard no_grad;
    num_batches_tracked.add_(1);
  }
  return y;
}

template <int spatial>
std::string BatchNormModule<spatial>::extra_repr() const {
  return describe_moments(*this, num_features_, options_);
}

template class BatchNormModule<1>;
template class BatchNormModule<2>;
template class BatchNormModule<3>;

template <int spatial>
InstanceNormModule<spatial>::InstanceNormModule(std::int64_t num_features, InstanceNormOptions options, SourceLoc loc)
    : num_features_(num_features), options_(options) {
  const CallerScope caller(loc);
  check_size("InstanceNorm", "num_features", num_features, loc);
  check_eps("InstanceNorm", options.eps, loc);
  check_momentum("InstanceNorm", options.momentum.value_or(0), loc);
  if (options.affine) {
    weight = parameter("weight", filled(num_features, 1), loc);
    bias = parameter("bias", filled(num_features, 0), loc);
  }
  if (options.track_running_stats) {
    running_mean = buffer("running_mean", filled(num_features, 0), true, loc);
    running_var = buffer("running_var", filled(num_features, 1), true, loc);
    num_batches_tracked = buffer("num_batches_tracked", zeros({}, {.dtype = int64}), true, loc);
  }
}

template <int spatial>
Tensor InstanceNormModule<spatial>::forward(const Tensor& x) {
  slope::detail::require_defined("instance_norm", x);
  check_dims("instance_norm", x, spatial, true);
  const bool samples = x.dim() == spatial + 2;
  const Tensor all = samples ? x : unsqueeze(x, 0);
  if (options_.affine && all.shape()[1] != num_features_)
    throw ShapeError(concat("instance_norm: expected input's size at dim=", samples ? 1 : 0, " to match num_features (",
                            num_features_, "), but got: ", all.shape()[1], "; the input has shape ", x.shape()),
                     SourceLoc::here());
  const bool own = is_training() || !running_mean.defined();
  const bool moves = own && options_.momentum;
  const Tensor y =
      functional::instance_norm(all, moves || !own ? running_mean : Tensor(), moves || !own ? running_var : Tensor(),
                                weight, bias, own, options_.momentum.value_or(0), options_.eps);
  return samples ? y : squeeze(y, 0);
}

template <int spatial>
std::string InstanceNormModule<spatial>::extra_repr() const {
  return describe_moments(*this, num_features_, options_);
}

template class InstanceNormModule<1>;
template class InstanceNormModule<2>;
template class InstanceNormModule<3>;

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, GroupNormOptions options, SourceLoc loc)
    : num_groups_(num_groups), num_channels_(num_channels), options_(options) {
  const CallerScope caller(loc);
  check_size("GroupNorm", "num_channels", num_channels, loc);
  check_eps("GroupNorm", options.eps, loc);
  if (num_groups <= 0) throw ValueError(concat("GroupNorm: num_groups must be positive, got ", num_groups), loc);
  if (num_channels % num_groups != 0)
    throw ValueError(concat("GroupNorm: num_channels must be divisible by num_groups, got ", num_channels,
                            " channels for ", num_groups, " groups"),
                     loc);
  if (!options.affine) return;
  weight = parameter("weight", filled(num_channels, 1), loc);
  bias = parameter("bias", filled(num_channels, 0), loc);
}
Tensor GroupNorm::forward(const Tensor& x) {
  return functional::group_norm(x, num_groups_, weight, bias, options_.eps);
}
std::string GroupNorm::extra_repr() const {
  return concat(num_groups_, ", ", num_channels_, ", eps=", number(options_.eps), ", affine=", truth(options_.affine));
}

namespace {

void check_normalized(const char* op, const IntArray& sizes, SourceLoc loc) {
  if (sizes.empty()) throw ShapeError(concat(op, ": normalized_shape must name at least one size, got []"), loc);
  for (std::int64_t n : sizes) check_size(op, "a size of normalized_shape", n, loc);
}

}  // namespace

LayerNorm::LayerNorm(const IntArray& normalized_shape, LayerNormOptions options, SourceLoc loc)
    : normalized_shape_(normalized_shape), options_(options) {
  const CallerScope caller(loc);
  check_normalized("LayerNorm", normalized_shape, loc);
  check_eps("LayerNorm", options.eps, loc);
  if (!options.elementwise_affine) return;
  weight = parameter("weight", ones(normalized_shape, {.dtype = default_dtype()}), loc);
  if (options.bias) bias = parameter("bias", zeros(normalized_shape, {.dtype = default_dtype()}), loc);
}
Tensor LayerNorm::forward(const Tensor& x) {
  return functional::layer_norm(x, normalized_shape_, weight, bias, options_.eps);
}
std::string LayerNorm::extra_repr() const {
  return concat(tuple(normalized_shape_), ", eps=", number(options_.eps),
                ", elementwise_affine=", truth(options_.elementwise_affine));
}

RMSNorm::RMSNorm(const IntArray& normalized_shape, RMSNormOptions options, SourceLoc loc)
    : normalized_shape_(normalized_shape), options_(options) {
  const CallerScope caller(loc);
  check_normalized("RMSNorm", normalized_shape, loc);
  if (options.eps) check_eps("RMSNorm", *options.eps, loc);
  if (options.elementwise_affine) weight = parameter("weight", ones(normalized_shape, {.dtype = default_dtype()}), loc);
}
Tensor RMSNorm::forward(const Tensor& x) { return functional::rms_norm(x, normalized_shape_, weight, options_.eps); }
std::string RMSNorm::extra_repr() const {
  return concat(tuple(normalized_shape_), ", eps=", options_.eps ? number(*options_.eps) : "None",
                ", elementwise_affine=", truth(options_.elementwise_affine));
}

LocalResponseNorm::LocalResponseNorm(std::int64_t size, LocalResponseNormOptions options, SourceLoc loc)
    : size_(size), options_(options) {
  if (size <= 0) throw ValueError(concat("LocalResponseNorm: size must be positive, got ", size), loc);
}
Tensor LocalResponseNorm::forward(const Tensor& x) {
  return functional::local_response_norm(x, size_, options_.alpha, options_.beta, options_.k);
}
std::string LocalResponseNorm::extra_repr() const {
  return concat(size_, ", alpha=", number(options_.alpha), ", beta=", number(options_.beta),
                ", k=", number(options_.k));
}

}  // namespace slope::nn
