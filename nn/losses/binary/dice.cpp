#include "slope/nn/losses/binary/dice.h"

#include "slope/nn/losses/binary/internal/overlap.h"

namespace slope::nn {

// 1 - (2·TP + s)/(Σp + Σt + s) is the overlap with α = β = 1/2 and half of s.
Tensor functional::dice_loss(In y_pred, const Tensor& y_true, const DiceLossOptions& options) {
  return detail::overlap_loss("dice_loss", y_pred, y_true, {.alpha = 0.5, .beta = 0.5, .smooth = options.smooth / 2},
                              options.reduction);
}

}  // namespace slope::nn
