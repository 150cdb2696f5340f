#pragma once

#include "slope/nn/losses/shared/common.h"
#include "slope/nn/losses/shared/loss_module.h"

namespace slope::nn {

struct GeneralizedBoxIoULossOptions {
  ReductionOption reduction = Reduction::none;
  /// Added to both divisors.
  double eps = 1e-7;
};

namespace functional {

/// Generalized intersection over union of boxes (x1, y1, x2, y2), as a loss between 0 and 2 (Rezatofighi et al.,
/// Generalized Intersection over Union, 2019): with the intersection I, the union U and the area C of the smallest box
/// around both, l = 1 - I/(U + ε) + (C - U)/(C + ε). Unlike 1 - I/U it has a gradient for boxes that do not meet.
///
/// Shapes: two of [..., 4]; result 0-d, or [...] without reduction, which is the default, as in torchvision. The mean
/// of no boxes is NaN (torchvision: 0). Boxes with x2 < x1 or y2 < y1 are not refused, since a network may well predict
/// them: the formula is applied as it stands, with a negative area. Kinks: where two edges coincide each box takes half
/// of the derivative of min and max; boxes that only touch have no intersection to change. Areas beyond the range of
/// the dtype do no harm. Throws ShapeError when the shapes differ or do not end in 4, DTypeError for integral
/// predictions.
///
///     Tensor loss = F::generalized_box_iou_loss(boxes, y_true, {.reduction = Reduction::mean});
Tensor generalized_box_iou_loss(In boxes1, const Tensor& boxes2, const GeneralizedBoxIoULossOptions& options = {});

}  // namespace functional

/// generalized_box_iou_loss as a module.
class GeneralizedBoxIoULoss : public LossModule<GeneralizedBoxIoULossOptions, functional::generalized_box_iou_loss> {
  using LossModule::LossModule;
};

}  // namespace slope::nn
