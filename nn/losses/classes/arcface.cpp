#include "slope/nn/losses/classes/arcface.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/functional.h"
#include "slope/nn/init.h"
#include "slope/nn/losses/classes/cross_entropy.h"
#include "slope/nn/losses/classes/internal/class_targets.h"

namespace slope::nn {

namespace {

/// cos(θ + m) of c = cos θ, as far as θ + m is an angle.
struct AngularMargin {
  static constexpr const char* name = "AngularMargin";
  double cos_m = 1, sin_m = 0, last = -1, step = 0;
  bool easy = false;

  template <class T>
  T operator()(const T& c) const {
    const T rest = (1.0 - c) * (1.0 + c);
    const T turned = c * cos_m - sqrt(maximum(rest, T(0))) * sin_m;
    return easy ? where(c > 0, turned, c) : where(c > last, turned, c - step);
  }
  template <class T>
  T d0(const T& c, const T&) const {
    const T rest = (1.0 - c) * (1.0 + c);
    const T slope = where(rest > 0, cos_m + sin_m * c / sqrt(where(rest > 0, rest, T(1))), T(cos_m));
    return easy ? where(c > 0, slope, T(1)) : where(c > last, slope, T(1));
  }
};

}  // namespace

Tensor functional::arcface_loss(In input, const Tensor& weight, const Tensor& target,
                                const ArcFaceLossOptions& options) {
  constexpr const char* op = "arcface_loss";
  const SourceLoc loc = input.loc;
  CallerScope scope(loc);
  if (!input.tensor.defined() || !weight.defined())
    throw ValueError(concat(op, ": the input or the weight is an undefined tensor"), loc);
  detail::require_floating(op, input);
  detail::require_plain_reduction(op, options.reduction, loc);
  if (weight.dtype() != input->dtype())
    throw DTypeError(concat(op, ": the weight must have the dtype of the input, ", dtype_name(input->dtype()),
                            ", but is ", dtype_name(weight.dtype())),
                     loc);
  if (input->dim() != 2 || weight.dim() != 2 || input->shape()[1] != weight.shape()[1])
    throw ShapeError(concat(op, ": the input must be [N, D] and the weight [C, D], but they are ",
                            to_text(input->shape()), " and ", to_text(weight.shape())),
                     loc);
  if (!(options.scale > 0)) throw ValueError(concat(op, ": scale must be positive, got ", options.scale), loc);
  if (!std::isfinite(options.margin))
    throw ValueError(concat(op, ": margin must be finite, got ", options.margin), loc);
  const Shape logits_shape = {input->shape()[0], weight.shape()[0]};
  // No label is ignored: none can be the smallest integer and a class.
  const Tensor stand_in = zeros({}, {.dtype = input->dtype()}).expand(logits_shape);
  (void)detail::class_targets(op, {stand_in, loc}, target, {}, std::numeric_limits<std::int64_t>::min())
      .total_weight(op, loc);

  const double m = options.margin, pi = std::numbers::pi;
  const AngularMargin margin{std::cos(m), std::sin(m), std::cos(pi - m), m * std::sin(pi - m), options.easy_margin};
  const Tensor logits = linear(normalize(input) * options.scale, normalize(weight));
  const Tensor at = target.unsqueeze(1);
  const Tensor turned = slope::detail::pointwise_op(margin, gather(logits, 1, at) / options.scale) * options.scale;
  return cross_entropy(scatter(logits, 1, at, turned), target, {.reduction = options.reduction});
}

ArcFaceLoss::ArcFaceLoss(std::int64_t in_features, std::int64_t num_classes, ArcFaceLossOptions options, SourceLoc loc)
    : options_(options) {
  const CallerScope caller(loc);
  if (in_features < 0 || num_classes < 0)
    throw ValueError(concat("ArcFaceLoss: in_features and num_classes must not be negative, got ", in_features, " and ",
                            num_classes),
                     loc);
  const Tensor start = make_empty({num_classes, in_features}, default_dtype());
  init::xavier_uniform_(start, 1, default_generator(), loc);
  weight = parameter("weight", start, loc);
}

}  // namespace slope::nn
