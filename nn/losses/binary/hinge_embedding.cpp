#include "slope/nn/losses/binary/hinge_embedding.h"

#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/nn/losses/shared/internal/hinge.h"

namespace slope::nn::functional {

namespace {

struct HingeEmbedding {
  static constexpr const char* name = "HingeEmbeddingLoss";
  static constexpr const char* arguments[] = {"input", "target"};
  static constexpr unsigned differentiable = 0b01;
  static constexpr std::int64_t grain = grain_cheap;
  double margin = 1;
  template <class T>
  T operator()(const T& x, const T& t) const {
    // For a target that is neither 1 nor -1 the two parts add up to max(x, margin).
    return where(t == 1.0, x, where(t == -1.0, hinge(T(margin - x)), maximum(x, T(margin))));
  }
  template <class T>
  T d0(const T& x, const T& t, const T&) const {
    return where(t != -1.0, T(1), T(0)) + where(t != 1.0, past_hinge(T(margin - x), T(-1)), T(0));
  }
};

}  // namespace

Tensor hinge_embedding_loss(In y_pred, const Tensor& y_true, const HingeEmbeddingLossOptions& options) {
  constexpr const char* op = "hinge_embedding_loss";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_broadcastable(op, "target", y_pred, y_true);
  detail::require_plain_reduction(op, options.reduction, y_pred.loc);
  return slope::detail::pointwise_loss(HingeEmbedding{options.margin}, options.reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
