#include "slope/nn/losses/pairs/internal/triplet_hinge.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/shared/internal/hinge.h"

namespace slope::nn::detail {

namespace {

struct TripletHinge {
  static constexpr const char* name = "TripletMarginLoss";
  static constexpr std::int64_t grain = grain_cheap;
  double margin = 1;
  template <class T>
  T operator()(const T& ap, const T& an) const {
    return hinge(margin + ap - an);
  }
  template <class T>
  T d0(const T& ap, const T& an, const T&) const {
    return past_hinge(T(margin + ap - an), T(1));
  }
  template <class T>
  T d1(const T& ap, const T& an, const T&) const {
    return past_hinge(T(margin + ap - an), T(-1));
  }
};

}  // namespace

void require_triplet(const char* op, In anchor, const Tensor& positive, const Tensor& negative, double margin,
                     const ReductionOption& reduction) {
  require_floating(op, anchor, "the anchor");
  require_floating(op, {positive, anchor.loc}, "the positive");
  require_floating(op, {negative, anchor.loc}, "the negative");
  require_plain_reduction(op, reduction, anchor.loc);
  if (!(margin > 0)) throw ValueError(concat(op, ": margin must be greater than 0, got ", margin), anchor.loc);
  if (anchor->dim() != positive.dim() || anchor->dim() != negative.dim())
    throw ShapeError(
        concat(op, ": All inputs should have same dimension but got ", anchor->dim(), "D, ", positive.dim(), "D and ",
               negative.dim(), "D inputs. The anchor is ", to_text(anchor->shape()), ", the positive ",
               to_text(positive.shape()), ", the negative ", to_text(negative.shape())),
        anchor.loc);
}

Tensor triplet_hinge(const Tensor& ap, const Tensor& an, const Tensor& pn, double margin, Reduction reduction) {
  const Tensor nearest = pn.defined() ? minimum(an, pn) : an;
  return slope::detail::pointwise_loss(TripletHinge{margin}, reduction, ap, nearest);
}

}  // namespace slope::nn::detail
