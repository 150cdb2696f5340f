#include "slope/nn/losses/pairs/margin_ranking.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/shared/internal/hinge.h"

namespace slope::nn::functional {

namespace {

struct MarginRanking {
  static constexpr const char* name = "MarginRankingLoss";
  static constexpr const char* arguments[] = {"input1", "input2", "target"};
  static constexpr std::int64_t grain = grain_cheap;
  double margin = 0;
  template <class T>
  constexpr T shortfall(const T& x1, const T& x2, const T& t) const {
    return margin - t * (x1 - x2);
  }
  template <class T>
  T operator()(const T& x1, const T& x2, const T& t) const {
    return hinge(shortfall(x1, x2, t));
  }
  template <class T>
  T d0(const T& x1, const T& x2, const T& t, const T&) const {
    return past_hinge(shortfall(x1, x2, t), T(-t));
  }
  template <class T>
  T d1(const T& x1, const T& x2, const T& t, const T&) const {
    return past_hinge(shortfall(x1, x2, t), t);
  }
  template <class T>
  T d2(const T& x1, const T& x2, const T& t, const T&) const {
    return past_hinge(shortfall(x1, x2, t), T(x2 - x1));
  }
};

}  // namespace

Tensor margin_ranking_loss(In input1, const Tensor& input2, const Tensor& target,
                           const MarginRankingLossOptions& options) {
  constexpr const char* op = "margin_ranking_loss";
  CallerScope scope(input1.loc);
  const SourceLoc loc = input1.loc;
  for (const Tensor* t : {&input2, &target})
    if (!t->defined())
      throw ValueError(concat(op, ": the ", t == &target ? "target" : "second input", " is an undefined tensor"), loc);
  detail::require_floating(op, input1);
  detail::require_floating(op, {input2, loc});
  if (input1->dim() != input2.dim() || input1->dim() != target.dim())
    throw ShapeError(concat(op, " : All input tensors should have same dimension but got sizes: input1: ",
                            to_text(input1->shape()), ", input2: ", to_text(input2.shape()),
                            ", target: ", to_text(target.shape()), "; add dimensions of size 1 with unsqueeze"),
                     loc);
  (void)broadcast_shapes(broadcast_shapes(input1->shape(), input2.shape(), op, loc), target.shape(), op, loc);
  detail::require_plain_reduction(op, options.reduction, loc);
  return slope::detail::pointwise_loss(MarginRanking{options.margin}, options.reduction, input1, input2, target);
}

}  // namespace slope::nn::functional
