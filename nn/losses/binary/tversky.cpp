#include "slope/nn/losses/binary/tversky.h"

#include "slope/nn/losses/binary/internal/overlap.h"

namespace slope::nn {

Tensor functional::tversky_loss(In y_pred, const Tensor& y_true, const TverskyLossOptions& options) {
  return detail::overlap_loss("tversky_loss", y_pred, y_true,
                              {options.alpha, options.beta, options.smooth, options.gamma}, options.reduction);
}

}  // namespace slope::nn
