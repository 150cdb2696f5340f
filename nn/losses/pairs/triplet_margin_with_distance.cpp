#include "slope/nn/losses/pairs/triplet_margin_with_distance.h"

#include "slope/nn/losses/pairs/internal/triplet_hinge.h"
#include "slope/nn/losses/pairs/pairwise_distance.h"

namespace slope::nn {

Tensor functional::triplet_margin_with_distance_loss(In anchor, const Tensor& positive, const Tensor& negative,
                                                     const TripletMarginWithDistanceLossOptions& options) {
  constexpr const char* op = "triplet_margin_with_distance_loss";
  CallerScope scope(anchor.loc);
  detail::require_triplet(op, anchor, positive, negative, options.margin, options.reduction);
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    if (!options.distance_function) return pairwise_distance({a, anchor.loc}, b);
    const Tensor d = options.distance_function(a, b);
    if (!d.defined() || !d.is_floating_point())
      throw ValueError(concat(op, ": distance_function must return a floating point tensor, got ",
                              d.defined() ? dtype_name(d.dtype()) : "an undefined one"),
                       anchor.loc);
    return d;
  };
  return detail::triplet_hinge(distance(anchor, positive), distance(anchor, negative),
                               options.swap ? distance(positive, negative) : Tensor(), options.margin,
                               options.reduction);
}

}  // namespace slope::nn
