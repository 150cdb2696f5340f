#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/module.h"

namespace slope::nn {

struct ArcFaceLossOptions {
  /// m, the angle in radians that is added to that of the true class.
  double margin = 0.5;
  double scale = 64.0;
  /// Adds the margin only where the angle is below 90 degrees.
  bool easy_margin = false;
  ReductionOption reduction = Reduction::mean;
};

namespace functional {

/// Additive angular margin (Deng et al., ArcFace, 2019): cross entropy of scale·c, c the cosines between the input and
/// the weights of the classes, where at the true class c = cos θ is replaced by cos(θ + m) = c·cos m - √(1-c²)·sin m.
/// Where θ + m would pass 180 degrees it is c - m·sin m instead; with easy_margin, c itself where c <= 0.
///
/// Shapes: input [N, D], weight [C, D], int64 target [N]; result 0-d, or [N] without reduction. Gradients reach input
/// and weight. ∂√(1-c²) is infinite at |c| = 1; there, and where rounding puts c beyond, it counts as 0. Throws
/// ShapeError for shapes that do not fit, DTypeError for dtypes, IndexError for targets outside [0, C), ValueError
/// unless scale > 0.
///
///     Tensor loss = F::arcface_loss(features, weight, labels, {.margin = 0.3});
Tensor arcface_loss(In input, const Tensor& weight, const Tensor& target, const ArcFaceLossOptions& options = {});

}  // namespace functional

/// arcface_loss with the weight [num_classes, in_features] as its parameter, which starts as xavier_uniform_. Throws
/// ValueError for negative sizes.
///
///     nn::ArcFaceLoss loss(128, 1000);
///     optim::Adam opt(loss.parameters(), {.lr = 1e-3});       // together with those of the net
///     loss(net(x), labels).backward();
class ArcFaceLoss : public Module {
 public:
  ArcFaceLoss(std::int64_t in_features, std::int64_t num_classes, ArcFaceLossOptions options = {},
              SourceLoc loc = SourceLoc::here());
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target) {
    return functional::arcface_loss(input, weight, target, options_);
  }
  Tensor operator()(In input, const Tensor& target) {
    return run(input, [&](const Tensor& x) { return forward(x, target); });
  }
  const ArcFaceLossOptions& options() const { return options_; }

  Parameter weight;

 private:
  ArcFaceLossOptions options_;
};

}  // namespace slope::nn
